// UTF-8 (RFC 3629 §4), a character at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postern::evidence {

inline constexpr std::uint32_t kReplacement = 0xFFFD;

struct CodePoint {
  std::uint32_t code = 0;
  std::size_t octets = 0;  ///< How many it takes; 1 where it is not well-formed.
  bool is_well_formed = false;
};

/// The first character of `text`, which is not empty.
CodePoint next_code_point(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace postern::evidence
