#include "exchange/address.h"

#include <algorithm>
#include <array>

namespace postern::exchange {
namespace {

struct Network {
  std::array<std::uint8_t, 2> first;  ///< Its first two octets.
  unsigned bits;                      ///< Up to 16.
};

constexpr std::array kInternal4 = {Network{{10, 0}, 8},     Network{{127, 0}, 8},
                                   Network{{172, 16}, 12},  Network{{192, 168}, 16},
                                   Network{{169, 254}, 16}, Network{{100, 64}, 10}};
constexpr std::array kInternal6 = {Network{{0xfc, 0}, 7}, Network{{0xfe, 0x80}, 10}};

bool begins(OctetView address, const Network& network) {
  const unsigned mask = (0xffffU << (16 - network.bits)) & 0xffffU;
  const unsigned first = static_cast<unsigned>(network.first[0]) << 8 | network.first[1];
  return (load_u16(address.data()) & mask) == first;
}

}  // namespace

bool is_internal(const IpAddress& address) {
  if (address.is_loopback() || address.is_unspecified()) return true;
  const auto of = [&](const Network& network) { return begins(address.octets(), network); };
  return address.is_v4() ? std::ranges::any_of(kInternal4, of)
                         : std::ranges::any_of(kInternal6, of);
}

bool is_internal_address(std::string_view text) {
  const auto address = IpAddress::from_text(text.substr(0, text.find('%')));
  return address && is_internal(*address);
}

}  // namespace postern::exchange
