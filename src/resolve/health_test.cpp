#include "resolve/health.h"

#include <gtest/gtest.h>

namespace postern::resolve {
namespace {

constexpr MonoTime at(milliseconds since) {
  return MonoTime(since);
}

TEST(ServerHealth, GoesDownWhenThreeFailInARowAndAProbeToo) {
  ServerHealth health;
  health.on_failure(at(seconds(1)));
  health.on_failure(at(seconds(2)));
  health.on_answer(milliseconds(5));
  health.on_failure(at(seconds(3)));
  health.on_failure(at(seconds(4)));
  EXPECT_FALSE(health.take_probe(at(seconds(4))));
  health.on_failure(at(seconds(5)));
  EXPECT_TRUE(health.is_up());
  EXPECT_TRUE(health.take_probe(at(seconds(5))));
  EXPECT_FALSE(health.take_probe(at(seconds(5))));  // One at a time.
  health.on_failure(at(seconds(6)));
  EXPECT_TRUE(health.is_up());
  EXPECT_TRUE(health.on_probe_failure(at(seconds(6))));
  EXPECT_FALSE(health.is_up());
}

TEST(ServerHealth, NamesThatAreSlowToResolveTakeNoServerDown) {
  ServerHealth health;
  for (int i = 0; i < 3; ++i) health.on_failure(at(seconds(1)));
  EXPECT_TRUE(health.take_probe(at(seconds(1))));
  for (int i = 0; i < 100; ++i) health.on_failure(at(seconds(1)));
  health.on_answer(milliseconds(5));  // The probe's.
  EXPECT_FALSE(health.on_probe_failure(at(seconds(2))));
  EXPECT_TRUE(health.is_up());
  EXPECT_FALSE(health.take_probe(at(seconds(1000))));
}

TEST(ServerHealth, AProbeThatCannotBeSentIsSentLater) {
  ServerHealth health;
  for (int i = 0; i < 3; ++i) health.on_failure(at(seconds(1)));
  EXPECT_TRUE(health.take_probe(at(seconds(1))));
  health.postpone_probe(at(seconds(1)));
  EXPECT_TRUE(health.is_up());
  EXPECT_FALSE(health.take_probe(at(milliseconds(1999))));
  EXPECT_TRUE(health.take_probe(at(seconds(2))));
}

TEST(ServerHealth, ProbesFartherAndFartherApartUntilAnAnswer) {
  ServerHealth health;
  MonoTime now = at(seconds(100));
  const auto take_down = [&] {
    for (int i = 0; i < 3; ++i) health.on_failure(now);
    EXPECT_TRUE(health.take_probe(now));
    EXPECT_TRUE(health.on_probe_failure(now));
  };
  take_down();
  for (const int wait_s : {1, 2, 4, 8, 16, 32, 60, 60}) {
    SCOPED_TRACE(wait_s);
    EXPECT_FALSE(health.take_probe(now + seconds(wait_s) - milliseconds(1)));
    now += seconds(wait_s);
    EXPECT_TRUE(health.take_probe(now));
    EXPECT_FALSE(health.take_probe(now + seconds(1000)));  // One at a time.
    EXPECT_FALSE(health.on_probe_failure(now));
    health.on_failure(now);  // A question's, not the probe's: the wait stays.
  }
  health.on_answer(milliseconds(3));
  EXPECT_TRUE(health.is_up());
  EXPECT_FALSE(health.take_probe(now + seconds(1000)));
  take_down();
  EXPECT_TRUE(health.take_probe(now + seconds(1)));  // From the shortest wait again.
}

TEST(ServerHealth, SmoothsTheRoundTripTime) {
  ServerHealth health;
  health.on_answer(milliseconds(80));
  EXPECT_EQ(health.smoothed_rtt(), milliseconds(80));
  health.on_answer(milliseconds(160));
  EXPECT_EQ(health.smoothed_rtt(), milliseconds(90));
}

}  // namespace
}  // namespace postern::resolve
