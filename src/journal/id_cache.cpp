#include "journal/id_cache.h"

#include <utility>

#include <xxhash.h>

namespace postern::journal {

std::size_t IdCache::Hash::operator()(std::string_view key) const noexcept {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

IdCache::IdCache(std::size_t capacity, std::uint64_t seed)
    : half_(capacity / 2 + 1), young_(0, Hash{seed}), old_(0, Hash{seed}) {}

std::optional<std::int64_t> IdCache::find(std::string_view key) {
  if (const auto found = young_.find(key); found != young_.end()) return found->second;
  const auto found = old_.find(key);
  if (found == old_.end()) return std::nullopt;
  const std::int64_t id = found->second;
  insert(key, id);
  return id;
}

void IdCache::insert(std::string_view key, std::int64_t id) {
  if (young_.size() >= half_) {
    std::swap(young_, old_);
    young_.clear();
  }
  young_.insert_or_assign(std::string(key), id);
}

void IdCache::clear() {
  young_.clear();
  old_.clear();
}

}  // namespace postern::journal
