// Names as keys whose order as octets is the canonical order of names (RFC 4034 §6.1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/octets.h"
#include "dns/name.h"

namespace postern::feeds {

/// A key is the name's labels from the right, each with a 0 behind it; an octet 0 or 1 in a label
/// is escaped by a 1. So the key of a name is the beginning of the keys of all names below it, and
/// it ends with a 0, or is empty.
inline constexpr std::uint8_t kKeyEnd = 0, kKeyEscape = 1;

/// Appends the key of `owner` without its rightmost `origin_octets`, the root's counted, which are
/// those of a name at or above it.
void append_name_key(const dns::Name& owner, std::size_t origin_octets, Octets& out);

/// The name whose key that is; the labels of the origin are not there any more.
dns::Name name_of_key(OctetView key);

}  // namespace postern::feeds
