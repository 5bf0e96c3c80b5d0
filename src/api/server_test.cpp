// The API over real sockets: loopback and UNIX.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "api/api.h"
#include "api/control_socket.h"
#include "api/http_server.h"
#include "api/testing.h"
#include "base/file_descriptor.h"

namespace postern::api {
namespace {

constexpr int kPatienceMs = 10'000;  // Far more than anything takes; a bound, not a pace.

/// A client that sees every octet.
class Wire {
 public:
  explicit Wire(const Endpoint& to) : Wire(to, ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  explicit Wire(const std::string& path)
      : Wire(path, ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  Wire(const Endpoint& to, int fd) : fd_(fd) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  Wire(const std::string& path, int fd) : fd_(fd) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    connected_ =
        ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  bool connected() const { return connected_; }
  /// False once the other side has closed.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// Reads until `mark` has come, and returns all up to its end; what came until the close or
  /// until patience ended otherwise.
  std::string until(std::string_view mark) {
    while (waiting_.find(mark) == waiting_.npos && more()) {
    }
    const std::size_t at = waiting_.find(mark);
    const std::size_t size = at == waiting_.npos ? waiting_.size() : at + mark.size();
    std::string text = waiting_.substr(0, size);
    waiting_.erase(0, size);
    return text;
  }
  std::string until_closed() {
    while (more()) {
    }
    return std::exchange(waiting_, {});
  }
  bool closed() const { return closed_; }
  /// One answer with Content-Length.
  std::string answer() {
    std::string head = until("\r\n\r\n");
    const std::string_view kLength = "Content-Length: ";
    const std::size_t at = head.find(kLength);
    if (at == head.npos) return head;
    const auto size = static_cast<std::size_t>(std::atoll(head.c_str() + at + kLength.size()));
    while (waiting_.size() < size && more()) {
    }
    head += waiting_.substr(0, size);
    waiting_.erase(0, size);
    return head;
  }

 private:
  bool more() {
    pollfd ready{fd_.get(), POLLIN, 0};
    if (::poll(&ready, 1, kPatienceMs) <= 0) return false;
    std::array<char, 4096> buffer;
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    closed_ = got <= 0;
    if (got > 0) waiting_.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  FileDescriptor fd_;
  bool connected_ = false;
  bool closed_ = false;
  std::string waiting_;
};

class TempFolder {
 public:
  TempFolder() {
    std::string shape = (std::filesystem::temp_directory_path() / "postern-api-XXXXXX").string();
    path_ = ::mkdtemp(shape.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// While it lives no descriptor can be made in this process.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = ::dup(STDERR_FILENO);
    ::close(lowest_free);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

/// A journal whose reads wait until they are let go.
class SlowJournal final : public journal::Journal {
 public:
  void record(const event::Query&) override {}
  Result<journal::Page> search(const journal::Filter&, std::size_t,
                               std::optional<std::int64_t>) override {
    entered.count_down();
    go.wait();
    return journal::Page{};
  }
  Result<std::vector<journal::TopEntry>> top(const journal::Filter&, journal::TopBy,
                                             std::size_t) override {
    return std::vector<journal::TopEntry>{};
  }
  Result<std::vector<journal::TimelinePoint>> timeline(const journal::Filter&, seconds) override {
    return std::vector<journal::TimelinePoint>{};
  }
  void flush() override {}
  void collect(Metrics&) const override {}

  std::latch entered{1};
  std::latch go{1};
};

class ServerTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (server_) server_->stop();
  }
  void start(const HttpLimits& limits = quick()) {
    HttpOptions options;
    options.listen = Endpoint{IpAddress::v4(127, 0, 0, 1), 0};
    options.control_socket = control();
    options.limits = limits;
    auto server = HttpServer::start(options, router_, *live_, stats_);
    ASSERT_TRUE(server.has_value()) << server.error().text;
    server_ = *std::move(server);
  }
  static HttpLimits quick() {
    HttpLimits limits;
    limits.live_tick = milliseconds(5);
    return limits;
  }
  std::string control() const { return folder_.path() + "/control.sock"; }
  Wire dial() const { return Wire(*server_->endpoint()); }
  Wire dial_from(const char* address) const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &own.sin_addr);
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    return {*server_->endpoint(), fd};
  }
  static std::string request(std::string_view method, std::string_view target,
                             std::string_view more = "Authorization: Bearer right\r\n",
                             std::string_view body = "") {
    std::string text = std::string(method) + " " + std::string(target) +
                       " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + std::string(more);
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + std::string(body);
  }
  /// Waits until `counter` has reached `count`.
  static bool reaches(const Counter& counter, std::uint64_t count) {
    const auto end = std::chrono::steady_clock::now() + milliseconds(kPatienceMs);
    while (counter.value() < count && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
    return counter.value() >= count;
  }
  /// Records until the watcher has seen one: whether it is watched yet cannot be asked.
  std::string record_until_seen(Wire& wire, const event::Query& query, std::string_view mark) {
    std::jthread recorder([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        live_->record(query);
        std::this_thread::yield();
      }
    });
    return wire.until(mark);
  }

  TempFolder folder_;
  testing::Fixture fixture_;
  NullLog log_;
  Auth auth_{Token{sha256_hex("right"), std::nullopt}};
  Stats stats_;
  std::unique_ptr<LiveTail> live_ = LiveTail::create();
  Services services_ = fixture_.services();
  Router router_{Context{.services = services_,
                         .auth = auth_,
                         .stats = stats_,
                         .live = *live_,
                         .log = log_,
                         .started_at = {}},
                 std::nullopt};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(ServerTest, OneConnectionServesRequestAfterRequest) {
  start();
  Wire wire = dial();
  for (int i = 0; i < 3; ++i) {
    wire.send(request("GET", "/api/v1/status"));
    const std::string answer = wire.answer();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("\r\nContent-Security-Policy: default-src 'self';"), answer.npos);
    EXPECT_NE(answer.find("\r\nCache-Control: no-store\r\n"), answer.npos);
    EXPECT_TRUE(answer.ends_with("}}"));
  }
  // Two at once, and a HEAD between: the answers come in order.
  wire.send(request("GET", "/api/v1/feeds") + request("HEAD", "/api/v1/status") +
            request("GET", "/api/v1/session"));
  EXPECT_NE(wire.answer().find("{\"feeds\":["), std::string::npos);
  EXPECT_NE(wire.until("\r\n\r\n").find("Content-Length: "), std::string::npos);
  EXPECT_NE(wire.answer().find("{\"signed_in\":false}"), std::string::npos);
}

TEST_F(ServerTest, ABodyInPartsIsChunkedAndEndsTheConnection) {
  start();
  constexpr std::string_view kPath = "/api/v1/publish/office/domains.txt";
  Wire wire = dial();
  wire.send(request("GET", kPath));
  const std::string answer = wire.until_closed();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("\r\nTransfer-Encoding: chunked\r\n"), answer.npos);
  EXPECT_NE(answer.find("\r\nETag: \"d1\"\r\n"), answer.npos);
  EXPECT_NE(answer.find("\r\nX-Content-Type-Options: nosniff\r\n"), answer.npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\ne\r\npart3.example\n\r\ne\r\npart1.example\n\r\n0\r\n\r\n"))
      << answer;
  // HTTP/1.0 knows no chunks.
  Wire old = dial();
  std::string request_text = request("GET", kPath);
  request_text.replace(request_text.find("HTTP/1.1"), 8, "HTTP/1.0");
  old.send(request_text);
  EXPECT_TRUE(old.until_closed().ends_with("\r\n\r\npart3.example\npart1.example\n"));
  // HEAD has no body, and the connection goes on.
  Wire head = dial();
  head.send(request("HEAD", kPath) + request("GET", "/api/v1/session"));
  EXPECT_NE(head.until("\r\n\r\n").find("ETag"), std::string::npos);
  EXPECT_NE(head.answer().find("{\"signed_in\":false}"), std::string::npos);
}

TEST_F(ServerTest, CloseIsHonouredAndManyRequestsEnd) {
  HttpLimits limits = quick();
  limits.requests = 2;
  start(limits);
  Wire closing = dial();
  closing.send(request("GET", "/", "Connection: close\r\n"));
  EXPECT_TRUE(closing.until_closed().starts_with("HTTP/1.1 200"));
  Wire many = dial();
  many.send(request("GET", "/favicon.svg") + request("GET", "/favicon.svg"));
  many.answer();
  EXPECT_NE(many.answer().find("Connection: close"), std::string::npos);
  many.until_closed();
  EXPECT_TRUE(many.closed());
}

TEST_F(ServerTest, WhatIsNotHttpOrTooLargeIsRefusedByName) {
  HttpLimits limits = quick();
  limits.header_octets = 2000;
  limits.body_octets = 1000;
  start(limits);
  struct Case {
    std::string what;
    std::string sent;
    std::string want;
  };
  const Case cases[] = {
      {"text", "hello\r\n\r\n", "HTTP/1.1 400 "},
      {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15),
       "HTTP/1.1 400 "},
      {"a bad version", "GET / HTTP/9.9\r\n\r\n", "HTTP/1.1 400 "},
      {"a bad header", "GET / HTTP/1.1\r\nHo st: x\r\n\r\n", "HTTP/1.1 400 "},
      {"two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
       "HTTP/1.1 400 "},
      {"length and chunks",
       "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "HTTP/1.1 400 "},
      {"a negative length", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400 "},
      {"large headers", "GET / HTTP/1.1\r\nX: " + std::string(3000, 'x') + "\r\n\r\n",
       "HTTP/1.1 431 "},
      {"a long target", "GET /" + std::string(3000, 'x') + " HTTP/1.1\r\n\r\n", "HTTP/1.1 431 "},
      {"a large body", request("POST", "/api/v1/session", "", std::string(1001, 'x')),
       "HTTP/1.1 413 "},
      {"no host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 421 "},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    Wire wire = dial();
    wire.send(c.sent);
    const std::string answer = wire.answer();
    EXPECT_TRUE(answer.starts_with(c.want)) << answer.substr(0, 60);
    EXPECT_NE(answer.find("application/problem+json"), answer.npos);
  }
  Wire after = dial();
  after.send(request("GET", "/api/v1/status"));
  EXPECT_TRUE(after.answer().starts_with("HTTP/1.1 200"));
}

TEST_F(ServerTest, ASlowRequestIsGivenUp) {
  HttpLimits limits = quick();
  limits.first_request = milliseconds(80);
  limits.idle = milliseconds(4 * kPatienceMs);
  start(limits);
  Wire silent = dial();
  Wire slow = dial();
  slow.send("GET /api/v1/sta");
  EXPECT_EQ(slow.until_closed(), "");
  EXPECT_TRUE(slow.closed());
  silent.until_closed();
  EXPECT_TRUE(silent.closed());
}

TEST_F(ServerTest, ASlowNextRequestIsGivenUpToo) {
  HttpLimits limits = quick();
  limits.first_request = milliseconds(4 * kPatienceMs);
  limits.idle = milliseconds(80);
  start(limits);
  Wire wire = dial();
  wire.send(request("GET", "/favicon.svg"));
  EXPECT_TRUE(wire.answer().starts_with("HTTP/1.1 200"));
  EXPECT_EQ(wire.until_closed(), "");
  EXPECT_TRUE(wire.closed());
}

TEST_F(ServerTest, OneConnectionTooManyDisplacesTheLongestIdleOne) {
  HttpLimits limits = quick();
  limits.connections = 2;
  start(limits);
  Wire first = dial();
  Wire second = dial();
  for (Wire* wire : {&first, &second}) {  // Both are in once they are answered.
    wire->send(request("GET", "/favicon.svg"));
    EXPECT_NE(wire->answer(), "");
  }
  Wire third = dial();
  third.send(request("GET", "/favicon.svg"));
  EXPECT_TRUE(third.answer().starts_with("HTTP/1.1 200"));
  EXPECT_EQ(first.until_closed(), "");
  EXPECT_TRUE(first.closed());
  second.send(request("GET", "/favicon.svg"));
  EXPECT_TRUE(second.answer().starts_with("HTTP/1.1 200"));
  EXPECT_EQ(stats_.connections_displaced.value(), 1U);
}

TEST_F(ServerTest, WithoutAnIdleOneItIsClosedButNotTheControlSockets) {
  HttpLimits limits = quick();
  limits.connections = 1;
  start(limits);
  Wire busy = dial();
  busy.send(request("GET", "/api/v1/live"));
  EXPECT_NE(busy.until("retry:"), "");
  Wire other = dial();
  EXPECT_EQ(other.until_closed(), "");
  EXPECT_TRUE(other.closed());
  Wire control_wire(control());
  control_wire.send(request("GET", "/api/v1/status", ""));
  EXPECT_TRUE(control_wire.answer().starts_with("HTTP/1.1 200"));
}

TEST_F(ServerTest, AnAddressWithTooManyDisplacesItsOwn) {
  HttpLimits limits = quick();
  limits.connections_per_address = 1;
  start(limits);
  Wire elsewhere = dial_from("127.0.0.2");  // Idle for the longest, but of another address.
  Wire first = dial();
  for (Wire* wire : {&elsewhere, &first}) {
    wire->send(request("GET", "/favicon.svg"));
    EXPECT_TRUE(wire->answer().starts_with("HTTP/1.1 200"));
  }
  Wire second = dial();
  EXPECT_EQ(first.until_closed(), "");
  EXPECT_TRUE(first.closed());
  for (Wire* wire : {&elsewhere, &second}) {
    wire->send(request("GET", "/favicon.svg"));
    EXPECT_TRUE(wire->answer().starts_with("HTTP/1.1 200"));
  }
}

TEST_F(ServerTest, BothListenersComeBackWhenThereAreDescriptorsAgain) {
  start();
  const int console_fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int control_fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(std::min(console_fd, control_fd), 0);
  // UBSan needs descriptors to look at an object.
  const Endpoint console = *server_->endpoint();
  const std::string socket = control();
  std::optional<Wire> console_wire;
  std::optional<Wire> control_wire;
  {
    const NoMoreDescriptors none;
    console_wire.emplace(console, console_fd);
    control_wire.emplace(socket, control_fd);
    EXPECT_TRUE(reaches(stats_.accept_errors, 4));  // Each has failed, and failed again.
  }
  for (Wire* wire : {&*console_wire, &*control_wire}) {
    wire->send(request("GET", "/api/v1/status"));
    EXPECT_TRUE(wire->answer().starts_with("HTTP/1.1 200"));
  }
}

TEST_F(ServerTest, ALongSearchDelaysNothingElse) {
  SlowJournal journal;
  services_.journal = &journal;
  HttpLimits limits = quick();
  limits.waiting_jobs = 1;
  start(limits);
  Wire searching = dial();
  searching.send(request("GET", "/api/v1/queries"));
  journal.entered.wait();
  Wire other = dial();
  other.send(request("GET", "/api/v1/status"));
  EXPECT_TRUE(other.answer().starts_with("HTTP/1.1 200"));
  other.send(request("GET", "/api/v1/top"));  // One waits already, and no more may.
  EXPECT_TRUE(other.answer().starts_with("HTTP/1.1 503"));
  for (const std::string_view target : {"/api/v1/exceptions", "/api/v1/audit"}) {
    other.send(request("GET", target));  // On another thread.
    EXPECT_TRUE(other.answer().starts_with("HTTP/1.1 200")) << target;
  }
  journal.go.count_down();
  EXPECT_NE(searching.answer().find("{\"rows\":[],\"next\":null}"), std::string::npos);
  other.send(request("GET", "/api/v1/top"));
  EXPECT_NE(other.answer().find("{\"by\":\"name\",\"entries\":[]}"), std::string::npos);
}

TEST_F(ServerTest, LiveStreamsRecordsThatPassTheFilter) {
  start();
  Wire wire = dial();
  wire.send(request("GET", "/api/v1/live?below=wanted.example"));
  const std::string head = wire.until("\r\n\r\n");
  EXPECT_NE(head.find("\r\nContent-Type: text/event-stream\r\n"), head.npos);
  EXPECT_NE(head.find("\r\nContent-Security-Policy: "), head.npos);
  event::Query other;
  other.qname = testing::name("other.example");
  event::Query wanted;
  wanted.qname = testing::name("www.wanted.example");
  live_->record(other);
  const std::string text = record_until_seen(wire, wanted, "\"in_chain\":false}\n\n");
  EXPECT_NE(text.find("data: {\"at\":"), text.npos);
  EXPECT_NE(text.find("\"name\":\"www.wanted.example\""), text.npos);
  EXPECT_EQ(text.find("other.example"), text.npos);
}

TEST_F(ServerTest, NobodyWatchingCostsTheWorkersNothing) {
  start();
  event::Query query;
  query.qname = testing::name("a.example");
  for (std::size_t i = 0; i < 2 * kLiveLaneRecords; ++i) live_->record(query);
  EXPECT_FALSE(live_->pop(query));
  EXPECT_EQ(live_->dropped().others, 0U);
  {
    Wire wire = dial();
    wire.send(request("GET", "/api/v1/live"));
    record_until_seen(wire, query, "\n\ndata: ");
  }
  // The watcher is gone; the server notices and tells the tail.
  for (int i = 0; i < kPatienceMs; ++i) {
    Wire wire = dial();
    wire.send(request("GET", "/favicon.svg", "Connection: close\r\n"));
    wire.until_closed();
    live_->record(query);
    event::Query taken;
    if (!live_->pop(taken)) break;
    ASSERT_LT(i + 1, kPatienceMs);
  }
}

TEST_F(ServerTest, ASlowWatcherIsToldWhatItMissed) {
  HttpLimits limits = quick();
  limits.live_buffer_octets = 4000;
  limits.live_tick = milliseconds(1);
  start(limits);
  Wire wire = dial();
  wire.send(request("GET", "/api/v1/live"));
  event::Query query;
  query.qname = testing::name("a.example");
  {
    // More in one tick than its buffer holds, again and again.
    std::jthread recorder([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) live_->record(query);
    });
    const std::string text = wire.until("event: dropped\ndata: {\"count\":");
    EXPECT_TRUE(text.ends_with("{\"count\":"));
    EXPECT_GT(std::stoull("0" + wire.until("}")), 0U);
  }
  server_->stop();
  EXPECT_GT(stats_.live_dropped.value(), 0U);
}

TEST(LiveTail, AFloodOfOthersCrowdsNoThreatOut) {
  const auto live = LiveTail::create();
  live->watch(true);
  event::Query query;
  for (std::size_t i = 0; i < kLiveLaneRecords + 100; ++i) live->record(query);
  for (const auto kind : {event::Disposition::blocked, event::Disposition::observed}) {
    query.disposition = kind;
    live->record(query);
  }
  EXPECT_EQ(live->dropped().others, 100U);
  EXPECT_EQ(live->dropped().threats, 0U);
  ASSERT_TRUE(live->pop(query));
  EXPECT_EQ(query.disposition, event::Disposition::blocked);
  ASSERT_TRUE(live->pop(query));
  EXPECT_EQ(query.disposition, event::Disposition::observed);
  ASSERT_TRUE(live->pop(query));
  EXPECT_EQ(query.disposition, event::Disposition::answered);
}

TEST_F(ServerTest, WatchersAreToldWhatNeverCameAsFarAsTheirFilter) {
  HttpLimits limits = quick();
  limits.live_tick = milliseconds(20);
  limits.live_buffer_octets = 1 << 30;  // So that nothing is left out for want of room there.
  start(limits);
  Wire all = dial();
  all.send(request("GET", "/api/v1/live?name=quiet"));
  Wire blocked = dial();
  blocked.send(request("GET", "/api/v1/live?disposition=blocked"));
  EXPECT_TRUE(blocked.until("retry: 2000\n\n").ends_with("retry: 2000\n\n"));
  event::Query query;
  query.qname = testing::name("loud.example");
  event::Query threat = query;
  threat.disposition = event::Disposition::blocked;
  {
    std::jthread recorder([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) live_->record(query);
    });
    EXPECT_NE(all.until("event: dropped\ndata: {\"count\":").find("event: dropped"),
              std::string::npos);
    live_->record(threat);
    const std::string text = blocked.until("\"in_chain\":false}\n\n");
    EXPECT_NE(text.find("loud.example"), text.npos);
    EXPECT_EQ(text.find("dropped"), text.npos);  // Nothing that it asked for was.
  }
}

TEST_F(ServerTest, WatchersAreBoundedAndEndWithTheirSession) {
  HttpLimits limits = quick();
  limits.live_clients = 1;
  limits.live_heartbeat = milliseconds(10);
  start(limits);
  Wire wire = dial();
  wire.send(request("POST", "/api/v1/session", "Content-Type: application/json\r\n",
                    R"({"token":"right"})"));
  const std::string answer = wire.answer();
  const std::size_t at = answer.find("postern_session=");
  ASSERT_NE(at, answer.npos) << answer;
  const std::string cookie = "Cookie: " + answer.substr(at, answer.find(';', at) - at) + "\r\n";
  Wire watching = dial();
  watching.send(request("GET", "/api/v1/live", cookie));
  EXPECT_TRUE(watching.until(":\n\n").ends_with(":\n\n"));  // A heartbeat.
  wire.send(request("GET", "/api/v1/live", cookie));
  EXPECT_TRUE(wire.answer().starts_with("HTTP/1.1 503"));
  wire.send(request("DELETE", "/api/v1/session", cookie));
  EXPECT_TRUE(wire.answer().starts_with("HTTP/1.1 204"));
  EXPECT_NE(watching.until_closed().find("event: signed_out\ndata: {}\n\n"), std::string::npos);
  EXPECT_TRUE(watching.closed());
}

TEST_F(ServerTest, TheControlSocketIsOursAlone) {
  start();
  struct stat status{};
  ASSERT_EQ(::stat(control().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  Wire wire(control());
  wire.send("POST /api/v1/reload HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(wire.answer().starts_with("HTTP/1.1 200"));
  EXPECT_EQ(fixture_.reloads, 1);
}

TEST_F(ServerTest, AnotherUserOnTheControlSocketIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else for a moment";
  start();
  ::chmod(control().c_str(), 0666);
  ::chmod(folder_.path().c_str(), 0755);
  std::string answer;
  std::thread stranger([&] {
    // The bare system call changes this thread's user alone.
    ASSERT_EQ(::syscall(SYS_setresuid, -1, 65534, -1), 0);
    Wire wire(control());
    ASSERT_TRUE(wire.connected());
    wire.send(request("GET", "/api/v1/status"));  // With the right token, even.
    answer = wire.answer();
  });
  stranger.join();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403")) << answer;
}

TEST(ControlSocket, WhatMayBeReplacedAndWhatNot) {
  const TempFolder folder;
  const std::string path = folder.path() + "/s";
  {
    const auto first = listen_control_socket(path);
    ASSERT_TRUE(first.has_value()) << first.error().text;
    const auto second = listen_control_socket(path);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().text, "another server answers on " + path);
  }
  EXPECT_TRUE(std::filesystem::exists(path));  // As after kill -9.
  EXPECT_TRUE(listen_control_socket(path).has_value());
  std::filesystem::remove(path);
  std::ofstream(path) << "precious";
  EXPECT_FALSE(listen_control_socket(path).has_value());
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
  EXPECT_FALSE(listen_control_socket(folder.path() + "/" + std::string(120, 'x')).has_value());
}

/// An Api started whole, as the program starts it.
class ApiTest : public ::testing::Test {
 protected:
  /// With a console on any free port, and its token in the file `token_file` of the folder.
  Options options(const std::string& token_file) const {
    Options made;
    made.listen = Endpoint{IpAddress::v4(127, 0, 0, 1), 0};
    made.token_file = folder_.path() + "/" + token_file;
    return made;
  }
  std::string control() const { return folder_.path() + "/control.sock"; }
  Result<std::unique_ptr<Api>> start(const Options& options) {
    return Api::start(options, fixture_.services(), *live_, log_);
  }
  /// Asks for the status under the name `host`.
  static std::string status_of(const Api& api, const std::string& token,
                               const std::string& host = "localhost") {
    Wire wire(*api.endpoint());
    wire.send("GET /api/v1/status HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " +
              token + "\r\n\r\n");
    return wire.answer();
  }

  const TempFolder folder_;
  testing::Fixture fixture_;
  NullLog log_;
  const std::unique_ptr<LiveTail> live_ = LiveTail::create();
};

TEST_F(ApiTest, StartsServesAndStops) {
  Options with_socket = options("api.token");
  with_socket.control_socket = control();
  std::string token;
  {
    const auto api = start(with_socket);
    ASSERT_TRUE(api.has_value()) << api.error().text;
    ASSERT_TRUE((*api)->first_run_token().has_value());
    token = *(*api)->first_run_token();
    Wire watching(*(*api)->endpoint());
    watching.send("GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token +
                  "\r\n\r\n");
    EXPECT_NE(watching.until("retry:").find("200 OK"), std::string::npos);
    (*api)->stop();
    (*api)->stop();
    EXPECT_FALSE(std::filesystem::exists(control()));
  }
  const auto again = start(with_socket);
  ASSERT_TRUE(again.has_value()) << again.error().text;
  EXPECT_FALSE((*again)->first_run_token().has_value());
  EXPECT_TRUE(status_of(**again, token).starts_with("HTTP/1.1 200"));
}

TEST_F(ApiTest, AnAddressThatIsTakenIsAnErrorWithItsName) {
  const auto first = start(options("api.token"));
  ASSERT_TRUE(first.has_value());
  Options same = options("api.token");
  same.listen = (*first)->endpoint();
  same.control_socket = control();
  const auto second = start(same);
  ASSERT_FALSE(second.has_value());
  EXPECT_FALSE(std::filesystem::exists(control()));
  EXPECT_NE(second.error().text.find(same.listen->to_text()), std::string::npos);
}

TEST_F(ApiTest, ATokenIsKeptOnlyByAStartThatShowsIt) {
  const auto taken = start(options("other.token"));
  ASSERT_TRUE(taken.has_value());

  const std::string token_file = options("api.token").token_file;
  Options on_taken_port = options("api.token");
  on_taken_port.listen = (*taken)->endpoint();
  EXPECT_FALSE(start(on_taken_port).has_value());
  EXPECT_FALSE(std::filesystem::exists(token_file));
  Options without_console = options("api.token");  // Nobody is told of a token there.
  without_console.listen = std::nullopt;
  without_console.control_socket = control();
  {
    const auto without = start(without_console);
    ASSERT_TRUE(without.has_value()) << without.error().text;
    EXPECT_FALSE((*without)->first_run_token().has_value());
    EXPECT_FALSE(std::filesystem::exists(token_file));
  }
  Options whole = options("api.token");
  whole.control_socket = control();
  whole.hosts = {"dns.example"};
  const auto api = start(whole);
  ASSERT_TRUE(api.has_value()) << api.error().text;
  ASSERT_TRUE((*api)->first_run_token().has_value());
  EXPECT_TRUE(std::filesystem::exists(token_file));
  EXPECT_TRUE(
      status_of(**api, *(*api)->first_run_token(), "dns.example").starts_with("HTTP/1.1 200"));
}

TEST_F(ApiTest, ATokenThatCannotBeKeptIsAnError) {
  const auto api = start(options("missing/api.token"));
  ASSERT_FALSE(api.has_value());
  EXPECT_NE(api.error().text.find("/missing/api.token"), std::string::npos);
}

}  // namespace
}  // namespace postern::api
