#include "intel/text.h"

#include <algorithm>

#include <fmt/format.h>

namespace postern::intel {
namespace {

constexpr std::size_t kMaxShownOctets = 60;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Cuts at the start of a UTF-8 sequence rather than inside one.
std::size_t cut_at(std::string_view text) {
  if (text.size() <= kMaxShownOctets) return text.size();
  std::size_t end = kMaxShownOctets;
  while (end > kMaxShownOctets - 4 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return end;
}

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string shown(std::string_view text) {
  const std::size_t end = cut_at(text);
  std::string out = "\"";
  for (const char c : text.substr(0, end)) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f) {
      out += fmt::format("\\x{:02x}", octet);
    } else {
      out.push_back(c);
    }
  }
  out += end < text.size() ? "…\"" : "\"";
  return out;
}

}  // namespace postern::intel
