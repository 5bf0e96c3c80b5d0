// The whole server over real sockets on loopback, with a resolver that does as it is told.
#include "server/server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/file_descriptor.h"
#include "net/socket_address.h"
#include "server/testing.h"

namespace postern::server {
namespace {

using dns::RRType;
using testing::Ask;

std::string framed(const Octets& message) {
  std::string frame;
  frame += static_cast<char>(message.size() >> 8);
  frame += static_cast<char>(message.size() & 0xff);
  frame.append(text_of(message));
  return frame;
}

/// A client socket with a limit on how long it waits.
class Client {
 public:
  Client(const Endpoint& server, int type) {
    const net::SocketAddress address(server);
    fd_ = FileDescriptor(::socket(address.any.sa_family, type | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd_.get(), &address.any, address.size()), 0);
    const timeval limit{10, 0};
    EXPECT_EQ(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  }

  void send(std::string_view octets) const {
    ASSERT_EQ(::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(octets.size()));
  }
  Octets receive_datagram() const {
    Octets octets(65536);
    const ssize_t size = ::recv(fd_.get(), octets.data(), octets.size(), 0);
    octets.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return octets;
  }
  /// The next message of a stream; empty at its end.
  Octets receive_message() const {
    const Octets size = receive_exactly(2);
    return size.size() < 2 ? Octets{} : receive_exactly(load_u16(size.data()));
  }
  bool is_closed() const { return receive_exactly(1).empty(); }
  std::string ask_udp(const Ask& ask) const {
    send(text_of(testing::query_of(ask)));
    return testing::words_of(receive_datagram());
  }
  std::string ask_tcp(const Ask& ask) const {
    send(framed(testing::query_of(ask)));
    return testing::words_of(receive_message());
  }
  void half_close() const { ASSERT_EQ(::shutdown(fd_.get(), SHUT_WR), 0); }

 private:
  Octets receive_exactly(std::size_t size) const {
    Octets octets(size);
    std::size_t got = 0;
    while (got < size) {
      const ssize_t n = ::recv(fd_.get(), &octets[got], size - got, 0);
      if (n <= 0) return {};
      got += static_cast<std::size_t>(n);
    }
    return octets;
  }

  FileDescriptor fd_;
};

/// Knows the zone zone.example: gives its SOA as NOERROR, wants connections for AXFR.
class FakeZones final : public ZoneService {
 public:
  Answer answer(const ZoneQuestion& question, std::span<std::uint8_t> out) override {
    const auto view = dns::MessageView::parse(question.message);
    if (!view || view->question()->qname != *dns::Name::from_text("zone.example")) return {};
    if (view->question()->qtype == RRType::axfr && question.may_take) return {Outcome::take, 0};
    const auto end = static_cast<std::ptrdiff_t>(view->question_end());
    std::copy(question.message.begin(), question.message.begin() + end, out.begin());
    out[2] |= 0x80;
    if (view->question()->qtype == RRType::axfr) out[3] = 2;
    for (std::size_t i = 6; i < 12; ++i) out[i] = 0;
    return {Outcome::answered, static_cast<std::size_t>(end)};
  }
  void take(net::DetachedConnection connection) override {
    const std::lock_guard lock(mutex_);
    taken_.push_back(std::move(connection));
  }
  std::vector<net::DetachedConnection> taken() {
    const std::lock_guard lock(mutex_);
    return std::exchange(taken_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<net::DetachedConnection> taken_;
};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    Settings settings;
    settings.access_allow = {*IpPrefix::from_text("127.0.0.0/8"), *IpPrefix::from_text("::1")};
    settings_.publish(std::make_shared<const Settings>(settings));
    policy::ZoneOptions zone;
    zone.name = "hosts";
    policy_.publish(testing::policy_of({{zone, {{"bad.example"}}}}));
    for (const char* name : {"www.example.", "a.example.", "b.example.", "c.example."}) {
      resolver_.set(std::string(name) + " A",
                    {.records = {std::string(name) + " 300 A 192.0.2.1"}});
    }
    std::vector<std::string> records;
    for (int i = 0; i < 200; ++i) {
      records.push_back("big.example. 60 A 192.0.2." + std::to_string(i));
    }
    resolver_.set("big.example. A", {.records = records});
    resolver_.set_immediate(true);
    options_.listen = {*Endpoint::from_text("127.0.0.1:0"), *Endpoint::from_text("[::1]:0")};
    options_.workers = 2;
    options_.seed = 7;
  }
  ~ServerTest() override {
    if (server_) server_->stop();
    resolver_.stop();
  }

