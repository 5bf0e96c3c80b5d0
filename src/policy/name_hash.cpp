#include "policy/name_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace postern::policy {

std::uint64_t extend_hash(std::uint64_t parent, const std::uint8_t* label) {
  return XXH3_64bits_withSeed(label, label[0] + 1U, parent);
}

std::uint64_t hash_name(OctetView wire, const Labels& labels, std::uint64_t key) {
  std::uint64_t hash = key;
  for (std::size_t i = labels.count; i-- > 0;) hash = extend_hash(hash, &wire[labels.starts[i]]);
  return hash;
}

}  // namespace postern::policy
