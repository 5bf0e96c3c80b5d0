#include "journal/name_key.h"

#include <cstddef>
#include <cstring>

namespace postern::journal {
namespace {

// Writes the labels of `from` (length octets included, no root) in opposite order to `to`.
// False where they are not labels. `to` has room for from.size() octets.
bool turn_round(OctetView from, std::uint8_t* to) {
  std::size_t left = from.size();
  for (std::size_t at = 0; at < from.size();) {
    const std::size_t size = std::size_t{from[at]} + 1;
    if (size == 1 || size > dns::Name::kMaxLabelOctets + 1 || at + size > from.size()) return false;
    left -= size;
    std::memcpy(to + left, from.data() + at, size);
    at += size;
  }
  return true;
}

}  // namespace

NameKey::NameKey(const dns::Name& name) {
  const OctetView wire = name.wire();
  const OctetView labels = wire.first(wire.size() - 1);
  if (turn_round(labels, octets_.data())) size_ = static_cast<std::uint8_t>(labels.size());
}

Result<dns::Name, dns::NameError> name_of_key(OctetView key) {
  std::array<std::uint8_t, dns::Name::kMaxOctets> wire;
  if (key.size() >= wire.size()) return Unexpected<dns::NameError>(dns::NameError::name_too_long);
  if (!turn_round(key, wire.data())) return Unexpected<dns::NameError>(dns::NameError::truncated);
  wire[key.size()] = 0;
  return dns::Name::from_labels(OctetView(wire).first(key.size() + 1));
}

}  // namespace postern::journal
