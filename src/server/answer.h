// Answers that need no data: errors, truncation, RFC 8482; and the OPT at the end of every answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/octets.h"
#include "dns/message.h"
#include "dns/types.h"
#include "server/asker.h"

namespace postern::server {

/// What the EDNS part of an answer says.
struct Extended {
  std::optional<dns::EdeCode> ede = {};
  std::string_view text = {};  ///< Cut to limits::kEdeTextOctets.
  /// Instead of `text` where there is room for all of it; no room is kept for it, so that it makes
  /// no answer too long. At most limits::kStructuredErrorOctets.
  std::string_view structured = {};
  std::uint8_t upper_rcode = 0;  ///< The code's bits from the fifth on (RFC 6891 §6.1.3).
};

/// Octets that `append_opt` needs: 0 for a client without EDNS.
std::size_t opt_octets(const dns::Query& query, const Extended& extended);

/// Adds our OPT (version 0, our UDP size, DO as the client had it; RFC 6891 §6.1) to a finished
/// message of `size` octets, for clients that sent one; else gives `size` back. What does not fit
/// is left out, the extended error first. Never allocates.
std::size_t append_opt(std::span<std::uint8_t> message, std::size_t size, const dns::Query& query,
                       std::uint16_t udp_octets, const Extended& extended);

/// The header flags every answer begins with: QR, RA, the client's opcode, RD and CD.
std::uint16_t answer_flags(const dns::Header& query);

/// Header and question, no records: for errors, truncation (`extra_flags` = TC), NODATA without a
/// SOA. The question is left out where the query's was not whole. `rcode`'s lower four bits.
std::size_t write_bare(const Asker& asker, dns::Rcode rcode, std::uint16_t extra_flags,
                       std::span<std::uint8_t> out);

/// ANY is answered by one HINFO (RFC 8482 §4.2); the question's name is pointed to.
std::size_t write_any(const Asker& asker, std::span<std::uint8_t> out);

/// "Blocked by feed NAME (trace XXXXXXXX)", in `buffer`, cut where it does not fit. Never
/// allocates.
std::string_view block_text(std::span<char> buffer, std::string_view zone, std::uint64_t trace_id);

}  // namespace postern::server
