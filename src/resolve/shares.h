// Shares: who holds how much of a bounded table, so that nobody can take it all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace postern::resolve {

/// Counts what each party holds of a table of `capacity` places. While less than half of it is
/// taken anybody may have more; from there on only who holds less than an eighth. So one party
/// alone has half of the table, and eight are needed to fill it. Parties are told apart by a keyed
/// hash, in kBuckets counters: two that share one share their part. One thread; no allocation.
class Shares {
 public:
  static constexpr std::size_t kBuckets = 4096;

  explicit Shares(std::size_t capacity) : capacity_(capacity) {}

  /// Whether `party` may have one more place.
  bool may_take(std::uint64_t party) const {
    if (taken_ >= capacity_) return false;
    return taken_ < capacity_ / 2 || held_[bucket_of(party)] < capacity_ / 8;
  }
  void take(std::uint64_t party) {
    ++taken_;
    ++held_[bucket_of(party)];
  }
  /// What was taken.
  void give_back(std::uint64_t party);

  std::size_t taken() const { return taken_; }

 private:
  static std::size_t bucket_of(std::uint64_t party) { return (party ^ party >> 32) % kBuckets; }

  const std::size_t capacity_;
  std::size_t taken_ = 0;
  std::array<std::uint32_t, kBuckets> held_{};
};

}  // namespace postern::resolve
