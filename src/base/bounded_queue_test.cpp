#include "base/bounded_queue.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(BoundedQueue, AFullQueueSaysNoAndKeepsTheValue) {
  BoundedQueue<std::vector<int>> queue(2);
  EXPECT_TRUE(queue.try_push({1}));
  EXPECT_TRUE(queue.try_push({2}));
  std::vector<int> third{3};
  EXPECT_FALSE(queue.try_push(std::move(third)));
  EXPECT_EQ(third, std::vector{3});
  std::vector<int> out;
  EXPECT_TRUE(queue.try_pop(out));
  EXPECT_EQ(out, std::vector{1});
  EXPECT_TRUE(queue.try_push(std::move(third)));
  EXPECT_EQ(queue.size_estimate(), 2U);
}

TEST(BoundedQueue, NothingIsLostOrDoubledBetweenThreads) {
  constexpr int kEach = 20'000;
  BoundedQueue<int> queue(64);
  std::atomic<long> sum{0};
  std::atomic<int> taken{0};
  {
    std::vector<std::jthread> threads;
    for (int producer = 0; producer < 2; ++producer) {
      threads.emplace_back([&] {
        for (int i = 1; i <= kEach; ++i) {
          while (!queue.try_push(i)) std::this_thread::yield();
        }
      });
      threads.emplace_back([&] {
        int value = 0;
        while (taken.load() < 2 * kEach) {
          if (!queue.try_pop(value)) {
            std::this_thread::yield();
            continue;
          }
          sum += value;
          ++taken;
        }
      });
    }
  }
  EXPECT_EQ(sum.load(), 2L * kEach * (kEach + 1) / 2);
}

}  // namespace
}  // namespace postern
