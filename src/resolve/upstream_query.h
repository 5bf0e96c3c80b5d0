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

/// Whether a query is filled up to hide the length of its name: for TLS (RFC 7830, 8467).
enum class Padding : bool { no, yes };

/// `request` as a message to a server, with RD, AD, DO and, where asked for, CD set; returns its
/// size. `out` has kMaxQueryOctets.
std::size_t write_query(const Request& request, std::uint16_t id, Padding padding,
                        std::span<std::uint8_t> out);

/// `message` where it is a whole response with this id to exactly this question; nothing for
/// what must be ignored as forged or stray.
std::optional<dns::MessageView> answer_to(OctetView message, const dns::Question& question,
                                          std::uint16_t id);

}  // namespace postern::resolve
