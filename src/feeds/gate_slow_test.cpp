// The gate: what comes from afar is in force only if nothing speaks against it, or a person says
// so.
#include <algorithm>
#include <atomic>
#include <chrono>
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

struct GateTest : testing::FeedsFixture {
  GateTest() {
    rules.own_domains = {dns::Name::from_text("ours.example").value()};
    options_of = [this](std::vector<Source> sources) {
      Options made = options(std::move(sources));
      made.gate = rules;
      made.block_watch = &block_watch;
      made.traffic = [this] {
        return policy::Traffic{{"default"}, [this](const auto& take) {
                                 for (const policy::AskedName& each : asked) take(each);
                               }};
      };
      return made;
    };
  }
  ~GateTest() override { feeds.reset(); }  // Its thread uses what is here.

  void serve(std::string_view text, std::string_view feed = "feed") {
    server.files.replace(std::string(feed) + ".txt", text);
    server.files.replace(feed, "file " + std::string(feed) + ".txt");
  }
  void start_gated(std::vector<Source> sources) {
    feeds = Feeds::start(options_of(std::move(sources)), policy, log);
    feeds->wait_until_local_sources_are_in_force();
  }
  void restart_gated(std::vector<Source> sources) {
    feeds.reset();
    policy.publish(policy::Generation::empty());
    start_gated(std::move(sources));
  }
  Source feed(std::string name = "feed") { return url_source(name, server.url(name)); }
  // With a good list of so many names in force.
  void start_with(int count) {
    serve(list(count));
    start_gated({feed()});
    ASSERT_TRUE(eventually([&] { return status().rules == static_cast<std::uint64_t>(count); }))
        << status().last_error;
  }
  void update(std::string_view text) {
    serve(text);
    ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
  }
  // The feed's server is asked once more, and what came of that is so.
  void ask_again() {
    const auto before = status().last_try;
    ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
    ASSERT_TRUE(eventually([&] { return status().last_try > before; }));
  }
  bool is_held(std::string_view why = "") {
    return eventually([&] {
      const auto held = status().held;
      if (!held || held->state != "waiting") return false;
      return std::ranges::any_of(held->reasons, [&](const std::string& each) {
        return each.find(why) != std::string::npos;
      });
    });
  }
  bool nothing_is_held() {
    return eventually([&] { return !status().held; });
  }
  Result<std::string> order(GateOrder::Kind kind, std::uint64_t generation = 0) {
    return feeds->order({kind, "feed", generation});
  }
  // `count` names "usedN.example" that exist, the first ones asked by the most clients.
  void ask(int count) {
    for (int i = 0; i < count; ++i) {
      policy::AskedName made{
          dns::Name::from_text("used" + std::to_string(i) + ".example").value(), 1, 20, {}, true};
      for (int c = 0; c <= i % 4; ++c) made.clients.add(static_cast<std::uint64_t>(c + 1) << 48);
      asked.push_back(made);
    }
  }

  using Kind = GateOrder::Kind;
  testing::FakeWatch block_watch;
  WebServer server;
  intel::GateRules rules;
  std::vector<policy::AskedName> asked;
  std::function<Options(std::vector<Source>)> options_of;
};

