#include "base/mac.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"

namespace postern {

MacAddress MacAddress::from_octets(OctetView octets) {
  POSTERN_ASSERT(octets.size() == kOctets);
  MacAddress mac;
  std::ranges::copy(octets, mac.octets_.begin());
  return mac;
}

Result<MacAddress> MacAddress::from_text(std::string_view text) {
  constexpr std::size_t kEach = 3;  // Two digits, and what stands between.
  MacAddress mac;
  bool is_good = text.size() == kOctets * kEach - 1;
  const char between = is_good ? text[2] : ':';
  is_good = is_good && (between == ':' || between == '-');
  for (std::size_t i = 0; is_good && i < kOctets; ++i) {
    const char* const at = text.data() + i * kEach;
    const auto [end, error] = std::from_chars(at, at + 2, mac.octets_[i], 16);
    is_good = error == std::errc() && end == at + 2 && (i + 1 == kOctets || at[2] == between);
  }
  if (is_good) return mac;
  return fail(Errc::invalid_input, "\"" + std::string(text) + "\" is not a hardware address");
}

std::string MacAddress::to_text() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : octets_) {
    if (!text.empty()) text += ':';
    text += kDigits[octet >> 4];
    text += kDigits[octet & 15];
  }
  return text;
}

}  // namespace postern
