#include "feeds/name_key.h"

#include <array>
#include <cstring>

namespace postern::feeds {

void append_name_key(const dns::Name& owner, std::size_t origin_octets, Octets& out) {
  const OctetView wire = owner.wire();
  std::array<std::uint8_t, dns::Name::kMaxLabels> starts;
  std::size_t count = 0;
  for (std::size_t at = 0; at + origin_octets < wire.size(); at += wire[at] + 1U) {
    starts[count++] = static_cast<std::uint8_t>(at);
  }
  while (count > 0) {
    const std::size_t at = starts[--count];
    for (const std::uint8_t octet : wire.subspan(at + 1, wire[at])) {
      if (octet <= kKeyEscape) out.push_back(kKeyEscape);
      out.push_back(octet <= kKeyEscape ? static_cast<std::uint8_t>(octet + 1) : octet);
    }
    out.push_back(kKeyEnd);
  }
}

dns::Name name_of_key(OctetView key) {
  std::array<std::uint8_t, dns::Name::kMaxOctets> labels;
  std::size_t front = labels.size() - 1;
  labels[front] = 0;
  std::array<std::uint8_t, dns::Name::kMaxLabelOctets> label;
  std::size_t size = 0;
  for (std::size_t at = 0; at < key.size(); ++at) {
    if (key[at] == kKeyEnd) {
      front -= size;
      std::memcpy(&labels[front], label.data(), size);
      labels[--front] = static_cast<std::uint8_t>(size);
      size = 0;
    } else {
      label[size++] = key[at] == kKeyEscape ? static_cast<std::uint8_t>(key[++at] - 1) : key[at];
    }
  }
  return *dns::Name::from_labels({&labels[front], labels.size() - front});
}

}  // namespace postern::feeds
