// Updates that passed the gate: one group has them first, all others a while later.
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "feeds/fake_watch.h"
#include "feeds/feeds_fixture.h"

namespace postern::feeds {
namespace {

using testing::eventually;
using testing::list;
using testing::WebServer;

struct CanaryTest : testing::FeedsFixture {
  ~CanaryTest() override { feeds.reset(); }  // Its thread uses what is here.

  static constexpr std::uint16_t kAll = 0, kFirst = 1, kFirstAtNight = 2;

  Options options_of(seconds canary_for) {
    Options made = options({feed("feed"), feed("second"), text_source("pack", "pack.example\n")});
    made.groups = {
        {.name = "default", .clients = {}, .zones = {0, 1, 2}, .answer = {}},
        {.name = "staff", .clients = {}, .zones = {2, 0, 1}, .answer = {}},
        {.name = "staff", .clients = {}, .zones = {0, 1}, .answer = {}, .hours = "night"},
        {.name = "guests", .clients = {}, .zones = {2}, .answer = {}}};
    made.block_watch = &block_watch;
    made.watch_for = watch_for;
    made.traffic = [this] {
      return policy::Traffic{{"staff"}, [this](const auto& take) {
                               for (const policy::AskedName& each : asked) take(each);
                             }};
    };
    made.canary_group = canary_group;
    made.canary_for = canary_for;
    return made;
  }
  void start_again(seconds canary_for) {
    feeds.reset();
    policy.publish(policy::Generation::empty());
    feeds = Feeds::start(options_of(canary_for), policy, log);
    feeds->wait_until_local_sources_are_in_force();
  }
  // With 50 names of each feed in force.
  void start_with(seconds canary_for) {
    serve("feed", list(50));
    serve("second", list(50, "other"));
    start_again(canary_for);
    ASSERT_TRUE(eventually([&] { return status(0).rules == 50 && status(1).rules == 50; }));
  }
  Source feed(const std::string& name) { return url_source(name, server.url(name)); }
  void serve(const std::string& feed, std::string_view text) {
    server.files.replace(feed + ".txt", text);
    server.files.replace(feed, "file " + feed + ".txt");
  }
  void update(const std::string& feed, std::string_view text) {
    serve(feed, text);
    ASSERT_TRUE(feeds->update(feed, Acceptance::checked));
  }
  bool blocks_for(std::uint16_t group, std::string_view name) const {
    return policy.current()->decide(group, dns::Name::from_text(name).value()).blocks();
  }
  // The first group has it, and no other.
  bool is_tried(std::string_view name) {
    return eventually([&] { return blocks_for(kFirst, name); }) && !blocks_for(kAll, name) &&
           blocks_for(kFirstAtNight, name);
  }
  bool is_nowhere(std::string_view name) {
    return eventually([&] { return !blocks_for(kFirst, name); }) && !blocks_for(kAll, name);
  }
  // What is held is shown a little after it is so.
  bool is_held_as(std::string_view state, std::size_t at = 0) {
    return eventually([&] {
      const auto held = status(at).held;
      return (held ? held->state : "") == state;
    });
  }

