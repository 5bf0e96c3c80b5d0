#include "event/block_rates.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace postern::event {
namespace {

const std::vector<std::string> kWatched = {"feed", "agreed"};

struct BlockRatesTest : ::testing::Test {
  // What clients ask in one go: each of them `queries`, of which that many percent are blocked.
  struct Asking {
    int percent = 0;
    int queries = 100;
    std::uint64_t first = 1;  // Of the clients.
    int clients = 4;
    std::string_view zone = "feed";
    std::string_view group = "staff";
  };
  void ask(const Asking& asking, std::uint64_t generation = 2) {
    for (int client = 0; client < asking.clients; ++client) {
      for (int i = 0; i < asking.queries; ++i) {
        const bool is_blocked = i * 37 % 100 < asking.percent;
        rates.add({.group = asking.group,
                   .client = asking.first + static_cast<std::uint64_t>(client),
                   .zone = is_blocked ? asking.zone : "",
                   .is_blocked = is_blocked,
                   .generation = generation,
                   .at = at});
      }
    }
  }
  // So many slots of what was usual before generation 2.
  void slots(int count, const Asking& asking) {
    for (int slot = 0; slot < count; ++slot) {
      at += BlockRates::kSlot;
      ask(asking, 1);
    }
  }
  void next_slot() { at += BlockRates::kSlot; }

