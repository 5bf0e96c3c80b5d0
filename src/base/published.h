// Published<T>: one writer replaces an immutable value, many readers use it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "base/assert.h"

namespace postern {

/// Holds the current version of a value that never changes once published: a
/// configuration, a compiled policy. Readers keep a whole version for as long as
/// they hold it; a new one takes effect at their next `Reader::get`.
///
/// Thread safety: `publish` and `current` from any thread; one Reader per thread.
/// Cost of a read with no new version: one acquire load.
/// Not std::atomic<std::shared_ptr>: in libstdc++ 12 it locks on every load, and
/// ThreadSanitizer reports a race inside it.
template <class T>
class Published {
 public:
  /// `first` must not be null.
  explicit Published(std::shared_ptr<const T> first) : value_(std::move(first)) {
    POSTERN_ASSERT(value_ != nullptr);
  }
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  /// Replaces the value. The old one is freed by whoever lets go of it last.
  void publish(std::shared_ptr<const T> next) {
    POSTERN_ASSERT(next != nullptr);
    std::shared_ptr<const T> old;  // Freed after the lock is gone.
    {
      const std::lock_guard lock(mutex_);
      old = std::exchange(value_, std::move(next));
      version_.fetch_add(1, std::memory_order_release);
    }
  }

  /// The current version, for callers off the hot path. Takes the lock.
  std::shared_ptr<const T> current() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

  /// A thread's view. Must not outlive the Published that it reads.
  class Reader {
   public:
    explicit Reader(const Published& source) : source_(source) { get(); }

    /// The current version; valid until the next call on this Reader.
    const T& get() {
      if (source_.version_.load(std::memory_order_acquire) != seen_) refresh();
      return *held_;
    }

    /// The version that the last `get` returned, to be kept beyond the next call.
    const std::shared_ptr<const T>& held() const { return held_; }

   private:
    void refresh() {
      std::shared_ptr<const T> old;
      const std::lock_guard lock(source_.mutex_);
      seen_ = source_.version_.load(std::memory_order_relaxed);
      old = std::exchange(held_, source_.value_);
    }

    const Published& source_;
    std::uint64_t seen_ = 0;
    std::shared_ptr<const T> held_;
  };

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;  // Guarded by mutex_.
  std::atomic<std::uint64_t> version_{1};
};

}  // namespace postern
