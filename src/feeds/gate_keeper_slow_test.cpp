// What the gate keeps out and takes back, step by step: the feeds' thread, its clocks and the
// servers are the test's.
#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "feeds/builder.h"
#include "feeds/digest.h"
#include "feeds/fake_watch.h"
#include "feeds/feeds_fixture.h"
#include "feeds/keeper.h"

namespace postern::feeds {
namespace {

using testing::list;

struct GateKeeperTest : testing::FeedsFixture {
  using Kind = GateOrder::Kind;

  Source remote(const std::string& name) {
    return url_source(name, "https://lists.example/" + name);
  }
  Source local(const std::string& name, std::optional<intel::GateMode> gate) {
    Source made = file_source(name, name + ".txt");
    made.gate = gate;
    return made;
  }
  Options options_for(std::vector<Source> sources) {
    Options made = options(std::move(sources));
    made.gate = rules;
    made.block_watch = &block_watch;
    made.watch_for = seconds(1000);
    made.traffic = [this] {
      return policy::Traffic{{"default"}, [this](const auto& take) {
                               for (const policy::AskedName& each : asked) take(each);
                             }};
    };
    if (!groups.empty()) made.groups = groups;
    return made;
  }
  // As at a start of the program.
  void begin(std::vector<Source> sources) {
    keeper.reset();
    policy.publish(policy::Generation::empty());
    keeper.emplace(options_for(std::move(sources)), policy, Hands{turns, builder}, log);
    keeper->restore_image(now);
    keeper->load_all(now);
    poll();
  }
  // All feeds from afar ask their servers, which give what `served` has.
  void poll() {
    wait(seconds(1));
    keeper->want("", Acceptance::checked, now);
    for (Job& job : keeper->take_due(now)) {
      const std::string& text = served[job.feed];
      Obtained obtained;
      obtained.validators.etag = sha256_hex(text);
      obtained.not_modified = job.validators.etag == obtained.validators.etag;
      if (!obtained.not_modified) {
        ++sent;
        obtained.text = testing::in_memory(text);
        obtained.content = builder.read(text, job.format, Origin::remote).value();
      }
      keeper->take({job.feed, job.ticket, std::move(obtained)}, now);
    }
    keeper->publish(now);
  }
  void update(const std::string& feed, std::string_view text) {
    served[feed] = text;
    poll();
  }
  void edit(const std::string& feed, std::string_view text) {
    wait(seconds(1));
    folder.replace(feed + ".txt", text);
    keeper->file_changed(folder.file(feed + ".txt"), now);
    keeper->publish(now);
  }
  void wait(seconds time) {
    now.mono += time;
    now.wall += time;
  }
  void look() {
    wait(kWatchCheck);
    keeper->look_at_watch(now);
  }
  Result<std::string> order(Kind kind, std::uint64_t generation = 0) {
    return keeper->order({kind, "feed", generation}, now);
  }
  const intel::FeedStatus& status(std::size_t at = 0) const { return keeper->feeds()[at].status; }
  std::string held(std::size_t at = 0) const {
    return status(at).held ? status(at).held->state : "";
  }
  // Names "usedN.example" that exist, each asked for by a client.
  std::string use(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      const std::string name = "used" + std::to_string(i) + ".example";
      asked.push_back({dns::Name::from_text(name).value(), 1, 20, {}, true});
      text += name + "\n";
    }
    return text;
  }