  BlockRates rates;
  WallTime at{};
};

TEST_F(BlockRatesTest, AGroupThatLeavesItsBandIsNamed) {
  struct Case {
    std::string what;
    int usual, now;
    bool leaves;
  };
  const Case cases[] = {
      {"as ever", 10, 10, false},
      {"a little more", 10, 14, false},
      {"much more", 10, 20, true},
      {"everything", 10, 100, true},
      {"hardly anything", 10, 9, false},
      {"nothing", 10, 0, true},
      {"nothing was blocked, some is", 0, 4, false},
      {"much is", 0, 9, true},
      {"an advertisement list's usual", 30, 40, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    rates = {};
    slots(30, {.percent = c.usual});
    rates.watch(2, kWatched);
    ask({.percent = c.now});
    const auto found = rates.departure();
    ASSERT_EQ(found.has_value(), c.leaves);
    if (!found) continue;
    EXPECT_EQ(found->group, "staff");
    EXPECT_EQ(found->queries, 400U);
    EXPECT_NEAR(found->rate, c.now / 100.0, 0.001);
  }
}

TEST_F(BlockRatesTest, NoClientAloneMakesAGroupLeaveItsBand) {
  using Askings = std::vector<Asking>;
  struct Case {
    std::string what;
    Askings usual, now;
    bool leaves;
  };
  const Asking ten{.percent = 10, .clients = 10};
  const Case cases[] = {
      {"one asks for what is blocked all the time",
       {ten},
       {ten, {.percent = 100, .queries = 20'000, .first = 50, .clients = 1}},
       false},
      {"one of a few does",
       {{.percent = 10, .clients = 3}},
       {{.percent = 10, .clients = 2}, {.percent = 100, .first = 3, .clients = 1}},
       false},
      {"and with a second one who asks for little",
       {{.percent = 10, .clients = 2}},
       {{.percent = 100, .queries = 900, .clients = 1},
        {.percent = 100, .queries = 9, .first = 2, .clients = 1}},
       false},
      {"one asks for nothing that is blocked",
       {ten},
       {ten, {.percent = 0, .queries = 20'000, .first = 50, .clients = 1}},
       false},
      {"one who had much blocked has gone home",
       {{.percent = 0, .clients = 3}, {.percent = 100, .queries = 900, .first = 50, .clients = 1}},
       {{.percent = 0, .clients = 3}},
       false},
      {"one who had nothing blocked has gone home",
       {{.percent = 40, .clients = 3}, {.percent = 0, .queries = 900, .first = 50, .clients = 1}},
       {{.percent = 40, .clients = 3}},
       false},
      {"only one is there", {ten}, {{.percent = 100, .queries = 900, .clients = 1}}, false},
      {"it is all of them", {ten}, {{.percent = 60, .clients = 10}}, true},
      {"it is most of them, beside one who asks for other things all the time",
       {ten},
       {{.percent = 60, .clients = 10},
        {.percent = 0, .queries = 20'000, .first = 50, .clients = 1}},
       true},
      {"there is never more than one",
       {{.percent = 10, .queries = 400, .clients = 1}},
       {{.percent = 60, .queries = 400, .clients = 1}},
       true},
      {"a second one comes where there was never more than one",
       {{.percent = 10, .queries = 400, .clients = 1}},
       {{.percent = 10, .queries = 400, .clients = 1},
        {.percent = 100, .queries = 900, .first = 2, .clients = 1}},
       false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    rates = {};
    for (int slot = 0; slot < 30; ++slot) {
      next_slot();
      for (const Asking& asking : c.usual) ask(asking, 1);
    }
    rates.watch(2, kWatched);
    for (const Asking& asking : c.now) ask(asking);
    EXPECT_EQ(rates.departure().has_value(), c.leaves);
  }
}

TEST_F(BlockRatesTest, OnlyWhatTheWatchedZonesBlockIsTheirDoing) {
  slots(30, {.percent = 10, .zone = "others"});
  rates.watch(2, {"another"});
  ask({.percent = 60, .zone = "others"});
  EXPECT_FALSE(rates.departure()) << "something else is going on";
  rates.watch_also(kWatched);
  EXPECT_FALSE(rates.departure());
  ask({.percent = 60, .zone = "agreed"});
  EXPECT_TRUE(rates.departure());
  rates.watch(3, kWatched);
  ask({.percent = 60}, 2);
  EXPECT_FALSE(rates.departure()) << "the generation before";
  ask({.percent = 0}, 3);
  EXPECT_TRUE(rates.departure()) << "what is blocked no more is blocked by nobody";
}

TEST_F(BlockRatesTest, UnderAWatchItLearnsOnUnlessAllIsTakenBack) {
  slots(30, {.percent = 10});
  const std::string before = rates.to_text();
  rates.watch(2, kWatched);
  for (int slot = 0; slot < 6; ++slot) {
    ask({.percent = 40});
    next_slot();
  }
  ask({.percent = 40});
  EXPECT_NE(rates.to_text(), before);
  EXPECT_TRUE(rates.departure()) << "judged by what was usual before";
  rates.end_watch(WatchEnd::taken_back);
  EXPECT_FALSE(rates.departure());
  EXPECT_EQ(rates.to_text(), before);
  for (int slot = 0; slot < 300; ++slot) {
    rates.watch(2, kWatched);  // Updates in a row: one watch after the other.
    ask({.percent = 14});
    next_slot();
    EXPECT_FALSE(rates.departure());
  }
  rates.watch(3, kWatched);
  ask({.percent = 18}, 3);
  EXPECT_FALSE(rates.departure()) << "that 14 % are usual was learnt meanwhile";
}

TEST_F(BlockRatesTest, ClientsBeyondTheBoundAreNotCounted) {
  slots(30, {.percent = 0});
  const auto crowd = static_cast<int>(BlockRates::kMaxClients);
  rates.watch(2, kWatched);
  next_slot();
  ask({.queries = 1, .first = 1000, .clients = crowd});
  EXPECT_EQ(rates.uncounted(), 0U);
  ask({.percent = 100, .queries = 2, .first = 1'000'000, .clients = crowd});
  EXPECT_EQ(rates.uncounted(), 4 * BlockRates::kMaxClients) << "in the slot, and in the watch";
  EXPECT_FALSE(rates.departure());
  rates.watch(3, kWatched);
  next_slot();
  ask({.percent = 100}, 3);
  EXPECT_TRUE(rates.departure()) << "there is room again";
  rates.forget();
  EXPECT_FALSE(rates.departure());
  EXPECT_EQ(rates.to_text(), BlockRates().to_text());
  EXPECT_EQ(rates.uncounted(), 4 * BlockRates::kMaxClients) << "a counter";
}

TEST_F(BlockRatesTest, WhatSwingsEachDayIsInTheBand) {
  for (int day = 0; day < 5; ++day) {
    slots(72, {.percent = 5});
    slots(72, {.percent = 25});
  }
  rates.watch(2, kWatched);
  ask({.percent = 28});
  EXPECT_FALSE(rates.departure());
  ask({.percent = 90, .queries = 4000});
  EXPECT_TRUE(rates.departure());
}

TEST_F(BlockRatesTest, LittleIsNoReason) {
  slots(BlockRates::kFewSlots, {.percent = 10});
  rates.watch(2, kWatched);
  ask({.percent = 100});
  EXPECT_FALSE(rates.departure()) << "the last slot is not over: too few were learnt from";
  rates = {};
  slots(30, {.percent = 10});
  slots(100, {.percent = 90, .queries = 24});
  rates.watch(2, kWatched);
  ask({.percent = 100, .queries = 49});
  EXPECT_FALSE(rates.departure()) << "too few queries";
  ask({.percent = 100, .queries = 1});
  EXPECT_TRUE(rates.departure()) << "slots of few queries were not learnt from";
  ask({.percent = 10, .group = "others"});
  EXPECT_EQ(rates.departure()->group, "staff");
  rates.end_watch(WatchEnd::passed);
  EXPECT_FALSE(rates.departure());
}

TEST_F(BlockRatesTest, ComesBackFromItsText) {
  slots(30, {.percent = 10});
  const std::string text = rates.to_text();
  BlockRates again;
  ASSERT_TRUE(again.from_text(text));
  EXPECT_EQ(again.to_text(), text);
  rates = again;
  rates.watch(2, kWatched);
  ask({.percent = 100});
  EXPECT_TRUE(rates.departure());
  const std::string first = "postern-block-rates 2\n";
  for (const std::string& bad :
       {std::string(), std::string("postern-block-rates 1\n"), first + "1 1 2 0 0 0 a\n",
        first + "1 1 nan 0 0 0 a\n", first + "1 -1 0.5 0 0.5 0 a\n",
        first + "1 nan 0.5 0 0.5 0 a\n", first + "1 1 0.5 0 0.5 0\n"}) {
    EXPECT_FALSE(again.from_text(bad)) << bad;
  }
  EXPECT_EQ(again.to_text(), text);
}

}  // namespace
}  // namespace postern::event