TEST_F(GateTest, APoisonedUpdateComesIntoForceForNobodyAndSaysWhy) {
  std::string top;
  for (int i = 0; i < 300; ++i) top += "used" + std::to_string(i) + ".example\n";
  struct Case {
    std::string what, text, reason, blocked;
  };
  const std::string good = list(1200);
  const Case cases[] = {
      {"a top level", good + "com\n", "public suffixes: com, line 1201", "com"},
      {"our own domain", good + "ours.example\n", "own domain ours.example by ours.example, line",
       "ours.example"},
      {"a third of the most used", good + top, "blocks 300 of the 1000 names used most here",
       "used7.example"},
      {"half a file", list(600), "600 rules where there were 1200", ""},
      {"ten times the rules", list(12'000), "10 times as many", "bad11999.example"},
  };
  ask(1000);
  start_with(1200);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const std::uint64_t before = generation();
    update(c.what == "half a file" ? list(600) : c.text);
    ASSERT_TRUE(is_held(c.reason)) << status().last_error;
    EXPECT_EQ(generation(), before);
    EXPECT_TRUE(blocks("bad1199.example"));
    if (!c.blocked.empty()) {
      EXPECT_FALSE(blocks(c.blocked));
    }
    EXPECT_EQ(status().health, intel::Health::stale);
    EXPECT_EQ(metric("postern_feed_held", "feed"), 1);
    EXPECT_NE(log.text().find("feed: the gate holds an update that "), std::string::npos);
    const auto report = feeds->gate_report("feed");
    ASSERT_TRUE(report);
    EXPECT_NE(report->find("\"outcome\":\"held\""), std::string::npos);
    EXPECT_NE(report->find(c.reason), std::string::npos) << *report;
  }
  update(good + "new.example\n");
  EXPECT_TRUE(eventually([&] { return blocks("new.example"); })) << "a good one passes by itself";
  EXPECT_TRUE(nothing_is_held());
  EXPECT_EQ(metric("postern_feed_held", "feed"), 0);
  EXPECT_TRUE(status().last_error.empty());
}

TEST_F(GateTest, AHeldFeedKeepsNoOtherBack) {
  serve(list(50));
  serve(list(50, "other"), "second");
  start_gated({feed(), feed("second")});
  ASSERT_TRUE(eventually([&] { return status(0).rules == 50 && status(1).rules == 50; }));
  serve(list(50) + "com\n");
  serve(list(51, "other"), "second");
  ASSERT_TRUE(feeds->update("", Acceptance::checked));
  EXPECT_TRUE(eventually([&] { return blocks("other50.example"); }));
  EXPECT_TRUE(is_held("com"));
  EXPECT_TRUE(blocks("bad49.example"));
}

TEST_F(GateTest, TheFirstLoadIsJudgedToo) {
  serve("bad.example\ncom\n");
  start_gated({feed()});
  EXPECT_TRUE(is_held("com"));
  EXPECT_EQ(status().health, intel::Health::failed);
  EXPECT_NE(log.text().find("this feed protects nobody yet"), std::string::npos);
  ASSERT_TRUE(order(Kind::activate));
  EXPECT_TRUE(blocks("bad.example"));
}

TEST_F(GateTest, WhatIsHeldSurvivesARestartAndIsInForceOnceActivated) {
  start_with(50);
  update(list(50) + "com\n");
  ASSERT_TRUE(is_held("com"));
  restart_gated({feed()});
  EXPECT_TRUE(blocks("bad49.example"));
  EXPECT_TRUE(is_held("com"));
  EXPECT_NE(feeds->gate_report("feed").value().find("public_suffix"), std::string::npos);
  const auto done = order(Kind::activate);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_TRUE(blocks("com"));
  EXPECT_FALSE(status().held);
  EXPECT_EQ(status().health, intel::Health::good);
  restart_gated({feed()});
  EXPECT_TRUE(blocks("com")) << "for good";
  EXPECT_FALSE(status().held);
  EXPECT_EQ(order(Kind::activate).error().code, Errc::not_found);
}

TEST_F(GateTest, TheSameUpdateIsNotJudgedAgainAndAnOldOneThatComesBackDropsIt) {
  start_with(50);
  update(list(50) + "com\n");
  ASSERT_TRUE(is_held("com"));
  const auto since = status().held->since;
  // The server is told what is held, so that it need not send it again; once it does all the same.
  for (const std::string_view again : {"304\n", "200\n"}) {
    SCOPED_TRACE(again);
    if (again == "200\n") server.files.replace("feed", "encoded feed.txt");
    const std::size_t from = server.requests().size();
    ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
    ASSERT_TRUE(eventually([&] {
      return server.requests().find(again, from) != std::string::npos &&
             status().next_try > status().last_try;
    }));
    EXPECT_TRUE(is_held("com"));
    EXPECT_EQ(status().held->since, since);
  }
  update(list(50));
  EXPECT_TRUE(eventually([&] { return !status().held; }));
  EXPECT_EQ(status().health, intel::Health::good);
  EXPECT_FALSE(std::filesystem::exists(folder.file("cache/held/feed.held")));
}

TEST_F(GateTest, ARejectedUpdateStaysOutAnotherOneIsJudged) {
  start_with(50);
  update(list(50) + "com\n");
  ASSERT_TRUE(is_held("com"));
  ASSERT_TRUE(order(Kind::reject));
  EXPECT_EQ(status().held->state, "rejected");
  EXPECT_EQ(status().health, intel::Health::good) << "it is as a person wants it";
  EXPECT_FALSE(order(Kind::activate));
  server.files.replace("feed", "encoded feed.txt");  // It sends the same again.
  ask_again();
  EXPECT_FALSE(blocks("com"));
  EXPECT_EQ(status().held->state, "rejected");
  restart_gated({feed()});
  EXPECT_EQ(status().held->state, "rejected");
  ask_again();
  EXPECT_FALSE(blocks("com"));
  EXPECT_EQ(status().held->state, "rejected");
  update(list(51));
  EXPECT_TRUE(eventually([&] { return blocks("bad50.example"); }));
  EXPECT_TRUE(nothing_is_held());
}

TEST_F(GateTest, AcceptLetsTheSizeBeAndNothingElse) {
  start_with(2000);
  update(list(100) + "com\n");
  ASSERT_TRUE(is_held("101 rules where there were 2000"));
  ASSERT_TRUE(feeds->update("feed", Acceptance::any_size));
  ASSERT_TRUE(eventually([&] { return status().held && status().held->reasons.size() == 1; }));
  EXPECT_TRUE(is_held("com"));
  serve(list(100));
  ASSERT_TRUE(feeds->update("feed", Acceptance::any_size));
  EXPECT_TRUE(eventually([&] { return status().rules == 100; })) << status().last_error;
}

TEST_F(GateTest, EachFeedsModeIsAsConfigured) {
  for (const auto mode : {intel::GateMode::observe, intel::GateMode::off, intel::GateMode::hold}) {
    SCOPED_TRACE(to_string(mode));
    feeds.reset();
    folder.write("cache/x", "");
    std::filesystem::remove_all(folder.file("cache"));
    policy.publish(policy::Generation::empty());
    Source source = feed();
    source.gate = mode;
    serve("bad.example\ncom\n");
    start_gated({source});
    if (mode != intel::GateMode::hold) {
      EXPECT_TRUE(eventually([&] { return blocks("com"); }));
      const bool is_judged = mode == intel::GateMode::observe;
      EXPECT_TRUE(eventually([&] { return feeds->gate_report("feed").has_value() == is_judged; }));
      continue;
    }
    EXPECT_TRUE(is_held("gate: hold"));
    serve("bad.example\n");
    ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
    EXPECT_TRUE(eventually([&] { return status().held && status().held->rules == 1; }));
    EXPECT_TRUE(is_held("gate: hold"));
    ASSERT_TRUE(order(Kind::activate));
    EXPECT_TRUE(blocks("bad.example"));
  }
}

TEST_F(GateTest, OfALocalFileOnlyTheSizeIsLookedAtUnlessAskedFor) {
  folder.write("own.txt", list(1500));
  folder.write("judged.txt", list(5));
  Source judged = file_source("judged", "judged.txt");
  judged.gate = intel::GateMode::automatic;
  start_gated({file_source("own", "own.txt"), judged});
  folder.replace("own.txt", list(500) + "com\n");
  EXPECT_TRUE(eventually([&] { return blocks("com"); }));
  folder.replace("own.txt", "one.example\n");
  folder.replace("judged.txt", "net\n");
  EXPECT_TRUE(eventually([&] { return status(1).held.has_value(); }));
  EXPECT_TRUE(eventually([&] { return status(0).rules == 1; })) << "as its owner likes";
}

TEST_F(GateTest, ARollbackIsQuickStaysAndCanBeTakenBack) {
  start_with(50);
  const std::uint64_t first = generation();
  update(list(50) + "mistake.example\n");
  ASSERT_TRUE(eventually([&] { return blocks("mistake.example"); }));
  const auto began = std::chrono::steady_clock::now();
  const auto done = order(Kind::roll_back_feed);
  const auto took = std::chrono::steady_clock::now() - began;
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_LT(took, seconds(1));
  EXPECT_FALSE(blocks("mistake.example"));
  EXPECT_TRUE(blocks("bad49.example"));
  EXPECT_EQ(status().held->state, "rolled_back");
  // The feed still has it, and it stays out; over a restart too.
  ask_again();
  EXPECT_FALSE(blocks("mistake.example"));
  restart_gated({feed()});
  ask_again();
  EXPECT_FALSE(blocks("mistake.example"));
  EXPECT_TRUE(blocks("bad49.example"));
  EXPECT_EQ(status().held->state, "rolled_back");
  // By its number, the same.
  ASSERT_TRUE(order(Kind::activate));
  EXPECT_TRUE(blocks("mistake.example"));
  const auto back = order(Kind::roll_back_all, first);
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_FALSE(blocks("mistake.example"));
  EXPECT_EQ(order(Kind::roll_back_all, 9999).error().code, Errc::not_found);
  EXPECT_EQ(order(Kind::roll_back_all, first).error().code, Errc::invalid_input);
  EXPECT_EQ(feeds->kept_generations().front(), generation());
  // A better one passes.
  update(list(52));
  EXPECT_TRUE(eventually([&] { return blocks("bad51.example"); }));
  EXPECT_TRUE(nothing_is_held());
}

TEST_F(GateTest, ARollbackOfOneFeedLeavesTheOthersAsTheyAre) {
  serve(list(50));
  serve(list(50, "other"), "second");
  start_gated({feed(), feed("second")});
  ASSERT_TRUE(eventually([&] { return status(0).rules == 50 && status(1).rules == 50; }));
  update(list(50) + "mistake.example\n");
  ASSERT_TRUE(eventually([&] { return blocks("mistake.example"); }));
  serve(list(51, "other"), "second");
  ASSERT_TRUE(feeds->update("second", Acceptance::checked));
  ASSERT_TRUE(eventually([&] { return blocks("other50.example"); }));
  ASSERT_TRUE(order(Kind::roll_back_feed));
  EXPECT_FALSE(blocks("mistake.example"));
  EXPECT_TRUE(blocks("other50.example"));
  restart_gated({feed(), feed("second")});
  EXPECT_FALSE(blocks("mistake.example"));
  EXPECT_TRUE(blocks("other50.example"));
}

TEST_F(GateTest, AnUpdateAfterWhichAGroupLeavesItsBandIsTakenBackAndHeld) {
  start_with(50);
  EXPECT_EQ(block_watch.from, 0U) << "a first load changes what is usual";
  update(list(50) + "mistake.example\n");
  ASSERT_TRUE(eventually([&] { return blocks("mistake.example"); }));
  EXPECT_EQ(block_watch.from, generation());
  block_watch.has_left = true;
  EXPECT_TRUE(eventually([&] { return !blocks("mistake.example"); }));
  EXPECT_TRUE(blocks("bad49.example"));
  EXPECT_TRUE(eventually([&] { return status().held.has_value(); }));
  EXPECT_EQ(status().held->state, "rolled_back");
  EXPECT_NE(status().last_error.find("40 % of 900 queries of the group staff"), std::string::npos)
      << status().last_error;
  EXPECT_EQ(status().health, intel::Health::stale) << "nobody wanted it so";
  EXPECT_NE(log.text().find("error: feed: taken back is an update that had 40 %"),
            std::string::npos);
  EXPECT_EQ(block_watch.from, 0U);
  ask_again();
  EXPECT_FALSE(blocks("mistake.example")) << "it stays out";
  restart_gated({feed()});
  ask_again();
  EXPECT_FALSE(blocks("mistake.example")) << "it stays out";
  // A person knows better.
  const int forgotten = block_watch.forgotten;
  ASSERT_TRUE(order(Kind::activate));
  EXPECT_TRUE(blocks("mistake.example"));
  EXPECT_EQ(block_watch.from, 0U);
  EXPECT_EQ(block_watch.forgotten, forgotten + 1);
}

TEST_F(GateTest, TheHeldUpdateAndThePastCanBeAskedAbout) {
  start_with(50);
  const auto blocked_by = [](const Result<std::shared_ptr<const policy::Generation>>& found,
                             std::string_view name) {
    return found && (*found)->decide(0, dns::Name::from_text(name).value()).blocks();
  };
  EXPECT_EQ(feeds->candidate("feed").error().code, Errc::not_found);
  update(list(50) + "com\n");
  ASSERT_TRUE(is_held("com"));
  const std::uint64_t before = generation();
  EXPECT_TRUE(blocked_by(feeds->candidate("feed"), "com"));
  EXPECT_TRUE(blocked_by(feeds->candidate("feed"), "bad49.example"));
  EXPECT_EQ(generation(), before);
  EXPECT_FALSE(blocks("com"));
  const auto then = std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
  // Files are not stamped more finely than this.
  ASSERT_TRUE(
      eventually([&] { return std::chrono::system_clock::now() > then + milliseconds(20); }));
  update(list(52));
  ASSERT_TRUE(eventually([&] { return blocks("bad51.example"); }));
  ASSERT_TRUE(eventually([&] { return feeds->kept_generations().front() == generation(); }));
  EXPECT_FALSE(blocked_by(feeds->generation_at(then), "bad51.example"));
  EXPECT_TRUE(blocked_by(feeds->generation_at(then), "bad49.example"));
  EXPECT_TRUE(blocked_by(feeds->generation_at(then + seconds(3600)), "bad51.example"));
  EXPECT_EQ(feeds->generation_at(WallTime()).error().code, Errc::not_found);
}

}  // namespace
}  // namespace postern::feeds
