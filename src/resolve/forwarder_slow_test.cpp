// Forwarding to real servers, and what takes its time.
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "internet/private_internet.h"
#include "resolve/factory.h"
#include "resolve/fake_upstream.h"
#include "resolve/testing.h"

namespace postern::resolve {
namespace {

using dns::EdeCode;
using dns::Rcode;
using dns::RRType;
using testing::ask;
using testing::CollectingSink;
using testing::rcode_of;
using testing::records_of;
using testing::request;

/// Unbound, validating, in front of the private internet; and its name servers themselves.
class RealUpstreamTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    internet_ = std::make_unique<test::PrivateInternet>();
    problem_ = internet_->start(test::PrivateInternet::WithResolver::yes);
  }
  static void TearDownTestSuite() { internet_.reset(); }
  void SetUp() override {
    if (problem_.starts_with("skipped:")) GTEST_SKIP() << problem_;
    ASSERT_EQ(problem_, "");
  }

  std::unique_ptr<Resolver> make(const std::string& url, bool trust_ad = true) {
    ForwarderOptions options;
    options.servers = {*net::dns_server_from_text(url)};
    options.servers[0].tls_ca_file = url.starts_with("tls") ? internet_->path("tls.crt") : "";
    options.trust_ad = trust_ad;
    options.try_timeout_ms = 3000;
    auto made = make_forwarder(options, log_);
    EXPECT_TRUE(made.has_value());
    return std::move(*made);
  }

  static std::unique_ptr<test::PrivateInternet> internet_;
  static std::string problem_;
  NullLog log_;
};
std::unique_ptr<test::PrivateInternet> RealUpstreamTest::internet_;
std::string RealUpstreamTest::problem_;

TEST_F(RealUpstreamTest, UnboundOverEachTransport) {
  const std::string address = internet_->address(20);
  for (const std::string& url :
       {"udp://" + address, "tcp://" + address, "tls://" + address + "#dns.test"}) {
    SCOPED_TRACE(url);
    const auto forwarder = make(url);
    const Reply secure = ask(*forwarder, request("www.signed.example"));
    EXPECT_EQ(records_of(secure), "A 192.0.2.1");
    EXPECT_EQ(secure.security, Security::secure);
    EXPECT_GE(testing::count_of(secure, RRType::rrsig), 1U);
    EXPECT_EQ(ask(*forwarder, request("www.insecure.example")).security, Security::insecure);
    EXPECT_EQ(rcode_of(ask(*forwarder, request("none.signed.example"))), Rcode::nxdomain);
    EXPECT_GT(ask(*forwarder, request("big.signed.example", RRType::txt)).message.size(), 3000U);
    const Reply bogus = ask(*forwarder, request("www.expired.example"));
    EXPECT_EQ(rcode_of(bogus), Rcode::servfail);
    EXPECT_TRUE(bogus.ede.has_value());
    Request careless = request("www.expired.example");
    careless.checking_disabled = true;
    EXPECT_EQ(records_of(ask(*forwarder, careless)), "A 192.0.2.30");
    forwarder->stop();
  }
}

TEST_F(RealUpstreamTest, KnotAsTheServerOfOneZone) {
  const auto forwarder = make("udp://" + internet_->address(3));
  EXPECT_EQ(records_of(ask(*forwarder, request("www.insecure.example"))), "A 192.0.2.21");
  EXPECT_EQ(rcode_of(ask(*forwarder, request("www.elsewhere.example"))),
            Rcode::servfail);  // It refuses.
  EXPECT_GT(ask(*forwarder, request("big.insecure.example", RRType::txt)).message.size(), 3000U);
  forwarder->stop();
}

TEST_F(RealUpstreamTest, TwoThousandAtOnceAllComeBack) {
  const std::string address = internet_->address(20);
  for (const std::string& url : {"udp://" + address, "tls://" + address + "#dns.test"}) {
    SCOPED_TRACE(url);
    const auto forwarder = make(url);
    CollectingSink sink;
    constexpr std::size_t kCount = 2000;
    // No more under way than the peer takes; more would measure its losses.
    for (std::size_t i = 0; i < kCount; ++i) {
      ASSERT_TRUE(sink.wait_for(i < 200 ? 0 : i - 200));
      Request one =
          request("n" + std::to_string(i) + ".many.insecure.example", RRType::a, seconds(15));
      one.ticket = i;
      ASSERT_TRUE(forwarder->resolve(one, sink));
    }
    ASSERT_TRUE(sink.wait_for(kCount));
    std::size_t good = 0;
    for (std::size_t i = 0; i < kCount; ++i) good += records_of(sink.reply(i)) == "A 192.0.2.22";
    EXPECT_EQ(good, kCount);
    EXPECT_EQ(sink.doubled(), 0U);
    forwarder->stop();
  }
}

TEST(Forwarder, AServerThatIsDownIsLeftOutUntilAProbeFindsItBack) {
  std::atomic<bool> is_well{false};
  testing::FakeUpstream first({.datagram =
                                   [&](OctetView query) {
                                     return is_well
                                                ? std::vector<Octets>{testing::answer_for(query, 1)}
                                                : std::vector<Octets>{};
                                   },
                               .stream = {},
                               .close_after_each = false,
                               .tls = nullptr});
  testing::FakeUpstream second(
      {.datagram =
           [](OctetView query) { return std::vector<Octets>{testing::answer_for(query, 2)}; },
       .stream = {},
       .close_after_each = false,
       .tls = nullptr});
  ForwarderOptions options;
  options.servers = {*net::dns_server_from_text(first.url("udp")),
                     *net::dns_server_from_text(second.url("udp"))};
  options.try_timeout_ms = 40;
  NullLog log;
  const auto forwarder = std::move(*make_forwarder(options, log));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(records_of(ask(*forwarder, request("a.example"))), "A 192.0.2.2");
  EXPECT_GE(first.datagrams(), 3U);
  const auto limit = testing::now() + seconds(10);
  unsigned datagrams = 0;  // Until the probe has failed too it is still asked.
  while (datagrams != first.datagrams() && testing::now() < limit) {
    datagrams = first.datagrams();
    for (int i = 0; i < 20; ++i)
      EXPECT_EQ(records_of(ask(*forwarder, request("b.example"))), "A 192.0.2.2");
  }
  EXPECT_EQ(first.datagrams(), datagrams);

  is_well = true;
  std::string got;
  while (got != "A 192.0.2.1" && testing::now() < limit)
    got = records_of(ask(*forwarder, request("c.example")));
  EXPECT_EQ(got, "A 192.0.2.1");
  forwarder->stop();
}

}  // namespace
}  // namespace postern::resolve
