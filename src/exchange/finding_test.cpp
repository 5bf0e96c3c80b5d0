#include "exchange/finding.h"

#include <gtest/gtest.h>

namespace postern::exchange {
namespace {

TEST(Finding, ATierReadsBackWhatItSays) {
  for (const Tier tier : {Tier::hunt, Tier::probe, Tier::exposed, Tier::attempt, Tier::exploited}) {
    EXPECT_EQ(tier_of(to_string(tier)), tier);
  }
  EXPECT_EQ(tier_of("Exploited"), std::nullopt);
}

TEST(Finding, WorseIsGreater) {
  EXPECT_LT(Tier::hunt, Tier::probe);
  EXPECT_LT(Tier::probe, Tier::exposed);
  EXPECT_LT(Tier::exposed, Tier::attempt);
  EXPECT_LT(Tier::attempt, Tier::exploited);
}

}  // namespace
}  // namespace postern::exchange
