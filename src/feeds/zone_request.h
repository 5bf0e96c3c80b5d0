// What another name server asks for: NOTIFY (RFC 1996), SOA, AXFR (RFC 5936), IXFR (RFC 1995), as
// octets from anybody. Computes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/octets.h"
#include "base/result.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/types.h"

namespace postern::feeds {

struct ZoneRequest {
  enum class Kind : std::uint8_t { notify, soa, ixfr, axfr };

  Kind kind{};
  dns::Header header;
  dns::Name zone;
  std::size_t question_end = 0;  ///< Octets 12 to here are the question.
  std::optional<dns::Edns> edns;
  /// Of NOTIFY: the zone's new one, where the sender says it. Of IXFR, always: that of the copy
  /// that the changes are wanted for.
  std::optional<std::uint32_t> serial;
};

/// Why a message is none of them, or no good one.
enum class ZoneRequestError : std::uint8_t {
  another,  ///< Something else is asked: of other types or classes, or an answer.
  format,   ///< One of them, malformed: FORMERR.
};

/// Reads a message. Views in it are of `message`.
Result<ZoneRequest, ZoneRequestError> read_zone_request(OctetView message);

/// Why a request is refused, for the client (RFC 8914) and the log.
struct Refusal {
  dns::Rcode rcode = dns::Rcode::refused;
  dns::EdeCode ede = dns::EdeCode::prohibited;
  std::string_view text;  ///< A literal.
};

/// The answer that refuses `request`, or where that could not be read, `message`. Gives its size.
std::size_t write_refusal(OctetView message, const ZoneRequest* request, const Refusal& refusal,
                          std::span<std::uint8_t> out);

}  // namespace postern::feeds
