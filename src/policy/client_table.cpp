#include "policy/client_table.h"

#include <algorithm>

namespace postern::policy {

/// The address as a number that orders as addresses do.
template <class Address>
Address ClientTable::number(const IpAddress& address) {
  Address value = 0;
  for (const std::uint8_t octet : address.octets()) value = (value << 8) | octet;
  return value;
}

/// From `start` on, `group`; calls come in ascending order of `start`.
template <class Address>
void ClientTable::Intervals<Address>::cut(Address start, std::uint16_t group) {
  if (!starts.empty() && starts.back() == start) {
    groups.back() = group;
  } else {
    starts.push_back(start);
    groups.push_back(group);
  }
}

template <class Address>
void ClientTable::Intervals<Address>::build(std::span<const ClientPrefix> prefixes,
                                            IpAddress::Family family) {
  struct Range {
    Address first;
    Address last;
    std::uint16_t group;
  };
  constexpr Address kLast = static_cast<Address>(~Address{0});
  std::vector<Range> ranges;
  for (const ClientPrefix& client : prefixes) {
    if (client.prefix.address().family() != family) continue;
    const unsigned length = client.prefix.length();
    const auto first = number<Address>(client.prefix.address());
    // A shift by the full width is not defined.
    const Address host_bits = length >= sizeof(Address) * 8 ? Address{0} : kLast >> length;
    ranges.push_back({first, first | host_bits, client.group});
  }
  // Outer before inner; stable, so that the first of two equal prefixes stays first.
  std::stable_sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });

  cut(0, 0);
  std::vector<Range> open;  // The prefixes around the current address, the innermost last.
  const auto close_until = [&](Address address, bool all) {
    while (!open.empty() && (all || open.back().last < address)) {
      const Address last = open.back().last;
      open.pop_back();
      if (last != kLast) cut(last + 1, open.empty() ? std::uint16_t{0} : open.back().group);
    }
  };
  for (const Range& range : ranges) {
    close_until(range.first, false);
    const bool repeated =
        !open.empty() && open.back().first == range.first && open.back().last == range.last;
    if (repeated) continue;
    cut(range.first, range.group);
    open.push_back(range);
  }
  close_until(0, true);
}

template <class Address>
std::uint16_t ClientTable::Intervals<Address>::find(Address address) const {
  // A binary search without branches: those of std::upper_bound are mispredicted half the time.
  std::size_t at = 0;
  for (std::size_t left = starts.size(); left > 1;) {
    const std::size_t half = left / 2;
    at += starts[at + half] <= address ? half : 0;
    left -= half;
  }
  return groups[at];
}

ClientTable::ClientTable(std::span<const ClientPrefix> prefixes) {
  v4_.build(prefixes, IpAddress::Family::v4);
  v6_.build(prefixes, IpAddress::Family::v6);
}

std::uint16_t ClientTable::group_of(const IpAddress& client) const {
  return client.is_v4() ? v4_.find(number<std::uint32_t>(client)) : v6_.find(number<U128>(client));
}

std::size_t ClientTable::memory_octets() const {
  return sizeof *this + v4_.starts.capacity() * sizeof(std::uint32_t) +
         v6_.starts.capacity() * sizeof(U128) +
         (v4_.groups.capacity() + v6_.groups.capacity()) * sizeof(std::uint16_t);
}

}  // namespace postern::policy