  testing::FakeWatch block_watch;
  WebServer server;
  std::string canary_group = "staff";
  seconds watch_for{1800};
  std::vector<policy::AskedName> asked;  // By the staff.
};

constexpr seconds kLong{3600};

TEST_F(CanaryTest, AnUpdateIsInForceForOneGroupFirstAndForAllLater) {
  start_with(seconds(5));
  EXPECT_TRUE(blocks_for(kAll, "bad7.example")) << "what came first protects all at once";
  update("feed", list(49) + "new.example\n");
  ASSERT_TRUE(is_tried("new.example"));
  EXPECT_EQ(policy.current()->rule_count(), 101U) << "what is tried is not one more feed";
  EXPECT_FALSE(blocks_for(kFirst, "bad49.example"));
  EXPECT_TRUE(blocks_for(kAll, "bad49.example")) << "all others have what they had";
  EXPECT_TRUE(blocks_for(kFirst, "other7.example") && blocks_for(kFirst, "pack.example"));
  EXPECT_TRUE(is_held_as("canary"));
  const intel::FeedStatus tried = status();
  EXPECT_EQ(tried.health, intel::Health::good);
  ASSERT_TRUE(tried.held);
  EXPECT_EQ(tried.held->state, "canary");
  EXPECT_EQ(tried.held->reasons, std::vector<std::string>{"is in force for the group staff first"});
  // Whose zone it is, is said as ever.
  const auto verdict =
      policy.current()->decide(kFirst, dns::Name::from_text("new.example").value());
  EXPECT_EQ(policy.current()->zone(verdict.zone).name, "feed");
  EXPECT_TRUE(eventually([&] { return blocks_for(kAll, "new.example"); }));
  EXPECT_FALSE(blocks_for(kAll, "bad49.example"));
  EXPECT_TRUE(eventually([&] { return !status().held; }));
  EXPECT_EQ(policy.current()->zone_count(), 3U);
  EXPECT_EQ(policy.current()->rule_count(), 101U);
  // Its copy is the one on disk.
  start_again(kLong);
  EXPECT_TRUE(blocks_for(kAll, "new.example"));
  EXPECT_TRUE(is_held_as(""));
}

TEST_F(CanaryTest, AnotherUpdateTakesThePlaceOfTheOneThatIsTriedUntilItsEnd) {
  start_with(seconds(8));
  update("feed", list(50) + "one.example\n");
  ASSERT_TRUE(is_tried("one.example"));
  update("second", list(50, "other") + "two.example\n");
  ASSERT_TRUE(is_tried("two.example"));
  EXPECT_TRUE(is_tried("one.example"));
  update("feed", list(50) + "three.example\n");
  ASSERT_TRUE(is_tried("three.example"));
  EXPECT_FALSE(blocks_for(kFirst, "one.example"));
  EXPECT_TRUE(eventually([&] { return blocks_for(kAll, "three.example"); }));
  EXPECT_TRUE(eventually([&] { return blocks_for(kAll, "two.example"); }));
  EXPECT_FALSE(blocks_for(kAll, "one.example"));
}

TEST_F(CanaryTest, AGroupThatLeavesItsBandSavesAllOthersFromIt) {
  start_with(kLong);
  update("feed", list(50) + "mistake.example\n");
  ASSERT_TRUE(is_tried("mistake.example"));
  EXPECT_EQ(block_watch.zones.copy(), std::set<std::string>{"feed"});
  block_watch.has_left = true;
  EXPECT_TRUE(is_nowhere("mistake.example"));
  EXPECT_TRUE(is_held_as("rolled_back"));
  EXPECT_NE(status().last_error.find("40 % of 900 queries of the group staff"), std::string::npos);
  EXPECT_TRUE(blocks_for(kFirst, "bad49.example"));
  // It stays out, over a restart too, until a person knows better.
  start_again(kLong);
  const auto before = status().last_try;
  ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
  ASSERT_TRUE(eventually([&] { return status().last_try > before; }));
  EXPECT_TRUE(is_nowhere("mistake.example"));
  ASSERT_TRUE(feeds->order({.kind = GateOrder::Kind::activate, .feed = "feed"}));
  EXPECT_TRUE(blocks_for(kAll, "mistake.example"));
}

TEST_F(CanaryTest, WhatAnotherGroupHasBlockedIsNotItsFault) {
  start_with(kLong);
  block_watch.group = "other";
  update("feed", list(50) + "new.example\n");
  ASSERT_TRUE(is_tried("new.example"));
  block_watch.has_left = true;
  const int looks = block_watch.looks;
  ASSERT_TRUE(eventually([&] { return block_watch.looks > looks + 1; }));
  EXPECT_TRUE(is_tried("new.example"));
  EXPECT_TRUE(is_held_as("canary"));
  EXPECT_EQ(block_watch.taken_back, 0) << "what was counted so far stays counted";
}

TEST_F(CanaryTest, WhatComesMeanwhileIsJudgedAsWhatTheGroupWouldHave) {
  std::string used;
  for (int i = 0; i < 400; ++i) {
    const std::string text = "used" + std::to_string(i) + ".example";
    policy::AskedName made{dns::Name::from_text(text).value(), 1, 20, {}, true};
    for (std::uint64_t client = 1; client < 4; ++client) made.clients.add(client << 48);
    asked.push_back(made);
    if (i < 120) used += text + "\n";
  }
  start_with(kLong);
  update("feed", list(50) + "new.example\n");
  ASSERT_TRUE(is_tried("new.example"));
  update("feed", list(50) + used);
  EXPECT_TRUE(is_held_as("waiting"));
  EXPECT_NE(status().last_error.find("names used most here"), std::string::npos)
      << status().last_error;
  EXPECT_TRUE(is_nowhere("used7.example"));
}

TEST_F(CanaryTest, WhatAPersonAcceptsForAllTakesThePlaceOfWhatIsTried) {
  start_with(seconds(3));
  update("feed", list(50) + "one.example\n");
  ASSERT_TRUE(is_tried("one.example"));
  serve("feed", list(50) + "two.example\n");
  ASSERT_TRUE(feeds->update("feed", Acceptance::any_size));
  ASSERT_TRUE(eventually([&] { return blocks_for(kAll, "two.example"); }));
  EXPECT_TRUE(blocks_for(kFirst, "two.example"));
  EXPECT_FALSE(blocks_for(kFirst, "one.example"));
  EXPECT_TRUE(is_held_as(""));
  // The one that was tried does not come back at its end.
  update("second", list(50, "other") + "three.example\n");
  ASSERT_TRUE(eventually([&] { return blocks_for(kAll, "three.example"); }));
  EXPECT_TRUE(blocks_for(kAll, "two.example"));
  EXPECT_FALSE(blocks_for(kAll, "one.example"));
}

TEST_F(CanaryTest, WhatAllHaveCanStillBeTakenBack) {
  watch_for = seconds(1);  // It passes while the update is tried, and another one begins.
  start_with(seconds(4));
  update("feed", list(50) + "mistake.example\n");
  ASSERT_TRUE(is_tried("mistake.example"));
  ASSERT_TRUE(eventually([&] { return block_watch.passed > 0; }));
  watch_for = kLong;
  ASSERT_TRUE(eventually([&] { return blocks_for(kAll, "mistake.example"); }));
  block_watch.has_left = true;
  EXPECT_TRUE(is_nowhere("mistake.example"));
  EXPECT_TRUE(is_held_as("rolled_back"));
}

TEST_F(CanaryTest, AFileThatIsTriedIsReadAgainAtAReload) {
  folder.write("local.txt", list(50));
  const auto local = [&] {
    Options made = options_of(kLong);
    made.sources[2] = file_source("pack", "local.txt");
    made.sources[2].gate = intel::GateMode::automatic;
    return made;
  };
  feeds = Feeds::start(local(), policy, log);
  feeds->wait_until_local_sources_are_in_force();
  folder.replace("local.txt", list(50) + "new.example\n");
  ASSERT_TRUE(eventually([&] { return blocks_for(kFirst, "new.example"); }));
  EXPECT_FALSE(blocks_for(kAll, "new.example"));
  feeds->reconfigure(local());
  EXPECT_TRUE(eventually([&] { return blocks_for(kFirst, "new.example"); }));
  EXPECT_FALSE(blocks_for(kAll, "new.example"));
  EXPECT_TRUE(is_held_as("canary", 2));
}

TEST_F(CanaryTest, APersonMayEndIt) {
  start_with(kLong);
  update("feed", list(50) + "good.example\n");
  ASSERT_TRUE(is_tried("good.example"));
  ASSERT_TRUE(feeds->order({.kind = GateOrder::Kind::activate, .feed = "feed"}));
  EXPECT_TRUE(blocks_for(kAll, "good.example"));
  EXPECT_TRUE(is_held_as(""));
  update("feed", list(50) + "mistake.example\n");
  ASSERT_TRUE(is_tried("mistake.example"));
  ASSERT_TRUE(feeds->order({.kind = GateOrder::Kind::reject, .feed = "feed"}));
  EXPECT_TRUE(is_nowhere("mistake.example"));
  EXPECT_TRUE(blocks_for(kFirst, "good.example")) << "what all have";
  EXPECT_TRUE(is_held_as("rejected"));
}

TEST_F(CanaryTest, WhatIsHeldOrTakenBackAtItsSourceEndsIt) {
  start_with(kLong);
  update("feed", list(50) + "new.example\n");
  ASSERT_TRUE(is_tried("new.example"));
  update("feed", list(50) + "com\n");
  ASSERT_TRUE(is_held_as("waiting"));
  EXPECT_TRUE(is_nowhere("new.example") && is_nowhere("com"));
  update("second", list(50, "other") + "new.example\n");
  ASSERT_TRUE(is_tried("new.example"));
  update("second", list(50, "other"));
  EXPECT_TRUE(is_nowhere("new.example"));
  EXPECT_TRUE(is_held_as("", 1));
}

TEST_F(CanaryTest, AfterARestartOrAReloadItIsJudgedAnew) {
  start_with(kLong);
  update("feed", list(50) + "new.example\n");
  ASSERT_TRUE(is_tried("new.example"));
  start_again(kLong);
  EXPECT_FALSE(blocks_for(kAll, "new.example"));
  ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
  ASSERT_TRUE(is_tried("new.example"));
  feeds->reconfigure(options_of(kLong));
  EXPECT_TRUE(is_tried("new.example")) << "asked for at once";
  // Without a group that has it first, all have it.
  canary_group = "";
  feeds->reconfigure(options_of(kLong));
  EXPECT_TRUE(eventually([&] { return blocks_for(kAll, "new.example"); }));
  EXPECT_TRUE(is_held_as(""));
}

TEST_F(CanaryTest, AGroupThatHasNotTheFeedKeepsNobodyWaiting) {
  canary_group = "guests";
  start_with(kLong);
  update("feed", list(50) + "new.example\n");
  EXPECT_TRUE(eventually([&] { return blocks_for(kAll, "new.example"); }));
}

}  // namespace
}  // namespace postern::feeds
