#include "evidence/hex.h"

#include <charconv>

namespace postern::evidence {

std::string to_hex(OctetView octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(octets.size() * 2);
  for (const std::uint8_t octet : octets) {
    text += kDigits[octet >> 4U];
    text += kDigits[octet & 15U];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
  if (text.size() % 2 != 0 || text.find_first_not_of(kDigits) != std::string_view::npos) {
    return std::nullopt;
  }
  std::string octets;
  octets.reserve(text.size() / 2);
  for (std::size_t at = 0; at < text.size(); at += 2) {
    unsigned octet = 0;
    std::from_chars(text.data() + at, text.data() + at + 2, octet, 16);
    octets += static_cast<char>(octet);
  }
  return octets;
}

bool is_sha256(std::string_view text) {
  constexpr std::size_t kDigits = 64;
  return text.size() == kDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace postern::evidence
