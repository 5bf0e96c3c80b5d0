// How owner names are hashed, the same for who writes a table and who reads it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/octets.h"
#include "dns/name.h"

namespace postern::policy {

/// Where a name's labels begin, from the left; the root label at the end.
struct Labels {
  explicit Labels(OctetView wire) {
    std::size_t offset = 0;
    for (; wire[offset] != 0; offset += wire[offset] + 1U) {
      starts[count++] = static_cast<std::uint8_t>(offset);
    }
    starts[count] = static_cast<std::uint8_t>(offset);
  }

  /// Where the suffix of so many labels begins.
  std::size_t start_of(std::size_t depth) const { return starts[count - depth]; }

  std::array<std::uint8_t, dns::Name::kMaxLabels + 1> starts;
  std::size_t count = 0;
};

/// The hash of a name from that of its parent, the root's being the key: so a right-to-left walk
/// gives those of all suffixes. `label` begins with its length octet, which is part of it.
std::uint64_t extend_hash(std::uint64_t parent, const std::uint8_t* label);

/// Of a name in wire form.
std::uint64_t hash_name(OctetView wire, const Labels& labels, std::uint64_t key);

/// The bucket of a hash, of so many: its upper half, scaled.
inline std::size_t bucket_of(std::uint64_t hash, std::size_t buckets) {
  return static_cast<std::size_t>((hash >> 32) * buckets >> 32);
}
/// The hash's bit in its bucket's filter: from its lower half.
inline std::uint32_t filter_bit(std::uint64_t hash) {
  return std::uint32_t{1} << (hash & 31);
}

}  // namespace postern::policy
