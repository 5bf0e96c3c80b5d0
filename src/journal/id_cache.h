// IdCache: remembers which id a key has in the database, for the keys used last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace postern::journal {

/// A map of at most `capacity` keys that forgets those not used for long: two halves, of which
/// the elder is dropped when the younger is full; a key found in the elder moves to the younger.
/// The hash is keyed with `seed`, since strangers choose the names. One thread.
class IdCache {
 public:
  IdCache(std::size_t capacity, std::uint64_t seed);

  std::optional<std::int64_t> find(std::string_view key);
  void insert(std::string_view key, std::int64_t id);
  void clear();
  std::size_t size() const { return young_.size() + old_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::uint64_t seed;
    std::size_t operator()(std::string_view key) const noexcept;
  };
  using Map = std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>>;

  const std::size_t half_;
  Map young_;
  Map old_;
};

}  // namespace postern::journal
