// Transferred zones inside Feeds: what needs a primary that can be relied on to be away. Transfers
// from real primaries are in tests/e2e/transfer_test.py.
#include <string>

#include <gtest/gtest.h>

#include "feeds/feeds.h"
#include "feeds/testing.h"

namespace postern::feeds {
namespace {

using testing::eventually;
using testing::RecordingLog;
using testing::ScratchFolder;

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}
IpAddress address(std::string_view text) {
  return IpAddress::from_text(text).value();
}

struct TransferFeedTest : ::testing::Test {
  void start(TransferKey key = {}) {
    Source source;
    source.zone.name = "zone";
    source.format.format = intel::Format::rpz;
    source.transfer.emplace();
    source.transfer->zone = name("rpz.example");
    source.transfer->primaries = {"tcp://127.0.0.1:1", "tls://[::1]:1#ns.example"};
    if (!key.name.is_root()) source.transfer->tsig = std::move(key);
    Options options;
    options.sources = {source};
    options.groups = {{.name = "default", .clients = {}, .zones = {0}, .answer = {}}};
    options.cache_dir = folder.file("cache");
    feeds = Feeds::start(std::move(options), policy, log);
  }
  double failures() const {
    Metrics metrics;
    feeds->collect(metrics);
    for (const Metric& metric : metrics) {
      if (metric.name == "postern_feed_failures_total") return metric.value;
    }
    return -1;
  }

  ScratchFolder folder;
  RecordingLog log;
  Published<policy::Generation> policy{policy::Generation::empty()};
  std::unique_ptr<Feeds> feeds;
};

TEST_F(TransferFeedTest, ANotifyFromAPrimaryLeadsToATryAndOthersDoNot) {
  start();
  ASSERT_TRUE(eventually([&] { return failures() == 1; }));
  EXPECT_EQ(feeds->notify(name("other.example"), address("127.0.0.1"), 5).error().code,
            Errc::not_found);
  const auto stranger = feeds->notify(name("rpz.example"), address("192.0.2.7"), 5);
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error(), (Error{Errc::denied, "192.0.2.7 is no primary of rpz.example"}));
  // The next try by itself is half a minute away.
  EXPECT_TRUE(feeds->notify(name("rpz.example"), address("::1"), std::nullopt));
  EXPECT_TRUE(eventually([&] { return failures() == 2; }));
}

TEST_F(TransferFeedTest, TheErrorNamesEachPrimaryAndTheStatusWhereItComesFrom) {
  start();
  ASSERT_TRUE(eventually([&] { return failures() == 1; }));
  const intel::FeedStatus status = feeds->status().at(0);
  EXPECT_EQ(status.health, intel::Health::failed);
  EXPECT_EQ(status.source, "rpz.example from tcp://127.0.0.1:1, tls://[::1]:1");
  for (const std::string_view primary :
       {"tcp://127.0.0.1:1: connect: ", "tls://[::1]:1#ns.example: "}) {
    EXPECT_NE(status.last_error.find(primary), std::string::npos) << status.last_error;
  }
}

TEST_F(TransferFeedTest, ASecretThatDoesNotReadIsSaidWithoutIt) {
  folder.write("secret", "not hunter2\n");
  start({name("xfr.key"), dns::TsigAlgorithm::hmac_sha256, "", folder.file("secret")});
  ASSERT_TRUE(eventually([&] { return failures() == 1; }));
  const std::string error = feeds->status().at(0).last_error;
  EXPECT_NE(error.find("secret: the TSIG secret is not base64"), std::string::npos) << error;
  EXPECT_EQ((error + log.text()).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace postern::feeds
