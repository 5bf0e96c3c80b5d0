#include "net/tcp_pool.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "net/socket_address.h"
#include "net/tcp_listener.h"

namespace postern::net {
namespace {

std::string framed(const std::string& text) {
  std::string frame;
  frame += static_cast<char>(text.size() >> 8);
  frame += static_cast<char>(text.size() & 0xff);
  return frame + text;
}

/// A listener, a pool and a loop, played by hand; "later" messages wait in `waiting`.
class TcpPoolTest : public ::testing::Test, public TcpPool::Handler {
 protected:
  void begin(const TcpPoolOptions& options) {
    loop_ = std::move(*EventLoop::create());
    listener_ = std::move(*TcpListener::bind(*Endpoint::from_text("127.0.0.1:0")));
    pool_ = std::make_unique<TcpPool>(*loop_, options, stats_, *this);
    ASSERT_TRUE(listener_->start(*loop_, stats_, [this](FileDescriptor fd, const Endpoint& peer) {
      pool_->accept(std::move(fd), peer);
    }));
  }
  void TearDown() override {
    pool_.reset();
    listener_.reset();
  }

  void on_message(TcpConnectionId from, const Endpoint&, OctetView message) override {
    const std::string text(text_of(message));
    if (text.starts_with("later")) {
      waiting_.emplace_back(from, text);
    } else if (text == "drop") {
      pool_->forget(from);
    } else if (text == "big") {
      const Octets big(60'000, 'x');
      pool_->send(from, big);
    } else if (text == "last") {
      pool_->send(from, octets_of("bye"));
      pool_->finish(from);
    } else {
      pool_->send(from, octets_of("re: " + text));
    }
  }

  /// Runs the loop until `done`, for 10 s at most.
  void run_until(const std::function<bool()>& done) {
    const MonoTime until = loop_->now() + seconds(10);
    while (!done() && loop_->now() < until) {
      loop_->run_once(loop_->now() + milliseconds(20));
      pool_->reap();
    }
    EXPECT_TRUE(done());
  }

  FileDescriptor connect(const char* from = "127.0.0.1") {
    const SocketAddress address(listener_->local());
    const SocketAddress own(Endpoint{Endpoint::from_text(from, 1)->address, 0});
    FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(fd.get(), &own.any, own.size()), 0);
    EXPECT_EQ(::connect(fd.get(), &address.any, address.size()), 0);
    return fd;
  }
  FileDescriptor connect_accepted(const char* from = "127.0.0.1") {
    const auto before = stats_.accepted.value();
    FileDescriptor fd = connect(from);
    run_until([&] { return stats_.accepted.value() > before; });
    return fd;
  }
  static void send(const FileDescriptor& fd, const std::string& octets) {
    ASSERT_EQ(::send(fd.get(), octets.data(), octets.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(octets.size()));
  }
  /// Reads `size` octets while the loop runs; "closed" at the end of the stream.
  std::string read(const FileDescriptor& fd, std::size_t size) {
    std::string got;
    bool closed = false;
    run_until([&] {
      std::array<char, 65536> buffer;
      ssize_t n = 1;
      while (n > 0 && got.size() < size) {
        n = ::recv(fd.get(), buffer.data(), std::min(buffer.size(), size - got.size()),
                   MSG_DONTWAIT);
        if (n > 0) got.append(buffer.data(), static_cast<std::size_t>(n));
      }
      closed = n == 0 || (n < 0 && errno == ECONNRESET);
      return closed || got.size() == size;
    });
    return closed ? got + "closed" : got;
  }

  TcpStats stats_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<TcpListener> listener_;
  std::unique_ptr<TcpPool> pool_;
  std::vector<std::pair<TcpConnectionId, std::string>> waiting_;
};

TEST_F(TcpPoolTest, TornAndPipelinedFramesComeWhole) {
  begin({});
  const FileDescriptor client = connect();
  const std::string stream = framed("one") + framed("two") + framed("three");
  // An octet at a time, each its own segment.
  for (std::size_t i = 0; i < stream.size(); ++i) {
    send(client, stream.substr(i, 1));
    loop_->run_once(loop_->now() + milliseconds(2));
  }
  const std::string want = framed("re: one") + framed("re: two") + framed("re: three");
  EXPECT_EQ(read(client, want.size()), want);
  // All in one segment, and an empty frame among them.
  send(client, framed("a") + framed("") + framed("b"));
  const std::string more = framed("re: a") + framed("re: ") + framed("re: b");
  EXPECT_EQ(read(client, more.size()), more);
  EXPECT_EQ(stats_.frames.value(), 6U);
}

TEST_F(TcpPoolTest, AnswersGoOutInTheOrderTheyAreGiven) {
  begin({});
  const FileDescriptor client = connect();
  send(client, framed("later 1") + framed("drop") + framed("now") + framed("later 2"));
  EXPECT_EQ(read(client, 9), framed("re: now"));
  run_until([&] { return waiting_.size() == 2; });
  pool_->send(waiting_[1].first, octets_of("two"));
  pool_->send(waiting_[0].first, octets_of("one"));
  EXPECT_EQ(read(client, 10), framed("two") + framed("one"));
}

TEST_F(TcpPoolTest, AtTheBoundOfUnansweredMessagesReadingWaits) {
  TcpPoolOptions options;
  options.limits.max_unanswered = 3;
  begin(options);
  const FileDescriptor client = connect();
  std::string stream;
  for (int i = 0; i < 10; ++i) stream += framed("later" + std::to_string(i));
  send(client, stream);
  run_until([&] { return waiting_.size() == 3; });
  for (int i = 0; i < 5; ++i) loop_->run_once(loop_->now());
  EXPECT_EQ(waiting_.size(), 3U);
  // Each answer lets one more in; none is lost, though no new octet arrives to say so.
  for (std::size_t i = 0; i < 10; ++i) {
    run_until([&] { return waiting_.size() > i; });
    EXPECT_EQ(waiting_[i].second, "later" + std::to_string(i));
    EXPECT_LE(waiting_.size(), i + 3);
    pool_->send(waiting_[i].first, octets_of("ok"));
  }
  EXPECT_EQ(read(client, 40).size(), 40U);
}

TEST_F(TcpPoolTest, AHalfClosedPeerStillGetsItsAnswers) {
  begin({});
  const FileDescriptor client = connect();
  send(client, framed("later"));
  ASSERT_EQ(::shutdown(client.get(), SHUT_WR), 0);
  run_until([&] { return waiting_.size() == 1; });
  for (int i = 0; i < 3; ++i) loop_->run_once(loop_->now());
  EXPECT_EQ(pool_->open_count(), 1U);
  pool_->send(waiting_[0].first, octets_of("still"));
  EXPECT_EQ(read(client, 8), framed("still") + "closed");
  EXPECT_EQ(pool_->open_count(), 0U);
}

TEST_F(TcpPoolTest, AnOversizedLengthClosesTheConnection) {
  TcpPoolOptions options;
  options.limits.max_frame_octets = 100;
  begin(options);
  const FileDescriptor client = connect();
  send(client, framed("fine") + framed(std::string(101, 'x')));
  EXPECT_TRUE(read(client, 1000).ends_with("closed"));
  EXPECT_EQ(stats_.oversized_frames.value(), 1U);
}

TEST_F(TcpPoolTest, ClosedWhenIdleAndNotBefore) {
  TcpPoolOptions options;
  options.idle_timeout = milliseconds(30);
  begin(options);
  const FileDescriptor waits = connect();
  send(waits, framed("later"));
  run_until([&] { return waiting_.size() == 1; });
  // Half a frame is no activity: who sends an octet at a time does not hold a connection.
  const FileDescriptor torn = connect();
  send(torn, "\x01");
  const FileDescriptor idle = connect();
  EXPECT_EQ(read(idle, 1), "closed");
  EXPECT_EQ(read(torn, 1), "closed");
  EXPECT_EQ(stats_.idle_timeouts.value(), 2U);
  // One that is owed an answer stays.
  EXPECT_EQ(pool_->open_count(), 1U);
  pool_->send(waiting_[0].first, octets_of("x"));
  EXPECT_EQ(read(waits, 4), framed("x") + "closed");
}

TEST_F(TcpPoolTest, AtTheBoundTheLongestIdleMakesRoomAndBusyOnesStay) {
  TcpPoolOptions options;
  options.max_connections = 2;
  begin(options);
  const FileDescriptor first = connect_accepted();
  const FileDescriptor second = connect_accepted();
  send(first, framed("hello"));  // Now the second is the longest idle.
  EXPECT_EQ(read(first, 11), framed("re: hello"));
  const FileDescriptor third = connect_accepted();
  EXPECT_EQ(read(second, 1), "closed");
  EXPECT_EQ(stats_.displaced.value(), 1U);
  // With all busy the new one is refused.
  send(first, framed("later"));
  send(third, framed("later"));
  run_until([&] { return waiting_.size() == 2; });
  const FileDescriptor fourth = connect();
  EXPECT_EQ(read(fourth, 1), "closed");
  EXPECT_EQ(stats_.refused_full.value(), 1U);
  EXPECT_EQ(pool_->open_count(), 2U);
}

TEST_F(TcpPoolTest, OneClientHasItsShareHoweverBusyItIs) {
  begin({.max_connections = 12, .idle_timeout = seconds(100), .limits = {}});
  std::vector<FileDescriptor> greedy;
  for (int i = 0; i < 10; ++i) {
    greedy.push_back(connect_accepted());
    send(greedy.back(), framed("later"));
  }
  run_until([&] { return waiting_.size() == 10; });
  const FileDescriptor eleventh = connect();
  EXPECT_EQ(read(eleventh, 1), "closed");
  EXPECT_EQ(stats_.refused_full.value(), 1U);
  // Others have what is left, and then take from the one that has most.
  std::vector<FileDescriptor> others;
  for (const char* client : {"127.0.0.2", "127.0.0.3", "127.0.0.4"}) {
    others.push_back(connect_accepted(client));
    send(others.back(), framed("later"));
    run_until([&] { return waiting_.size() == 10 + others.size(); });
  }
  EXPECT_EQ(read(greedy[0], 1), "closed");
  EXPECT_EQ(stats_.displaced.value(), 1U);
  EXPECT_EQ(pool_->open_count(), 12U);
  // An idle one of its own makes room for its next.
  pool_->send(waiting_[1].first, octets_of("x"));
  EXPECT_EQ(read(greedy[1], 3), std::string("\0\1x", 3));
  connect_accepted("127.0.0.2");
  EXPECT_EQ(read(greedy[1], 1), "closed");
}

// Where each has one nobody is closed for a newcomer.
TEST_F(TcpPoolTest, BusyClientsWithOneConnectionEachKeepIt) {
  begin({.max_connections = 2, .idle_timeout = seconds(100), .limits = {}});
  const FileDescriptor one = connect_accepted("127.0.0.1");
  const FileDescriptor two = connect_accepted("127.0.0.2");
  send(one, framed("later"));
  send(two, framed("later"));
  run_until([&] { return waiting_.size() == 2; });
  const FileDescriptor three = connect("127.0.0.3");
  EXPECT_EQ(read(three, 1), "closed");
  EXPECT_EQ(pool_->open_count(), 2U);
}

TEST_F(TcpPoolTest, APeerThatDoesNotReadIsBounded) {
  begin({});
  const FileDescriptor client = connect();
  // 24 MB of answers asked for, none read: more than the kernel's buffers hold, so that reading
  // stops before all of them are taken.
  constexpr int kAsked = 400;
  std::string stream;
  for (int i = 0; i < kAsked; ++i) stream += framed("big");
  send(client, stream);
  for (int i = 0; i < 100; ++i) loop_->run_once(loop_->now() + milliseconds(1));
  EXPECT_LT(stats_.frames.value(), std::uint64_t{kAsked});
  // Once it reads, all come.
  EXPECT_EQ(read(client, kAsked * 60'002U).size(), kAsked * 60'002U);
}

TEST_F(TcpPoolTest, AnswersThatPileUpForAPeerThatDoesNotReadCloseIt) {
  begin({});
  const FileDescriptor client = connect();
  std::string stream;
  for (int i = 0; i < 90; ++i) stream += framed("later");
  send(client, stream);
  run_until([&] { return waiting_.size() == 90; });
  const Octets big(65'000, 'x');
  for (const auto& [id, text] : waiting_) pool_->send(id, big);
  EXPECT_EQ(stats_.slow_readers.value(), 1U);
  EXPECT_EQ(pool_->open_count(), 0U);
}

TEST_F(TcpPoolTest, FinishAnswersFirst) {
  begin({});
  const FileDescriptor client = connect();
  send(client, framed("last") + framed("never read"));
  EXPECT_EQ(read(client, 100), framed("bye") + "closed");
}

TEST_F(TcpPoolTest, ALateAnswerForAClosedConnectionGoesNowhere) {
  begin({});
  FileDescriptor client = connect();
  send(client, framed("later"));
  run_until([&] { return waiting_.size() == 1; });
  client = FileDescriptor();
  // Closed in one direction only as far as the pool can tell; the answer finds a reset.
  pool_->send(waiting_[0].first, octets_of("x"));
  run_until([&] { return pool_->open_count() == 0; });
  const FileDescriptor next = connect_accepted();  // In the same slot.
  pool_->send(waiting_[0].first, octets_of("x"));
  pool_->forget(waiting_[0].first);
  send(next, framed("mine"));
  EXPECT_EQ(read(next, 10), framed("re: mine"));
}

}  // namespace
}  // namespace postern::net
