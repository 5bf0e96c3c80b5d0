// The messages to upstream servers, and which of theirs answer them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/octets.h"
#include "dns/message.h"
#include "resolve/resolver.h"

namespace postern::resolve {

/// Unpredictable message ids: the kernel's random numbers, fetched in batches. One thread.
class RandomIds {
 public:
  std::uint16_t next();

 private:
  std::array<std::uint16_t, 128> ids_{};
  std::size_t at_ = 128;
};

/// No query that `write_query` makes is longer.
inline constexpr std::size_t kMaxQueryOctets = 512;

/// What a query carries of EDNS: none, for servers that know none (RFC 6891 §7); an OPT with DO;
/// or that and padding to hide the length of the name, for TLS (RFC 7830, 8467).
enum class QueryForm : std::uint8_t { bare, edns, padded };

/// `request` as a message to a server, with RD, AD and, where asked for, CD set; returns its
/// size. `out` has kMaxQueryOctets.
std::size_t write_query(const Request& request, std::uint16_t id, QueryForm form,
                        std::span<std::uint8_t> out);

enum class ResponseKind : std::uint8_t {
  stray,      ///< To be ignored as forged or of another question.
  truncated,  ///< TC is set; what follows the question may end anywhere (RFC 2181 §9).
  whole,      ///< To exactly this question, or an error of a server that repeats no question.
};

/// What a message is to a question. `view` is set unless `stray`, or `truncated` within a record.
struct Response {
  ResponseKind kind = ResponseKind::stray;
  std::optional<dns::MessageView> view;
};

/// Reads what came from a server that was asked `question` with this id. Without a question only
/// FORMERR, SERVFAIL, NOTIMP, REFUSED and BADVERS without records are taken: servers that
/// could not read the query send those as a bare header. `view` borrows `message`.
Response read_response(OctetView message, const dns::Question& question, std::uint16_t id);

}  // namespace postern::resolve
