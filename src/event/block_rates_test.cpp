#include "event/block_rates.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::event {
namespace {

struct BlockRatesTest : ::testing::Test {
  // Slots of `queries` queries, of which that many percent are blocked.
  void slots(int count, int percent, int queries = 400, std::uint64_t generation = 1) {
    for (int slot = 0; slot < count; ++slot) {
      at += BlockRates::kSlot;
      ask(percent, queries, generation);
    }
  }
  void ask(int percent, int queries, std::uint64_t generation, std::string_view group = "staff") {
    for (int i = 0; i < queries; ++i) {
      rates.add(group, i % 100 < percent, generation, at);
    }
  }
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
    slots(30, c.usual);
    rates.watch(2);
    ask(c.now, 400, 2);
    const auto found = rates.departure();
    ASSERT_EQ(found.has_value(), c.leaves);
    if (!found) continue;
    EXPECT_EQ(found->group, "staff");
    EXPECT_EQ(found->queries, 400U);
    EXPECT_NEAR(found->rate, c.now / 100.0, 0.001);
  }
}

TEST_F(BlockRatesTest, WhatSwingsEachDayIsInTheBand) {
  for (int day = 0; day < 5; ++day) {
    slots(72, 5);
    slots(72, 25);
  }
  rates.watch(2);
  ask(28, 400, 2);
  EXPECT_FALSE(rates.departure());
  ask(90, 4000, 2);
  EXPECT_TRUE(rates.departure());
}

TEST_F(BlockRatesTest, LittleIsNoReason) {
  slots(BlockRates::kFewSlots, 10);
  rates.watch(2);
  ask(100, 300, 2);
  EXPECT_FALSE(rates.departure()) << "the last slot is not over: too few were learnt from";
  rates = {};
  slots(30, 10);
  slots(100, 90, 50);
  rates.watch(2);
  ask(100, 199, 2);
  EXPECT_FALSE(rates.departure()) << "too few queries";
  ask(10, 4000, 1);
  EXPECT_FALSE(rates.departure()) << "the generation before";
  ask(100, 1, 2);
  EXPECT_TRUE(rates.departure()) << "slots of few queries were not learnt from";
  ask(10, 4000, 2, "others");
  EXPECT_EQ(rates.departure()->group, "staff");
  rates.watch(0);
  EXPECT_FALSE(rates.departure());
}

TEST_F(BlockRatesTest, ComesBackFromItsText) {
  slots(30, 10);
  const std::string text = rates.to_text();
  BlockRates again;
  ASSERT_TRUE(again.from_text(text));
  EXPECT_EQ(again.to_text(), text);
  again.watch(2);
  for (int i = 0; i < 300; ++i) again.add("staff", true, 2, at);
  EXPECT_TRUE(again.departure());
  for (const std::string bad :
       {"", "postern-block-rates 2\n", "postern-block-rates 1\n1 2 0 a\n",
        "postern-block-rates 1\n1 nan 0 a\n", "postern-block-rates 1\n1 0.5 0\n"}) {
    EXPECT_FALSE(again.from_text(bad)) << bad;
  }
  EXPECT_EQ(again.to_text(), text);
}

}  // namespace
}  // namespace postern::event
