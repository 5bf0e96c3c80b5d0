// Timers in a heap; time is an argument.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.h"

namespace postern::net {

class TimerQueue;

/// Calls back once after it was armed. Disarms itself when it goes; must not outlive the
/// queue it is armed in.
class Timer {
 public:
  explicit Timer(std::function<void()> fire) : fire_(std::move(fire)) {}
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool is_armed() const { return queue_ != nullptr; }

 private:
  friend class TimerQueue;

  std::function<void()> fire_;
  TimerQueue* queue_ = nullptr;
  std::size_t index_ = 0;
  MonoTime at_{};
};

/// A binary heap of armed timers that know their place in it: all operations O(log n), nothing
/// left behind by a timer that was moved or disarmed. One thread.
class TimerQueue {
 public:
  TimerQueue() = default;
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;
  ~TimerQueue();

  /// Arms `timer` for `at`, or moves it there if it is armed.
  void arm(Timer& timer, MonoTime at);
  void disarm(Timer& timer);

  /// When the next timer is due; nothing where none is armed.
  std::optional<MonoTime> next() const;
  std::size_t size() const { return heap_.size(); }

  /// Calls, earliest first, the timers that are due at `now`, each disarmed before its call. One
  /// that is armed again in its call for a time that is due too waits for the next round.
  void fire_due(MonoTime now);

 private:
  void place(std::size_t index, Timer& timer);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);

  std::vector<Timer*> heap_;
};

}  // namespace postern::net
