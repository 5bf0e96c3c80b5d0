#include "server/identity.h"

#include <string>

#include "base/octets.h"

namespace postern::server {
namespace {

using dns::EdnsOption;

std::optional<MacAddress> from_octets(OctetView octets) {
  if (octets.size() != MacAddress::kOctets) return std::nullopt;
  const MacAddress address = MacAddress::from_octets(octets);
  return address.is_zero() ? std::nullopt : std::optional(address);
}

/// Of eight characters: six octets in base64 (RFC 4648 §4).
std::optional<MacAddress> from_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::size_t kCharacters = 8;
  if (text.size() != kCharacters) return std::nullopt;
  std::uint64_t bits = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | digit;
  }
  std::array<std::uint8_t, MacAddress::kOctets> octets{};
  for (std::size_t i = 0; i < octets.size(); ++i) {
    octets[i] = static_cast<std::uint8_t>(bits >> (8 * (octets.size() - 1 - i)));
  }
  return from_octets(octets);
}

std::optional<MacAddress> from_text(std::string_view text) {
  if (const auto packed = from_base64(text)) return packed;
  const auto address = MacAddress::from_text(text);
  return address && !address->is_zero() ? std::optional(*address) : std::nullopt;
}

}  // namespace

policy::Identity identity_in(const dns::Edns& edns) {
  policy::Identity identity;
  if (const auto octets = dns::find_option(edns, EdnsOption::client_mac)) {
    identity.device = from_octets(*octets);
  }
  if (const auto octets = dns::find_option(edns, EdnsOption::client_device);
      octets && !identity.device) {
    identity.device = from_text(text_of(*octets));
  }
  if (const auto octets = dns::find_option(edns, EdnsOption::client_name)) {
    identity.id = policy::ClientId::from_text(text_of(*octets));
  }
  return identity;
}

}  // namespace postern::server
