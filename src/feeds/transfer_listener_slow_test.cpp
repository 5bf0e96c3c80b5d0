// The listener for transfers over TLS. Slow: it looks at its files every five seconds.
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include "feeds/testing.h"
#include "feeds/transfer_listener.h"
#include "feeds/transfer_stream.h"
#include "net/socket_address.h"
#include "net/test_certificate.h"

namespace postern::feeds {
namespace {

using testing::eventually;
using testing::RecordingLog;
using testing::ScratchFolder;

/// A port of 127.0.0.1 that is free at the moment.
Endpoint free_endpoint() {
  const auto probe =
      net::bound_socket(SOCK_STREAM, {IpAddress::v4(127, 0, 0, 1), 0}, false).value();
  return net::local_endpoint(probe.get()).value();
}

class TransferListenerTest : public ::testing::Test {
 protected:
  // As the program does: a connection that the other side has closed is an error like any other.
  TransferListenerTest() { ::signal(SIGPIPE, SIG_IGN); }
  void start(bool admits = true) {
    auto started = TransferListener::start(
        {{endpoint_}, certificate_, key_}, streams_, [admits](const IpAddress&) { return admits; },
        log_);
    ASSERT_TRUE(started.has_value()) << started.error().text;
    listener_ = *std::move(started);
  }
  double metric(std::string_view name) const {
    Metrics metrics;
    listener_->collect(metrics);
    for (const Metric& each : metrics) {
      if (each.name == name) return each.value;
    }
    return -1;
  }
  /// What a secondary is told that says "hello"; why not, where it is not.
  std::string greeting() const {
    net::DnsServer server{.transport = net::DnsServer::Transport::tls,
                          .endpoint = endpoint_,
                          .tls_ca_file = certificate_};
    const std::atomic<bool> cancelled{false};
    const Patience patience{cancelled, std::chrono::steady_clock::now() + seconds(5)};
    const auto stream = TransferStream::connect(server, patience);
    if (!stream) return stream.error().text;
    if (const auto sent = (*stream)->send(octets_of("hello"), patience); !sent) {
      return sent.error().text;
    }
    const auto answer = (*stream)->receive(patience);
    return answer ? std::string(text_of(*answer)) : answer.error().text;
  }

  ScratchFolder folder_;
  const std::string certificate_ = folder_.file("certificate.pem");
  const std::string key_ = folder_.file("key.pem");
  const Endpoint endpoint_ = free_endpoint();
  RecordingLog log_;
  ZoneStreams streams_{
      [](TransferStream& stream, const Endpoint&, const std::atomic<bool>& cancelled) {
        const Patience patience{cancelled, std::chrono::steady_clock::now() + seconds(5)};
        const auto question = stream.receive(patience);
        if (question) static_cast<void>(stream.send(*question, patience));
      }};
  std::unique_ptr<TransferListener> listener_;
};

TEST_F(TransferListenerTest, GivesConnectionsToTheStreams) {
  net::testing::write_certificate(certificate_, key_);
  start();
  EXPECT_EQ(metric("postern_transfer_tls_ready"), 1);
  EXPECT_EQ(greeting(), "hello");
  EXPECT_EQ(metric("postern_transfer_tls_refused_total"), 0);
  EXPECT_EQ(log_.text(), "");
}

TEST_F(TransferListenerTest, TurnsAwayWhoMayHaveNoZone) {
  net::testing::write_certificate(certificate_, key_);
  start(false);
  EXPECT_NE(greeting(), "hello");
  EXPECT_TRUE(eventually([&] { return metric("postern_transfer_tls_refused_total") == 1; }));
}

TEST_F(TransferListenerTest, StartsWithoutACertificateAndTakesItWhenItComes) {
  start();
  EXPECT_NE(log_.text().find("error: no transfers over TLS until the certificate can be used"),
            std::string::npos)
      << log_.text();
  EXPECT_EQ(metric("postern_transfer_tls_ready"), 0);
  EXPECT_NE(greeting(), "hello");
  net::testing::write_certificate(certificate_, key_);
  EXPECT_TRUE(eventually([&] { return metric("postern_transfer_tls_ready") == 1; }));
  EXPECT_EQ(greeting(), "hello");
  // One that cannot be used changes nothing.
  folder_.replace("key.pem", "no key\n");
  EXPECT_TRUE(eventually([&] {
    return log_.text().find("the certificate of before stays in use") != std::string::npos;
  }));
  EXPECT_EQ(greeting(), "hello");
}

TEST_F(TransferListenerTest, AnAddressThatCannotBeHadIsAnError) {
  net::testing::write_certificate(certificate_, key_);
  const auto taken = net::bound_socket(SOCK_STREAM, endpoint_, false).value();
  ASSERT_EQ(::listen(taken.get(), 1), 0);
  const auto started = TransferListener::start(
      {{endpoint_}, certificate_, key_}, streams_, [](const IpAddress&) { return true; }, log_);
  EXPECT_FALSE(started.has_value());
}

}  // namespace
}  // namespace postern::feeds
