#include "policy/client_sketch.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

TEST(ClientSketch, IsExactForAFewAndCloseForMany) {
  std::mt19937_64 random(1);
  double worst_sum = 0;
  constexpr int kTimes = 200;
  for (const unsigned clients : {1U, 2U, 3U, 4U, 10U, 50U, 1000U, 10'000U}) {
    double error = 0;
    for (int time = 0; time < kTimes; ++time) {
      ClientSketch sketch;
      for (unsigned i = 0; i < clients; ++i) {
        const std::uint64_t client = random();
        sketch.add(client);
        sketch.add(client);
      }
      if (clients <= ClientSketch::kExact) {
        EXPECT_EQ(sketch.count(), clients);
        EXPECT_FALSE(sketch.is_estimate());
      } else {
        EXPECT_GT(sketch.count(), ClientSketch::kExact);
      }
      error += std::abs(static_cast<double>(sketch.count()) - clients) / clients;
    }
    worst_sum = std::max(worst_sum, error);
  }
  EXPECT_LT(worst_sum / kTimes, 0.35);
}

TEST(ClientSketch, ComesBackFromItsBits) {
  ClientSketch sketch;
  for (std::uint64_t client = 1; client < 20; ++client) {
    sketch.add(client * 0x9e3779b97f4a7c15);
    EXPECT_EQ(ClientSketch(sketch.bits(), sketch.is_estimate()).count(), sketch.count());
  }
}

TEST(ClientUnion, CountsAClientOfManyNamesOnce) {
  std::mt19937_64 random(2);
  ClientUnion all;
  std::vector<std::uint64_t> clients(3000);
  for (std::uint64_t& client : clients) client = random();
  for (int name = 0; name < 10'000; ++name) {
    ClientSketch sketch;
    sketch.add(clients[random() % clients.size()]);
    sketch.add(clients[random() % clients.size()]);
    all.add(sketch);
  }
  EXPECT_NEAR(all.count(), 3000, 100);
  ClientSketch many;
  for (int i = 0; i < 30'000; ++i) many.add(random());
  all.add(many);
  EXPECT_EQ(all.count(), many.count());
}

}  // namespace
}  // namespace postern::policy
