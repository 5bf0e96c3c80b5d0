#include "feeds/unpack_turn.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace postern::feeds {
namespace {

TEST(UnpackTurns, OneUnpacksAtATime) {
  UnpackTurns turns;
  const std::atomic<bool> cancelled{false};
  std::atomic<int> unpacking{0};
  std::atomic<int> most{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 200; ++j) {
        auto turn = j % 2 == 0 ? turns.take(cancelled).value() : turns.take_beside_held();
        const int now = ++unpacking;
        if (now > most) most = now;
        std::this_thread::yield();
        --unpacking;
        turn.unpacked(1);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(most, 1);
}

TEST(UnpackTurns, WhatIsHeldIsWaitedForUnlessOneFreesItOneself) {
  UnpackTurns turns;
  std::atomic<bool> cancelled{false};
  auto first = turns.take(cancelled);
  first->unpacked(UnpackTurns::kMaxHeldOctets);
  auto second = turns.take(cancelled);
  ASSERT_TRUE(second) << "that much may be held";
  second->unpacked(1);
  EXPECT_EQ(turns.waits(), 0U);
  turns.take_beside_held();
  cancelled = true;
  EXPECT_FALSE(turns.take(cancelled)) << "over it nothing more begins";
  EXPECT_EQ(turns.waits(), 1U);
  first.reset();
  EXPECT_TRUE(turns.take(cancelled));
}

TEST(UnpackTurns, ATurnThatIsMovedOnEndsOnce) {
  UnpackTurns turns;
  const std::atomic<bool> cancelled{true};
  UnpackTurns::Turn kept;
  {
    auto turn = turns.take(cancelled);
    ASSERT_TRUE(turn);
    EXPECT_FALSE(turns.take(cancelled));
    kept = std::move(*turn);
  }
  EXPECT_FALSE(turns.take(cancelled));
  kept = {};
  EXPECT_TRUE(turns.take(cancelled));
}

}  // namespace
}  // namespace postern::feeds