  void start() {
    auto server = Server::start(options_, {settings_, policy_, resolver_, sink_, log_, &zones_});
    ASSERT_TRUE(server) << server.error().text;
    server_ = std::move(*server);
  }
  Client udp(std::size_t endpoint = 0) const {
    return {server_->endpoints()[endpoint], SOCK_DGRAM};
  }
  Client tcp(std::size_t endpoint = 0) const {
    return {server_->endpoints()[endpoint], SOCK_STREAM};
  }
  double metric(std::string_view name, std::string_view labels = {}) const {
    Metrics metrics;
    server_->collect(metrics);
    for (const Metric& each : metrics) {
      if (each.name == name && each.labels == labels) return each.value;
    }
    return -1;
  }
  /// Waits, for 10 s at most, for what another thread does soon.
  template <class Condition>
  void wait_for(Condition condition) const {
    for (int i = 0; i < 10'000 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(condition());
  }

  Options options_;
  Published<Settings> settings_{std::make_shared<const Settings>()};
  Published<policy::Generation> policy_{policy::Generation::empty()};
  testing::FakeResolver resolver_;
  testing::RecordingSink sink_;
  NullLog log_;
  FakeZones zones_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersOnEveryEndpointByUdpAndTcp) {
  start();
  ASSERT_EQ(server_->endpoints().size(), 2U);
  const std::string want = "NOERROR qr rd ra | www.example. 300 A 192.0.2.1";
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_NE(server_->endpoints()[i].port, 0);
    for (int k = 0; k < 8; ++k) {  // Both workers, the cache of each cold and warm.
      EXPECT_EQ(udp(i).ask_udp({}), want);
      EXPECT_EQ(tcp(i).ask_tcp({}), want);
    }
    EXPECT_TRUE(udp(i).ask_udp({.name = "x.bad.example"}).starts_with("NXDOMAIN qr rd ra ede=15"));
    EXPECT_TRUE(tcp(i).ask_tcp({.name = "x.bad.example"}).starts_with("NXDOMAIN qr rd ra ede=15"));
  }
  EXPECT_EQ(metric("postern_queries_total", "transport=\"udp\""), 18);
  EXPECT_EQ(metric("postern_queries_total", "transport=\"tcp\""), 18);
  EXPECT_EQ(metric("postern_answers_total", "rcode=\"nxdomain\""), 4);
  EXPECT_EQ(metric("postern_blocked_total", "action=\"nxdomain\",by=\"zone\""), 4);
  EXPECT_EQ(metric("postern_answer_seconds_count"), 36);
  EXPECT_EQ(metric("postern_answer_seconds_bucket", "le=\"+Inf\""), 36);
  EXPECT_EQ(sink_.records().size(), 36U);
}

TEST_F(ServerTest, WhatDoesNotFitUdpComesByTcp) {
  start();
  EXPECT_EQ(udp().ask_udp({.name = "big.example"}), "NOERROR qr tc rd ra");
  const std::string whole = tcp().ask_tcp({.name = "big.example"});
  EXPECT_EQ(std::count(whole.begin(), whole.end(), '|'), 200);
}

TEST_F(ServerTest, ManyUdpQueriesAtOnceAreAllAnsweredToTheirSenders) {
  start();
  std::vector<Client> clients;
  for (int i = 0; i < 60; ++i) clients.push_back(udp(static_cast<std::size_t>(i % 2)));
  for (std::uint16_t round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const Ask ask{.name = i % 3 == 0 ? "bad.example" : "www.example",
                    .id = static_cast<std::uint16_t>(round * 1000 + i)};
      clients[i].send(text_of(testing::query_of(ask)));
    }
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    std::vector<int> ids;
    for (int round = 0; round < 5; ++round) {
      const Octets answer = clients[i].receive_datagram();
      ASSERT_GT(answer.size(), 12U);
      ids.push_back(load_u16(answer.data()));
    }
    std::sort(ids.begin(), ids.end());
    const int n = static_cast<int>(i);
    EXPECT_EQ(ids, (std::vector<int>{n, 1000 + n, 2000 + n, 3000 + n, 4000 + n}));
  }
}

TEST_F(ServerTest, PipelinedQueriesAreAnsweredAsTheirAnswersCome) {
  resolver_.set_immediate(false);
  options_.workers = 1;
  start();
  const Client client = tcp();
  client.send(framed(testing::query_of({.name = "a.example", .id = 1})) +
              framed(testing::query_of({.name = "b.example", .id = 2})) +
              framed(testing::query_of({.name = "bad.example", .id = 3})));
  // The blocked one overtakes those that wait.
  EXPECT_EQ(load_u16(client.receive_message().data()), 3);
  wait_for([&] { return resolver_.asked().size() == 2; });
  resolver_.answer_all(true);
  EXPECT_EQ(load_u16(client.receive_message().data()), 2);
  EXPECT_EQ(load_u16(client.receive_message().data()), 1);
}

TEST_F(ServerTest, TornFramesAndHalfClosedConnections) {
  start();
  const Client client = tcp();
  const std::string frames = framed(testing::query_of({.id = 1})) +
                             framed(testing::query_of({.name = "bad.example", .id = 2}));
  for (const char octet : frames) client.send({&octet, 1});
  client.half_close();
  // The second is blocked, and need not wait for the first.
  const unsigned one = load_u16(client.receive_message().data());
  const unsigned other = load_u16(client.receive_message().data());
  EXPECT_EQ(one + other, 3U);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(ServerTest, ConnectionsEndWhenIdleOversizedOrNoDns) {
  options_.tcp_idle_timeout_ms = 50;
  start();
  const Client idle = tcp();
  EXPECT_TRUE(idle.is_closed());
  const Client oversized = tcp();
  oversized.send("\xff\xff");
  EXPECT_TRUE(oversized.is_closed());
  const Client no_dns = tcp();
  no_dns.send(std::string("\0\5GET /", 7));
  EXPECT_TRUE(no_dns.is_closed());
  EXPECT_EQ(metric("postern_tcp_oversized_total"), 1);
  EXPECT_GE(metric("postern_tcp_idle_timeouts_total"), 1);
  EXPECT_EQ(metric("postern_malformed_dropped_total"), 1);
  wait_for([&] { return metric("postern_tcp_connections") == 0; });
}

TEST_F(ServerTest, AtTheBoundOfConnectionsTheIdleOnesMakeRoom) {
  options_.workers = 1;
  options_.tcp_max_connections = 3;
  start();
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(tcp());
    EXPECT_TRUE(clients.back().ask_tcp({}).starts_with("NOERROR"));
  }
  const Client next = tcp();
  EXPECT_TRUE(next.ask_tcp({}).starts_with("NOERROR"));
  EXPECT_TRUE(clients[0].is_closed());
  EXPECT_TRUE(clients[1].ask_tcp({}).starts_with("NOERROR"));
  EXPECT_EQ(metric("postern_tcp_displaced_total"), 1);
}

TEST_F(ServerTest, APolicySwapActsOnTheNextQuery) {
  start();
  const Client client = udp();
  EXPECT_TRUE(client.ask_udp({}).starts_with("NOERROR"));
  policy::ZoneOptions zone;
  zone.name = "new";
  policy_.publish(testing::policy_of({{zone, {{"example"}}}}, 2));
  EXPECT_TRUE(client.ask_udp({}).starts_with("NXDOMAIN"));
}

TEST_F(ServerTest, ClearedCachesAskTheResolverAnew) {
  options_.workers = 1;
  start();
  const Client client = udp();
  client.ask_udp({});
  client.ask_udp({});
  EXPECT_EQ(resolver_.asked().size(), 1U);
  server_->clear_caches();
  client.ask_udp({});
  EXPECT_EQ(resolver_.asked().size(), 2U);
}

TEST_F(ServerTest, ZonesOfOursAreForTheirServiceWhoeverAsks) {
  Settings settings;
  settings_.publish(std::make_shared<const Settings>(settings));
  start();
  const Ask soa{.name = "zone.example", .type = RRType::soa, .edns = false};
  EXPECT_EQ(udp().ask_udp(soa), "NOERROR qr rd no-edns");
  EXPECT_EQ(tcp().ask_tcp(soa), "NOERROR qr rd no-edns");
  // NOTIFY; the server itself knows no such thing.
  Octets notify = testing::query_of(soa);
  notify[2] = 0x20;
  const Client client = udp();
  client.send(text_of(notify));
  EXPECT_EQ(client.receive_datagram()[3] & 0xf, 0);
  // Of other zones: a stranger is a stranger, an AXFR is refused as ever.
  EXPECT_EQ(
      udp().ask_udp({.name = "other.example", .type = RRType::soa, .edns = false}).substr(0, 7),
      "REFUSED");
  EXPECT_EQ(metric("postern_zone_requests_total"), 3);
}

TEST_F(ServerTest, AConnectionIsGivenAwayWithAllThatWasNotAnswered) {
  start();
  const Client client = tcp();
  EXPECT_EQ(client.ask_tcp({}).substr(0, 7), "NOERROR");
  const Ask axfr{.name = "zone.example", .type = RRType::axfr, .edns = false};
  const std::string rest = framed(testing::query_of(axfr)) + framed(testing::query_of({})) + "\1";
  client.send(rest);
  std::vector<net::DetachedConnection> taken;
  wait_for([&] { return taken.size() == 1 || (taken = zones_.taken()).size() == 1; });
  EXPECT_EQ(text_of(taken[0].received), rest);
  EXPECT_TRUE(taken[0].peer.address.is_loopback());
  // It is still open, and belongs to who has it now.
  ASSERT_EQ(::send(taken[0].fd.get(), "\0\1x", 3, 0), 3);
  EXPECT_EQ(client.receive_message(), Octets{'x'});
  wait_for([&] { return metric("postern_tcp_connections") == 0; });
  taken.clear();
  EXPECT_TRUE(client.is_closed());

  // Not while something else is under way on it, nor over UDP.
  resolver_.set_immediate(false);
  const Client busy = tcp();
  busy.send(framed(testing::query_of({.name = "a.example"})) + framed(testing::query_of(axfr)));
  EXPECT_EQ(testing::words_of(busy.receive_message()), "SERVFAIL qr rd no-edns");
  EXPECT_EQ(udp().ask_udp(axfr), "SERVFAIL qr rd no-edns");
  EXPECT_TRUE(zones_.taken().empty());
  resolver_.answer_all();
  EXPECT_EQ(testing::words_of(busy.receive_message()).substr(0, 7), "NOERROR");
}

TEST_F(ServerTest, StopAnswersWhatIsUnderWay) {
  resolver_.set_immediate(false);
  start();
  const Client by_udp = udp();
  const Client by_tcp = tcp();
  by_udp.send(text_of(testing::query_of({.name = "a.example"})));
  by_tcp.send(framed(testing::query_of({.name = "b.example"})));
  wait_for([&] { return resolver_.asked().size() == 2; });
  std::jthread answers([&] { resolver_.answer_all(); });
  server_->stop();
  EXPECT_TRUE(testing::words_of(by_udp.receive_datagram()).starts_with("NOERROR"));
  EXPECT_TRUE(testing::words_of(by_tcp.receive_message()).starts_with("NOERROR"));
}

TEST_F(ServerTest, RepliesAfterTheStopHurtNobody) {
  resolver_.set_immediate(false);
  Settings settings = *settings_.current();
  settings.answer_deadline_ms = 50;
  settings_.publish(std::make_shared<const Settings>(settings));
  start();
  const Client client = udp();
  client.send(text_of(testing::query_of({.name = "never.example"})));
  wait_for([&] { return resolver_.asked().size() == 1; });
  server_->stop();
  std::jthread late([&] { resolver_.stop(); });
  server_.reset();
}

TEST_F(ServerTest, APortThatIsTakenIsAnErrorThatSaysSo) {
  start();
  Options again = options_;
  again.listen = {server_->endpoints()[0]};
  const auto second = Server::start(again, {settings_, policy_, resolver_, sink_, log_});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text.find(again.listen[0].to_text()), std::string::npos);
}

}  // namespace
}  // namespace postern::server
