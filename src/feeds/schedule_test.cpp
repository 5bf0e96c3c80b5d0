#include "feeds/schedule.h"

#include <limits>

#include <gtest/gtest.h>

namespace postern::feeds {
namespace {

TEST(Schedule, FailuresDoubleTheWaitUpToTheRefresh) {
  const Rhythm rhythm{seconds(3600), seconds(30)};
  struct Case {
    std::uint32_t failures;
    std::int64_t want_s;
  };
  const Case cases[] = {{0, 3600}, {1, 30},    {2, 60},
                        {3, 120},  {7, 1920},  {8, 3600},
                        {9, 3600}, {64, 3600}, {std::numeric_limits<std::uint32_t>::max(), 3600}};
  for (const Case& c : cases) {
    EXPECT_EQ(until_next_try(rhythm, c.failures, 0.5), seconds(c.want_s)) << c.failures;
  }
}

TEST(Schedule, ChanceSpreadsByATenthEachWay) {
  const Rhythm rhythm{seconds(1000), seconds(30)};
  EXPECT_EQ(until_next_try(rhythm, 0, 0.0), seconds(900));
  EXPECT_EQ(until_next_try(rhythm, 0, 1.0), seconds(1100));
}

TEST(Schedule, ARetryIsNeverLaterThanTheRefresh) {
  const Rhythm rhythm{seconds(10), seconds(30)};
  EXPECT_EQ(until_next_try(rhythm, 1, 0.5), seconds(10));
}

}  // namespace
}  // namespace postern::feeds