  Now now{MonoTime(seconds(1000)), WallTime(seconds(1'800'000'000))};
  intel::GateRules rules;
  std::vector<policy::AskedName> asked;
  std::vector<policy::Group> groups;  // Empty: one that has all feeds in force.
  std::map<std::string, std::string> served;
  int sent = 0;  // Whole copies, so far.
  testing::FakeWatch block_watch;
  UnpackTurns turns;
  Builder builder{BuildCommand{}};
  std::optional<Keeper> keeper;
};

TEST_F(GateKeeperTest, AWatchEndsHoweverManyUpdatesComeMeanwhile) {
  served["feed"] = list(50);
  begin({remote("feed")});
  EXPECT_EQ(block_watch.from, 0U);
  int count = 50;
  for (int minute = 0; minute < 200; ++minute) {
    wait(seconds(60));
    if (minute % 5 == 0) update("feed", list(++count));
    look();
    EXPECT_NE(block_watch.from, 0U);
  }
  EXPECT_GE(block_watch.passed, 10) << "of 1000 s each";
  wait(seconds(1000));
  look();
  EXPECT_NE(block_watch.from, 0U) << "the last update has its whole time";
  wait(seconds(1000));
  look();
  EXPECT_EQ(block_watch.from, 0U);
  EXPECT_FALSE(status().held);
  EXPECT_EQ(keeper->kept_generations().size(), ImageStore::kKept);
}

TEST_F(GateKeeperTest, WhatCameFirstIsNotTakenBackOnceItsWatchHasPassed) {
  served["feed"] = list(50);
  served["other"] = list(50, "other");
  begin({remote("feed"), remote("other")});
  update("feed", list(51));
  const std::uint64_t first = generation();
  EXPECT_EQ(block_watch.from, first);
  EXPECT_EQ(block_watch.zones.copy(), std::set<std::string>{"feed"});
  wait(seconds(600));
  update("other", list(51, "other"));
  EXPECT_EQ(block_watch.from, first) << "it joins the watch that is on";
  EXPECT_EQ(block_watch.zones.copy(), (std::set<std::string>{"feed", "other"}));
  wait(seconds(400));
  look();
  EXPECT_EQ(block_watch.passed, 1);
  EXPECT_EQ(block_watch.from, generation()) << "and then has one of its own";
  EXPECT_EQ(block_watch.zones.copy(), std::set<std::string>{"other"});
  wait(seconds(600));
  block_watch.has_left = true;
  look();
  EXPECT_EQ(block_watch.taken_back, 1);
  EXPECT_TRUE(blocks("bad50.example"));
  EXPECT_FALSE(blocks("other50.example"));
  EXPECT_TRUE(blocks("other49.example"));
  EXPECT_EQ(held(0), "");
  EXPECT_EQ(held(1), "rolled_back");
}

TEST_F(GateKeeperTest, AllThatCameDuringAWatchIsTakenBackWithItHoweverMuchThatWas) {
  served["feed"] = list(50);
  served["other"] = list(50, "other");
  begin({remote("feed"), remote("other")});
  update("feed", list(51));
  for (int i = 1; i < 20; ++i) update("other", list(50 + i, "other"));
  EXPECT_TRUE(blocks("other68.example"));
  block_watch.has_left = true;
  look();
  EXPECT_FALSE(blocks("bad50.example"));
  EXPECT_FALSE(blocks("other50.example"));
  EXPECT_TRUE(blocks("bad49.example"));
  EXPECT_TRUE(blocks("other49.example"));
  EXPECT_EQ(held(0), "rolled_back");
  EXPECT_EQ(held(1), "rolled_back");
  poll();
  EXPECT_FALSE(blocks("bad50.example")) << "it stays out";
  EXPECT_EQ(block_watch.from, 0U);
}

TEST_F(GateKeeperTest, OnlyUpdatesThatTheGateGuardsAreWatched) {
  folder.write("own.txt", list(50, "own"));
  folder.write("judged.txt", list(50, "judged"));
  served["off"] = list(50, "off");
  served["observed"] = list(50, "observed");
  Source off = remote("off");
  off.gate = intel::GateMode::off;
  Source observed = remote("observed");
  observed.gate = intel::GateMode::observe;
  const std::vector<Source> sources = {local("own", std::nullopt), off, observed,
                                       local("judged", intel::GateMode::automatic)};
  begin(sources);
  edit("own", list(51, "own"));
  EXPECT_TRUE(blocks("own50.example"));
  update("off", list(51, "off"));
  EXPECT_TRUE(blocks("off50.example"));
  update("observed", list(51, "observed"));
  EXPECT_TRUE(blocks("observed50.example"));
  EXPECT_EQ(block_watch.from, 0U);
  edit("judged", list(51, "judged"));
  EXPECT_EQ(block_watch.from, generation());
  edit("own", list(52, "own"));
  block_watch.has_left = true;
  look();
  EXPECT_FALSE(blocks("judged50.example"));
  EXPECT_TRUE(blocks("own51.example")) << "that is not the watch's to take back";
  EXPECT_TRUE(blocks("off50.example"));
  // What a person configures is not watched either.
  folder.write("another.txt", list(60, "judged"));
  std::vector<Source> changed = sources;
  changed[3].path = folder.file("another.txt");
  ASSERT_TRUE(keeper->reconfigure(options_for(changed), now));
  EXPECT_TRUE(blocks("judged59.example"));
  EXPECT_EQ(block_watch.from, 0U);
}

TEST_F(GateKeeperTest, WhatAPersonDoesEndsTheWatchAndTheNextUpdateHasOneAgain) {
  served["feed"] = list(50);
  begin({remote("feed")});
  int count = 50;
  const auto deeds = std::to_array<std::pair<std::string, std::function<void()>>>(
      {{"a reload", [&] { ASSERT_TRUE(keeper->reconfigure(options_for({remote("feed")}), now)); }},
       {"a rollback", [&] { ASSERT_TRUE(order(Kind::roll_back_feed)); }},
       {"an activation",
        [&] {
          update("feed", list(count) + "com\n");
          ASSERT_EQ(held(), "waiting");
          ASSERT_TRUE(order(Kind::activate));
        }},
       {"a rollback of all",
        [&] { ASSERT_TRUE(order(Kind::roll_back_all, keeper->kept_generations().at(1))); }}});
  for (const auto& [what, deed] : deeds) {
    SCOPED_TRACE(what);
    update("feed", list(++count));
    ASSERT_TRUE(blocks("bad" + std::to_string(count - 1) + ".example"));
    EXPECT_EQ(block_watch.from, generation());
    const int forgotten = block_watch.forgotten;
    deed();
    EXPECT_EQ(block_watch.from, 0U);
    EXPECT_GT(block_watch.forgotten, forgotten);
    const std::uint64_t before = generation();
    block_watch.from = before;  // As if it still were.
    block_watch.has_left = true;
    look();
    EXPECT_EQ(generation(), before) << "nothing is taken back";
    block_watch.from = 0;
    block_watch.has_left = false;
  }
}

TEST_F(GateKeeperTest, WhatAnUpdateDoesThroughAVoteIsJudgedAndWatched) {
  enum : std::uint16_t { first, second, popular, agreed };
  const std::string used = use(100);
  Source counted = source("agreed");
  counted.zone.votes = policy::Votes{.zones = {first, second}, .doubts = {popular}};
  groups = {{.name = "default", .zones = {agreed}}};
  served["first"] = list(50);
  served["second"] = list(50) + used + "doubted0.example\n";
  served["popular"] = "doubted0.example\nelsewhere.example\n";
  begin({remote("first"), remote("second"), remote("popular"), counted});
  EXPECT_TRUE(blocks("bad49.example"));
  EXPECT_FALSE(blocks("used0.example"));
  update("first", list(50) + used);
  EXPECT_FALSE(blocks("used0.example"));
  ASSERT_EQ(held(first), "waiting") << "the second vote on what people use";
  EXPECT_NE(status(first).held->reasons.at(0).find("blocks 100 of the 1000 names used most here"),
            std::string::npos);
  update("first", list(50) + "doubted0.example\nnew.example\n");
  EXPECT_EQ(held(first), "");
  EXPECT_EQ(block_watch.zones.copy(), (std::set<std::string>{"agreed", "first"}));
  // A list of doubts that loses what kept used names from being blocked.
  update("popular", used + "doubted0.example\nelsewhere.example\n");
  update("first", list(50) + used);
  EXPECT_EQ(held(first), "");
  EXPECT_FALSE(blocks("used0.example"));
  update("popular", "doubted0.example\nelsewhere.example\n");
  EXPECT_FALSE(blocks("used0.example"));
  EXPECT_EQ(held(popular), "waiting");
}

TEST_F(GateKeeperTest, OfTwoRollbacksBothStayOut) {
  served["feed"] = list(50);
  begin({remote("feed")});
  update("feed", list(51));
  update("feed", list(52));
  ASSERT_TRUE(order(Kind::roll_back_feed));
  EXPECT_FALSE(blocks("bad51.example"));
  EXPECT_TRUE(blocks("bad50.example"));
  ASSERT_TRUE(order(Kind::roll_back_feed));
  const auto is_first = [&] { return blocks("bad49.example") && !blocks("bad50.example"); };
  EXPECT_TRUE(is_first());
  EXPECT_FALSE(order(Kind::roll_back_feed)) << "there is none before";
  poll();
  EXPECT_TRUE(is_first()) << "the one that its server still has";
  const int before = sent;
  poll();
  EXPECT_EQ(sent, before) << "it is not sent again and again";
  update("feed", list(51));
  EXPECT_TRUE(is_first()) << "the other one";
  begin({remote("feed")});
  EXPECT_TRUE(is_first()) << "after a start";
  update("feed", list(52));
  EXPECT_TRUE(is_first());
  // Who wants the last one that was taken back does not want the one before, too.
  ASSERT_TRUE(order(Kind::activate));
  EXPECT_TRUE(blocks("bad50.example"));
  EXPECT_EQ(held(), "rejected");
  poll();
  EXPECT_FALSE(blocks("bad51.example"));
  begin({remote("feed")});
  poll();
  EXPECT_TRUE(blocks("bad50.example"));
  EXPECT_FALSE(blocks("bad51.example"));
  update("feed", list(53));
  EXPECT_TRUE(blocks("bad52.example"));
  EXPECT_EQ(held(), "");
}

TEST_F(GateKeeperTest, WhatWasRejectedStaysOutThoughAMirrorHasTheTextBefore) {
  for (const bool is_rolled_back : {false, true}) {
    SCOPED_TRACE(is_rolled_back);
    served["feed"] = list(50);
    std::filesystem::remove_all(folder.file("cache"));
    begin({remote("feed")});
    const std::string unwanted = list(50) + (is_rolled_back ? "mistake.example\n" : "com\n");
    update("feed", unwanted);
    ASSERT_TRUE(order(is_rolled_back ? Kind::roll_back_feed : Kind::reject));
    const std::string state = held();
    EXPECT_EQ(state, is_rolled_back ? "rolled_back" : "rejected");
    rules.max_top_names = 0;  // Whatever the gate says by now.
    update("feed", list(50));
    EXPECT_EQ(held(), state);
    const int before = sent;
    poll();
    EXPECT_EQ(sent, before);
    update("feed", unwanted);
    EXPECT_EQ(held(), state);
    EXPECT_FALSE(blocks(is_rolled_back ? "mistake.example" : "com"));
    poll();
    EXPECT_EQ(sent, before + 1);
    // What another one held meanwhile does not change that.
    update("feed", list(50) + "net\n");
    EXPECT_EQ(held(), "waiting");
    update("feed", unwanted);
    EXPECT_EQ(held(), "waiting") << "that other one is";
    EXPECT_EQ(status().held->rules, 51U);
    EXPECT_FALSE(blocks(is_rolled_back ? "mistake.example" : "com"));
  }
}

TEST_F(GateKeeperTest, AHeldUpdateIsJudgedAnewAfterAStart) {
  rules.own_domains = {dns::Name::from_text("ours.example").value()};
  served["feed"] = list(50);
  begin({remote("feed")});
  update("feed", list(50) + "ours.example\n");
  ASSERT_EQ(held(), "waiting");
  begin({remote("feed")});
  EXPECT_EQ(held(), "waiting");
  const int before = sent;
  poll();
  EXPECT_EQ(sent, before) << "once";
  rules.own_domains.clear();
  begin({remote("feed")});
  EXPECT_EQ(held(), "");
  EXPECT_TRUE(blocks("ours.example"));
  // One that its server has taken back meanwhile.
  update("feed", list(50) + "com\n");
  ASSERT_EQ(held(), "waiting");
  served["feed"] = list(50) + "ours.example\n";
  begin({remote("feed")});
  EXPECT_EQ(held(), "");
  EXPECT_EQ(status().health, intel::Health::good);
}

}  // namespace
}  // namespace postern::feeds
