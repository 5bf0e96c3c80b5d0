// EventLoop: one thread's descriptors, timers and wake-ups (epoll, eventfd).
//
// Start at EventLoop::run_once. Timers stand in timer_queue.h and know no clock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include <sys/epoll.h>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "base/time.h"
#include "net/timer_queue.h"

namespace postern::net {

/// Belongs to the thread that runs it: only `wake` may be called from elsewhere.
class EventLoop {
 public:
  /// What a descriptor's events are told to. Level-triggered.
  class Handler {
   public:
    /// `events` are EPOLLIN, EPOLLOUT, EPOLLHUP, … May unwatch any handler, itself too, but
    /// must not destroy itself before it returns.
    virtual void on_ready(std::uint32_t events) = 0;

   protected:
    ~Handler() = default;
  };

  static Result<std::unique_ptr<EventLoop>> create();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Begins telling `handler` of `events` on `fd`; it must be unwatched before either goes.
  Result<void> watch(int fd, std::uint32_t events, Handler& handler);
  /// Changes the events of a watched descriptor.
  void change(int fd, std::uint32_t events, Handler& handler);
  /// Nothing more is told to `handler`, not even what this round has still to tell.
  void unwatch(int fd, Handler& handler);

  TimerQueue& timers() { return timers_; }

  /// Called on the loop's thread after one or more calls of `wake`.
  void on_wake(std::function<void()> wake_handler) { wake_handler_ = std::move(wake_handler); }
  /// Makes the loop call its wake handler soon. Any thread. A system call only if none is
  /// on its way already.
  void wake();

  /// Both clocks as `refresh_clock` last read them: at the start of each round.
  MonoTime now() const { return now_; }
  WallTime wall_now() const { return wall_now_; }
  /// Reads both clocks, for whoever works long in one round.
  void refresh_clock();

  /// Waits for events, a timer or a wake-up, at most until `until`; then handles all that is due.
  void run_once(MonoTime until);

 private:
  static constexpr int kMaxEvents = 64;  ///< Told of in one round.

  EventLoop(FileDescriptor epoll, FileDescriptor wake_fd);
  int wait_ms(MonoTime until) const;

  FileDescriptor epoll_;
  FileDescriptor wake_fd_;
  std::atomic<bool> wake_sent_{false};
  std::function<void()> wake_handler_;
  TimerQueue timers_;
  MonoTime now_{};
  WallTime wall_now_{};
  std::array<epoll_event, kMaxEvents> events_{};
  int next_event_ = 0;
  int event_count_ = 0;
};

}  // namespace postern::net
