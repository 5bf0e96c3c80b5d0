#include "server/access_list.h"

#include <cstring>

#include "base/octets.h"

namespace postern::server {

namespace {

std::uint64_t load_u64(const std::uint8_t* at) {
  return (std::uint64_t{load_u32(at)} << 32) | load_u32(at + 4);
}

/// `count` ones from the left.
std::uint64_t ones(unsigned count) {
  if (count == 0) return 0;
  return ~std::uint64_t{0} << (64 - (count < 64 ? count : 64));
}

}  // namespace

AccessList::AccessList(const std::vector<IpPrefix>& allowed) {
  for (const IpPrefix& prefix : allowed) {
    const unsigned length = prefix.length();
    const Entry entry{bits_of(prefix.address()),
                      {ones(length), length > 64 ? ones(length - 64) : 0}};
    (prefix.address().is_v4() ? v4_ : v6_).push_back(entry);
  }
}

AccessList::Bits AccessList::bits_of(const IpAddress& address) {
  const std::uint8_t* octets = address.octets().data();
  if (address.is_v4()) return {std::uint64_t{load_u32(octets)} << 32, 0};
  return {load_u64(octets), load_u64(octets + 8)};
}

bool AccessList::allows(const IpAddress& client) const {
  const Bits bits = bits_of(client);
  for (const Entry& entry : client.is_v4() ? v4_ : v6_) {
    const std::uint64_t differs = ((bits.high ^ entry.value.high) & entry.mask.high) |
                                  ((bits.low ^ entry.value.low) & entry.mask.low);
    if (differs == 0) return true;
  }
  return false;
}

}  // namespace postern::server
