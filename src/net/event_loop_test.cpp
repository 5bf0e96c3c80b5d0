#include "net/event_loop.h"

#include <array>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace postern::net {
namespace {

std::unique_ptr<EventLoop> make_loop() {
  auto loop = EventLoop::create();
  EXPECT_TRUE(loop) << loop.error().text;
  return std::move(*loop);
}

struct Pair {
  Pair() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0);
    near = FileDescriptor(fds[0]);
    far = FileDescriptor(fds[1]);
  }
  FileDescriptor near, far;
};

struct Recorder final : EventLoop::Handler {
  void on_ready(std::uint32_t events) override {
    seen |= events;
    ++calls;
    if (unwatch_fd >= 0) loop->unwatch(unwatch_fd, *unwatch);
    unwatch_fd = -1;
  }
  std::uint32_t seen = 0;
  int calls = 0;
  EventLoop* loop = nullptr;
  int unwatch_fd = -1;
  Recorder* unwatch = nullptr;
};

TEST(EventLoop, TellsOfReadableDescriptorsUntilUnwatched) {
  auto loop = make_loop();
  const Pair pair;
  Recorder recorder;
  ASSERT_TRUE(loop->watch(pair.near.get(), EPOLLIN, recorder));
  loop->run_once(loop->now());
  EXPECT_EQ(recorder.calls, 0);
  ASSERT_EQ(::send(pair.far.get(), "x", 1, 0), 1);
  loop->run_once(loop->now() + seconds(5));
  EXPECT_EQ(recorder.calls, 1);
  EXPECT_TRUE(recorder.seen & EPOLLIN);
  loop->unwatch(pair.near.get(), recorder);
  loop->run_once(loop->now());
  EXPECT_EQ(recorder.calls, 1);
}

TEST(EventLoop, AHandlerUnwatchedInThisRoundHearsNothingMore) {
  auto loop = make_loop();
  const Pair one;
  const Pair two;
  Recorder a;
  Recorder b;
  // Whichever is told first unwatches the other.
  a.loop = b.loop = loop.get();
  a.unwatch_fd = two.near.get();
  a.unwatch = &b;
  b.unwatch_fd = one.near.get();
  b.unwatch = &a;
  ASSERT_TRUE(loop->watch(one.near.get(), EPOLLIN, a));
  ASSERT_TRUE(loop->watch(two.near.get(), EPOLLIN, b));
  ASSERT_EQ(::send(one.far.get(), "x", 1, 0), 1);
  ASSERT_EQ(::send(two.far.get(), "x", 1, 0), 1);
  loop->run_once(loop->now() + seconds(5));
  EXPECT_EQ(a.calls + b.calls, 1);
}

TEST(EventLoop, WakesFromAnotherThreadWithoutLosingOne) {
  auto loop = make_loop();
  std::atomic<int> posted = 0;
  int seen = 0;
  loop->on_wake([&] { seen = posted.load(); });
  std::jthread other([&] {
    for (int i = 0; i < 1000; ++i) {
      ++posted;
      loop->wake();
    }
  });
  const MonoTime until = loop->now() + seconds(20);
  while (seen < 1000 && loop->now() < until) loop->run_once(until);
  EXPECT_EQ(seen, 1000);
}

TEST(EventLoop, ATimerEndsTheWait) {
  auto loop = make_loop();
  bool fired = false;
  Timer timer([&] { fired = true; });
  loop->timers().arm(timer, loop->now() + milliseconds(5));
  const MonoTime until = loop->now() + seconds(20);
  while (!fired && loop->now() < until) loop->run_once(until);
  EXPECT_TRUE(fired);
}

}  // namespace
}  // namespace postern::net
