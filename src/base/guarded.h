// Guarded<T>: shared state that can only be reached with its lock held.
#pragma once

#include <mutex>
#include <utility>

namespace postern {

/// A value and the mutex that guards it. Any thread may call any member. Do not
/// call out (callbacks, I/O) from inside `with`.
template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  /// Calls `use(value)` under the lock and returns what it returns (by value).
  template <class Use>
  auto with(Use&& use) {
    const std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }
  template <class Use>
  auto with(Use&& use) const {
    const std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(static_cast<const T&>(value_));
  }

  /// A copy of the value.
  T copy() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

}  // namespace postern
