#include <string_view>

#include <gtest/gtest.h>

#include "config/config.h"

namespace postern::config {
namespace {

TEST(GateOptions, TheCanaryGroupIsOneThatThereIs) {
  const Outcome good = parse(
      "gate: {canary_group: staff, canary_minutes: 90}\n"
      "groups: [{name: staff, clients: 192.0.2.0/24}]");
  ASSERT_TRUE(good.config.has_value());
  EXPECT_EQ(good.config->gate_canary_group, "staff");
  EXPECT_EQ(good.config->gate_canary_minutes, 90U);
  EXPECT_TRUE(parse("gate: {canary_group: default}").config.has_value());
  EXPECT_EQ(parse("").config->gate_canary_group, "");
  const Outcome bad = parse(
      "gate: {canary_group: stuff}\n"
      "groups: [{name: staff, clients: 192.0.2.0/24}]");
  ASSERT_EQ(bad.problems.size(), 1U);
  EXPECT_EQ(to_text(bad.problems.front(), "f"),
            "f:1:22: gate.canary_group: no group is called \"stuff\"; did you mean staff?");
}

}  // namespace
}  // namespace postern::config
