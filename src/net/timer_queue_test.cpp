#include "net/timer_queue.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace postern::net {
namespace {

MonoTime at(int us) {
  return MonoTime(microseconds(us));
}

TEST(TimerQueue, FiresInOrderAndOnlyWhatIsDue) {
  TimerQueue queue;
  std::string fired;
  Timer a([&] { fired += 'a'; });
  Timer b([&] { fired += 'b'; });
  Timer c([&] { fired += 'c'; });
  queue.arm(c, at(30));
  queue.arm(a, at(10));
  queue.arm(b, at(20));
  EXPECT_EQ(queue.next(), at(10));
  queue.fire_due(at(9));
  EXPECT_EQ(fired, "");
  queue.fire_due(at(20));
  EXPECT_EQ(fired, "ab");
  EXPECT_FALSE(a.is_armed());
  EXPECT_TRUE(c.is_armed());
  queue.fire_due(at(1000));
  EXPECT_EQ(fired, "abc");
  EXPECT_EQ(queue.next(), std::nullopt);
}

TEST(TimerQueue, ATimerThatArmsItselfForThePastWaitsForTheNextRound) {
  TimerQueue queue;
  int fired = 0;
  Timer* self = nullptr;
  Timer timer([&] {
    ++fired;
    queue.arm(*self, at(0));
  });
  self = &timer;
  queue.arm(timer, at(5));
  queue.fire_due(at(10));
  EXPECT_EQ(fired, 1);
  queue.fire_due(at(10));
  EXPECT_EQ(fired, 2);
}

TEST(TimerQueue, ATimerThatGoesIsForgotten) {
  TimerQueue queue;
  {
    Timer timer([] { FAIL(); });
    queue.arm(timer, at(1));
  }
  EXPECT_EQ(queue.size(), 0U);
  queue.fire_due(at(2));
}

TEST(TimerQueue, ATimerMayDisarmAnother) {
  TimerQueue queue;
  Timer other([] { FAIL() << "disarmed before its turn"; });
  Timer first([&] { queue.disarm(other); });
  queue.arm(first, at(1));
  queue.arm(other, at(1));
  queue.arm(first, at(0));
  queue.fire_due(at(5));
  EXPECT_EQ(queue.size(), 0U);
}

// Against a plain list of times, through arming, moving and disarming at random.
TEST(TimerQueue, AgreesWithASortedList) {
  std::mt19937 random(7);
  TimerQueue queue;
  constexpr std::size_t kTimers = 200;
  std::vector<std::optional<int>> model(kTimers);
  std::vector<std::size_t> fired;
  std::vector<std::unique_ptr<Timer>> timers;
  for (std::size_t i = 0; i < kTimers; ++i) {
    timers.push_back(std::make_unique<Timer>([&fired, i] { fired.push_back(i); }));
  }
  for (int now = 0; now < 3000; ++now) {
    const std::size_t i = random() % kTimers;
    if (random() % 4 == 0) {
      queue.disarm(*timers[i]);
      model[i].reset();
    } else {
      const int when = now + static_cast<int>(random() % 100);
      queue.arm(*timers[i], at(when));
      model[i] = when;
    }
    fired.clear();
    queue.fire_due(at(now));
    std::vector<std::size_t> want;
    for (std::size_t k = 0; k < kTimers; ++k) {
      if (model[k] && *model[k] <= now) {
        want.push_back(k);
        model[k].reset();
      }
    }
    std::sort(fired.begin(), fired.end());
    ASSERT_EQ(fired, want) << "at " << now;
  }
}

}  // namespace
}  // namespace postern::net
