// Time zones as the system's database has them.
#include "app/time_zones.h"

#include <chrono>

#include <gtest/gtest.h>

namespace postern::app {
namespace {

WallTime utc(int year, unsigned month, unsigned day, int hour) {
  return std::chrono::sys_days(std::chrono::year(year) / month / day) + std::chrono::hours(hour);
}

TEST(TimeZones, FollowTheChangesOfTheClocks) {
  const auto berlin = load_time_zone("Europe/Berlin");
  ASSERT_TRUE(berlin.has_value()) << berlin.error().text;
  EXPECT_EQ(berlin->offset_at(utc(2026, 3, 29, 1) - microseconds(1)), seconds(3600));
  EXPECT_EQ(berlin->offset_at(utc(2026, 3, 29, 1)), seconds(7200));
  EXPECT_EQ(berlin->offset_at(utc(2026, 10, 25, 1) - microseconds(1)), seconds(7200));
  EXPECT_EQ(berlin->offset_at(utc(2026, 10, 25, 1)), seconds(3600));
  EXPECT_EQ(berlin->offset_at(utc(2090, 7, 1, 0)), seconds(7200)) << "by the rule of today";
  EXPECT_EQ(load_time_zone("Asia/Kathmandu")->offset_at(utc(2026, 1, 1, 0)), seconds(20'700));
  EXPECT_EQ(load_time_zone("UTC")->offset_at(utc(2026, 1, 1, 0)), seconds(0));
}

TEST(TimeZones, OthersAreRefused) {
  for (const char* name : {"", "Europe/Berlon", "/etc/localtime", "../../etc/localtime"}) {
    EXPECT_FALSE(load_time_zone(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace postern::app
