#include "app/service.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace postern::app {
namespace {

TEST(ReadConfig, WithoutIpv6TheDefaultAddressesAreThoseOfIpv4AtEveryReading) {
  NullLog log;
  const auto usual = read_config({}, log);
  ASSERT_TRUE(usual.has_value()) << usual.error().text;
  const auto has_v6 = [](const config::Config& config) {
    return std::ranges::any_of(config.listen, [](const Endpoint& e) { return !e.address.is_v4(); });
  };
  EXPECT_TRUE(has_v6(*usual));
  Overrides overrides;
  overrides.has_ipv6_loopback = false;
  const auto at_start = read_config(overrides, log);
  const auto at_reload = read_config(overrides, log);
  ASSERT_TRUE(at_start.has_value() && at_reload.has_value());
  EXPECT_FALSE(has_v6(*at_start));
  EXPECT_FALSE(at_start->listen.empty());
  EXPECT_TRUE(config::needs_restart(*at_start, *at_reload).empty());
  overrides.listen = {*Endpoint::from_text("[2001:db8::1]:53")};  // Asked for by name: kept.
  EXPECT_EQ(read_config(overrides, log)->listen, overrides.listen);
}

}  // namespace
}  // namespace postern::app
