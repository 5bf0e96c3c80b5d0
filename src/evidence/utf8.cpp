#include "evidence/utf8.h"

namespace postern::evidence {
namespace {

// How many octets a character takes whose first one this is; 0 where none begins so.
std::size_t octets_from(std::uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  if (first >= 0xF0 && first <= 0xF4) return 4;
  return 0;
}

bool is_shortest(std::uint32_t code, std::size_t octets) {
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code >= kLeast[octets] && code <= 0x10FFFF && !is_surrogate;
}

}  // namespace

CodePoint next_code_point(std::string_view text) {
  const auto first = static_cast<std::uint8_t>(text.front());
  const std::size_t octets = octets_from(first);
  if (octets == 1) return {first, 1, true};
  if (octets == 0 || octets > text.size()) return {first, 1, false};
  std::uint32_t code = first & (0xFFU >> (octets + 1));
  for (const char next : text.substr(1, octets - 1)) {
    const auto octet = static_cast<std::uint8_t>(next);
    if ((octet & 0xC0U) != 0x80U) return {first, 1, false};
    code = (code << 6U) | (octet & 0x3FU);
  }
  if (!is_shortest(code, octets)) return {first, 1, false};
  return {code, octets, true};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = next_code_point(text);
    if (!point.is_well_formed) return false;
    text.remove_prefix(point.octets);
  }
  return true;
}

}  // namespace postern::evidence
