#include "resolve/shares.h"

#include <gtest/gtest.h>

namespace postern::resolve {
namespace {

std::size_t taken_by(Shares& shares, std::uint64_t party, std::size_t wanted) {
  std::size_t count = 0;
  for (; count < wanted && shares.may_take(party); ++count) shares.take(party);
  return count;
}

TEST(Shares, OnePartyHasHalfAndTheOthersAnEighthEach) {
  Shares shares(800);
  EXPECT_EQ(taken_by(shares, 1, 1000), 400U);
  for (std::uint64_t party = 2; party <= 5; ++party) {
    EXPECT_EQ(taken_by(shares, party, 1000), 100U);
  }
  EXPECT_EQ(shares.taken(), 800U);
  EXPECT_FALSE(shares.may_take(6));
}

TEST(Shares, WhatIsGivenBackCanBeTakenAgain) {
  Shares shares(80);
  EXPECT_EQ(taken_by(shares, 1, 1000), 40U);
  EXPECT_EQ(taken_by(shares, 2, 5), 5U);
  for (int i = 0; i < 6; ++i) shares.give_back(1);
  EXPECT_EQ(shares.taken(), 39U);
  EXPECT_TRUE(shares.may_take(1));  // Under half again.
  shares.take(3);
  EXPECT_FALSE(shares.may_take(1));
  EXPECT_TRUE(shares.may_take(2));
}

}  // namespace
}  // namespace postern::resolve
