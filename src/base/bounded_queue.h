// BoundedQueue<T>: a fixed number of slots between threads; full means "no", never "wait".
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace postern {

/// A lock-free ring for any number of producers and consumers (D. Vyukov's bounded
/// MPMC queue). `try_push` on a full queue and `try_pop` on an empty one say so at
/// once; the caller counts what it had to drop. T must be default constructible
/// and movable; slots live as long as the queue.
///
/// Cost: one compare-and-swap each way, about 10 ns uncontended.
template <class T>
class BoundedQueue {
 public:
  /// `capacity` is rounded up to a power of two, at least 2.
  explicit BoundedQueue(std::size_t capacity)
      : mask_(std::bit_ceil(capacity < 2 ? std::size_t{2} : capacity) - 1),
        slots_(std::make_unique<Slot[]>(mask_ + 1)) {
    for (std::size_t i = 0; i <= mask_; ++i) slots_[i].turn.store(i, std::memory_order_relaxed);
  }
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  std::size_t capacity() const { return mask_ + 1; }

  /// The number of values inside at some moment during the call.
  std::size_t size_estimate() const {
    const auto tail = tail_.load(std::memory_order_relaxed);
    const auto head = head_.load(std::memory_order_relaxed);
    return tail > head ? tail - head : 0;
  }

  /// Moves `value` in; false, with `value` untouched, where there is no room.
  bool try_push(T&& value) {
    return push_with([&](T& slot) { slot = std::move(value); });
  }
  bool try_push(const T& value) {
    return push_with([&](T& slot) { slot = value; });
  }

  /// Lets `fill(slot)` write in place: for large T. False where there is no room.
  template <class Fill>
  bool push_with(Fill&& fill) {
    std::size_t at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Slot& slot = slots_[at & mask_];
      const std::size_t turn = slot.turn.load(std::memory_order_acquire);
      const auto ahead = static_cast<std::ptrdiff_t>(turn) - static_cast<std::ptrdiff_t>(at);
      if (ahead == 0) {
        if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
          fill(slot.value);
          slot.turn.store(at + 1, std::memory_order_release);
          return true;
        }
      } else if (ahead < 0) {
        return false;
      } else {
        at = tail_.load(std::memory_order_relaxed);
      }
    }
  }

  /// Moves the oldest value into `out`; false where there is none.
  bool try_pop(T& out) {
    std::size_t at = head_.load(std::memory_order_relaxed);
    for (;;) {
      Slot& slot = slots_[at & mask_];
      const std::size_t turn = slot.turn.load(std::memory_order_acquire);
      const auto ahead = static_cast<std::ptrdiff_t>(turn) - static_cast<std::ptrdiff_t>(at + 1);
      if (ahead == 0) {
        if (head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
          out = std::move(slot.value);
          slot.turn.store(at + mask_ + 1, std::memory_order_release);
          return true;
        }
      } else if (ahead < 0) {
        return false;
      } else {
        at = head_.load(std::memory_order_relaxed);
      }
    }
  }

 private:
  struct Slot {
    std::atomic<std::size_t> turn;
    T value{};
  };

  const std::size_t mask_;
  std::unique_ptr<Slot[]> slots_;
  alignas(64) std::atomic<std::size_t> tail_{0};
  alignas(64) std::atomic<std::size_t> head_{0};
};

}  // namespace postern
