// Where the names stand inside RDATA: what reading, expanding and compressing a record share.
//
// Private to dns/.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/octets.h"
#include "dns/name.h"
#include "dns/types.h"

namespace postern::dns {

/// The RDATA fields of a type that may hold compressed names (RFC 3597 §4 and a few newer
/// ones that old software compressed), one letter each: `n` a name, `w` two octets, `d` four,
/// `s` a character-string, `*` the rest, whatever it is. Empty for all other types.
std::string_view name_layout(RRType type);

/// True for the types whose names a sender may compress: those of RFC 1035 (RFC 3597 §4).
bool may_compress(RRType type);

/// Where RDATA stands: inside a message, if its names may be compressed, or alone, at 0.
struct RdataPlace {
  OctetView message;
  std::size_t offset = 0;
  std::size_t size = 0;
};

/// Walks the RDATA at `place` by its layout. Calls `on_octets(view)` for
/// what is not a name and `on_name(offset)` for each name, which reads. False if the RDATA
/// does not read as its layout says, or is longer.
template <class OnOctets, class OnName>
bool walk_rdata(std::string_view layout, const RdataPlace& place, OnOctets&& on_octets,
                OnName&& on_name) {
  const OctetView message = place.message;
  std::size_t offset = place.offset;
  const std::size_t end = offset + place.size;
  // A name may point to anywhere before it, but its own octets end with the RDATA.
  const OctetView up_to_end = message.first(end);
  std::size_t octets_from = offset;
  for (const char field : layout) {
    if (field == 'n') {
      if (octets_from < offset) on_octets(message.subspan(octets_from, offset - octets_from));
      const std::size_t name_at = offset;
      if (!skip_name(up_to_end, offset)) return false;
      on_name(name_at);
      octets_from = offset;
      continue;
    }
    std::size_t width = field == 'w' ? 2 : field == 'd' ? 4 : end - offset;
    if (field == 's') {
      if (offset >= end) return false;
      width = message[offset] + std::size_t{1};
    }
    if (width > end - offset) return false;
    offset += width;
  }
  if (octets_from < offset) on_octets(message.subspan(octets_from, offset - octets_from));
  return offset == end;
}

}  // namespace postern::dns
