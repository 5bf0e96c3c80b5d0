#include "event/answer_trail.h"

#include <algorithm>
#include <cstring>

namespace postern::event {
namespace {

constexpr std::uint8_t kV4 = 0xc4, kV6 = 0xc6;

}  // namespace

AnswerTrail::AnswerTrail(std::span<const dns::Name> names, std::span<const IpAddress> addresses) {
  for (const dns::Name& name : names.first(std::min(names.size(), kMaxNames))) {
    if (!name.is_root() && !append(name.wire())) break;
  }
  for (const IpAddress& address : addresses.first(std::min(addresses.size(), kMaxAddresses))) {
    append(address);
  }
}

bool AnswerTrail::append(OctetView octets) {
  if (octets.size() > kMaxOctets - size_) return false;
  std::memcpy(&octets_[size_], octets.data(), octets.size());
  size_ = static_cast<std::uint16_t>(size_ + octets.size());
  return true;
}

void AnswerTrail::append(const IpAddress& address) {
  std::array<std::uint8_t, 17> item{address.is_v4() ? kV4 : kV6};
  const OctetView octets = address.octets();
  std::memcpy(&item[1], octets.data(), octets.size());
  append(OctetView(item).first(1 + octets.size()));
}

void AnswerTrail::keep_other_family(OctetView before) {
  TrailParts mine, old;
  if (!read_trail(octets(), mine) || !read_trail(before, old)) return;
  const auto has = [&](IpAddress::Family family) {
    return std::ranges::any_of(mine.addresses,
                               [&](const IpAddress& each) { return each.family() == family; });
  };
  for (const IpAddress& address : old.addresses) {
    if (!has(address.family())) append(address);
  }
}

bool read_trail(OctetView octets, TrailParts& parts) {
  parts.names.clear();
  parts.addresses.clear();
  const auto refuse = [&] {
    parts = {};
    return false;
  };
  if (octets.size() > AnswerTrail::kMaxOctets) return refuse();
  for (std::size_t at = 0; at < octets.size();) {
    if (octets[at] == kV4 || octets[at] == kV6) {
      const std::size_t size = octets[at] == kV4 ? 4 : 16;
      if (octets.size() - at <= size) return refuse();
      parts.addresses.push_back(IpAddress::from_octets(octets.subspan(at + 1, size)));
      at += 1 + size;
      continue;
    }
    // A pointer's two bits are those of an address: none can be followed here.
    std::size_t end = at;
    const auto name = dns::Name::from_wire(octets, end);
    if (!name || name->is_root() || end - at != name->wire().size()) return refuse();
    parts.names.push_back(*name);
    at = end;
  }
  return true;
}

}  // namespace postern::event
