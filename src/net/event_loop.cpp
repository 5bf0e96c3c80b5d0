#include "net/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"

namespace postern::net {

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return Unexpected(system_error("create an epoll set", errno));
  FileDescriptor wake_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_fd) return Unexpected(system_error("create an eventfd", errno));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // No handler: the wake-up itself.
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake_fd.get(), &event) != 0) {
    return Unexpected(system_error("watch the eventfd", errno));
  }
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll), std::move(wake_fd)));
}

EventLoop::EventLoop(FileDescriptor epoll, FileDescriptor wake_fd)
    : epoll_(std::move(epoll)), wake_fd_(std::move(wake_fd)) {
  refresh_clock();
}

Result<void> EventLoop::watch(int fd, std::uint32_t events, Handler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return Unexpected(system_error("watch a socket", errno));
  }
  return {};
}

void EventLoop::change(int fd, std::uint32_t events, Handler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  POSTERN_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void EventLoop::unwatch(int fd, Handler& handler) {
  POSTERN_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0);
  for (int i = next_event_; i < event_count_; ++i) {
    epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &handler) event.events = 0;
  }
}

void EventLoop::wake() {
  // Whoever finds the flag set knows that the loop has yet to clear it, and that it looks
  // for work only after that.
  if (wake_sent_.exchange(true, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  // Can fail only if the counter is full, and then the loop wakes up anyway.
  [[maybe_unused]] const auto written = ::write(wake_fd_.get(), &one, sizeof one);
}

void EventLoop::refresh_clock() {
  now_ = std::chrono::time_point_cast<microseconds>(std::chrono::steady_clock::now());
  wall_now_ = std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
}

int EventLoop::wait_ms(MonoTime until) const {
  if (const auto timer = timers_.next()) until = std::min(until, *timer);
  if (until <= now_) return 0;
  // Rounded up: a round that comes a moment too early would only spin.
  const auto wait = std::chrono::ceil<milliseconds>(until - now_).count();
  constexpr auto kLongest = static_cast<std::int64_t>(std::numeric_limits<int>::max());
  return static_cast<int>(std::min<std::int64_t>(wait, kLongest));
}

void EventLoop::run_once(MonoTime until) {
  event_count_ = ::epoll_wait(epoll_.get(), events_.data(), kMaxEvents, wait_ms(until));
  if (event_count_ < 0) {
    POSTERN_ASSERT(errno == EINTR);
    event_count_ = 0;
  }
  refresh_clock();
  for (next_event_ = 0; next_event_ < event_count_;) {
    const epoll_event event = events_[static_cast<std::size_t>(next_event_++)];
    if (event.data.ptr != nullptr) {
      if (event.events != 0) static_cast<Handler*>(event.data.ptr)->on_ready(event.events);
      continue;
    }
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_fd_.get(), &count, sizeof count);
    wake_sent_.exchange(false, std::memory_order_acq_rel);
    if (wake_handler_) wake_handler_();
  }
  timers_.fire_due(now_);
}

}  // namespace postern::net
