// RankedMap: a map with a bound that keeps the same keys in whatever order they come.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "exchange/text_hash.h"

namespace postern::exchange {

/// Of more keys than it has room for it keeps those whose hashes are least. One of these was never
/// pushed out by others, so that what is kept of it is all that there was.
template <class Value>
class RankedMap {
 public:
  /// A key with its value; they live until the map changes.
  struct Item {
    std::uint64_t rank = 0;
    const std::string* key = nullptr;
    const Value* value = nullptr;
  };

  explicit RankedMap(std::size_t most) : most_(most) {}

  /// The value of a key, made where it is new; null where there is no room for it. Lives until the
  /// next call.
  Value* of(std::string_view text) {
    const auto known = map_.find(text);
    if (known != map_.end()) return &known->second;
    if (map_.size() >= 2 * most_) prune();
    if (text_hash(text) > last_) {
      ++left_out_;
      return nullptr;
    }
    return &map_.emplace(std::string(text), Value{}).first->second;
  }
  /// Null where there is none.
  const Value* find(std::string_view text) const {
    const auto known = map_.find(text);
    return known == map_.end() ? nullptr : &known->second;
  }

  /// What is kept, by rank. O(keys log keys).
  std::vector<Item> items() const {
    std::vector<Item> out;
    out.reserve(map_.size());
    for (const auto& [key, value] : map_) out.push_back({text_hash(key), &key, &value});
    const auto before = [](const Item& a, const Item& b) {
      return std::tie(a.rank, *a.key) < std::tie(b.rank, *b.key);
    };
    if (out.size() > most_) {
      std::ranges::nth_element(out, out.begin() + static_cast<std::ptrdiff_t>(most_), before);
      out.resize(most_);
    }
    std::ranges::sort(out, before);
    return out;
  }

  bool empty() const { return map_.empty(); }
  std::size_t size() const { return std::min(map_.size(), most_); }
  /// Whether anything had no room.
  std::uint64_t left_out() const {
    return left_out_ + (map_.size() > most_ ? map_.size() - most_ : 0);
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return text_hash(text); }
  };

  // Twice as many are held, so that this is seldom.
  void prune() {
    const std::vector<Item> kept = items();
    std::unordered_map<std::string, Value, Hash, std::equal_to<>> map;
    map.reserve(2 * most_);
    for (const Item& item : kept) map.emplace(*item.key, *item.value);
    left_out_ += map_.size() - map.size();
    last_ = kept.empty() ? 0 : kept.back().rank;
    map_ = std::move(map);
  }

  std::size_t most_;
  std::uint64_t last_ = std::numeric_limits<std::uint64_t>::max();  ///< No greater hash has room.
  std::uint64_t left_out_ = 0;
  std::unordered_map<std::string, Value, Hash, std::equal_to<>> map_;
};

}  // namespace postern::exchange
