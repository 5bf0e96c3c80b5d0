// Schedules: the wall clock of a place, over midnight, over the week's end, over changes of the
// clocks.
#include "policy/schedule.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

/// Central Europe in 2026: summer time from 29 March 01:00 UTC to 25 October 01:00 UTC.
TimeZone central_europe() {
  return TimeZone({{0, 3600}, {1774746000, 7200}, {1792890000, 3600}});
}

/// UTC, in 2026.
WallTime utc(unsigned month, unsigned day, int hour, int minute, int second = 0) {
  return std::chrono::sys_days(std::chrono::year(2026) / month / day) + hours(hour) +
         minutes(minute) + seconds(second);
}

Schedule of(std::initializer_list<const char*> windows, TimeZone zone = {}) {
  Schedule schedule{.name = "s", .zone = std::move(zone)};
  for (const char* text : windows) schedule.windows.push_back(window_from_text(text).value());
  return schedule;
}

TEST(Window, IsReadAsItIsWritten) {
  struct Case {
    const char* text;
    Window window;
  };
  const Case cases[] = {
      {"mon 08:00-12:00", {0b0000001, 480, 720}},
      {"mon-fri 21:00-07:00", {0b0011111, 1260, 420}},
      {"sat,sun 00:00-24:00", {0b1100000, 0, 1440}},
      {"fri-mon 00:00-00:01", {0b1110001, 0, 1}},
      {"mon,wed-fri 23:59-24:00", {0b0011101, 1439, 1440}},
      {"daily 12:00-13:30", {0b1111111, 720, 810}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto read = window_from_text(c.text);
    ASSERT_TRUE(read.has_value()) << read.error().text;
    EXPECT_EQ(*read, c.window);
  }
}

TEST(Window, WhatIsNoneIsRefused) {
  for (const char* text :
       {"", " ", "mon", "21:00-07:00", "monday 08:00-12:00", "mon- 08:00-12:00", "mon, 8:00-12:00",
        "mon 08:00", "mon 08:00-", "mon 8:00-12:00", "mon 08:60-12:00", "mon 24:00-08:00",
        "mon 08:00-24:01", "mon 08:00-08:00", " 08:00-12:00", "mon 08:00-12:00 ", "mon 0a:00-12:00",
        "daily,mon 08:00-12:00", "mon  08:00-12:00"}) {
    EXPECT_FALSE(window_from_text(text).has_value()) << text;
  }
}

TEST(Schedule, HoldsFromItsFirstInstantToItsLast) {
  const Schedule noon = of({"daily 12:00-13:00"});
  EXPECT_FALSE(noon.holds(utc(3, 2, 12, 0) - microseconds(1)));
  EXPECT_TRUE(noon.holds(utc(3, 2, 12, 0)));
  EXPECT_TRUE(noon.holds(utc(3, 2, 13, 0) - microseconds(1)));
  EXPECT_FALSE(noon.holds(utc(3, 2, 13, 0)));
  EXPECT_FALSE(of({}).holds(utc(3, 2, 12, 0)));
}

TEST(Schedule, ANightBelongsToTheDayItBeginsOn) {
  const Schedule night = of({"mon-fri 21:00-07:00"});  // 2 March 2026 is a Monday.
  EXPECT_FALSE(night.holds(utc(3, 2, 6, 59))) << "Sunday's night is none";
  EXPECT_FALSE(night.holds(utc(3, 2, 20, 59)));
  EXPECT_TRUE(night.holds(utc(3, 2, 21, 0)));
  EXPECT_TRUE(night.holds(utc(3, 3, 6, 59)));
  EXPECT_FALSE(night.holds(utc(3, 3, 7, 0)));
  EXPECT_TRUE(night.holds(utc(3, 6, 23, 0))) << "Friday's";
  EXPECT_TRUE(night.holds(utc(3, 7, 6, 0))) << "into Saturday";
  EXPECT_FALSE(night.holds(utc(3, 7, 21, 0)));
  const Schedule sunday = of({"sun 22:00-02:00"});
  EXPECT_TRUE(sunday.holds(utc(3, 2, 1, 0))) << "into Monday";
}

TEST(Schedule, GoesByTheClockOfThePlace) {
  const Schedule night = of({"mon-fri 21:00-07:00"}, central_europe());
  EXPECT_TRUE(night.holds(utc(3, 2, 20, 0))) << "winter: one hour east";
  EXPECT_FALSE(night.holds(utc(3, 2, 19, 59)));
  EXPECT_TRUE(night.holds(utc(7, 6, 19, 0))) << "summer: two hours east";
  EXPECT_FALSE(night.holds(utc(7, 6, 18, 59)));
  // Monday there while it is still Sunday in UTC.
  EXPECT_TRUE(of({"mon 00:00-01:00"}, central_europe()).holds(utc(3, 1, 23, 30)));
}

TEST(Schedule, AnHourThatTheClocksLeaveOut) {
  // 29 March: 01:59:59 is followed by 03:00.
  const Schedule in_the_gap = of({"sun 02:30-04:00"}, central_europe());
  EXPECT_FALSE(in_the_gap.holds(utc(3, 29, 0, 59, 59)));
  EXPECT_TRUE(in_the_gap.holds(utc(3, 29, 1, 0))) << "begins as the clocks go on, at 03:00";
  EXPECT_FALSE(in_the_gap.holds(utc(3, 29, 2, 0))) << "ends at 04:00";
  const Schedule ends_in_the_gap = of({"sat 23:00-02:30"}, central_europe());
  EXPECT_TRUE(ends_in_the_gap.holds(utc(3, 29, 0, 59, 59)));
  EXPECT_FALSE(ends_in_the_gap.holds(utc(3, 29, 1, 0)));
}

TEST(Schedule, AnHourThatTheClocksRepeat) {
  // 25 October: 02:59:59 is followed by 02:00.
  const Schedule ends_in_it = of({"sat 23:00-02:30"}, central_europe());
  EXPECT_TRUE(ends_in_it.holds(utc(10, 25, 0, 29)));
  EXPECT_FALSE(ends_in_it.holds(utc(10, 25, 0, 30)));
  EXPECT_TRUE(ends_in_it.holds(utc(10, 25, 1, 0))) << "02:00 again";
  EXPECT_FALSE(ends_in_it.holds(utc(10, 25, 1, 30)));
  const Schedule over_it = of({"sat 23:00-03:00"}, central_europe());
  for (int hour = 0; hour < 2; ++hour) EXPECT_TRUE(over_it.holds(utc(10, 25, hour, 30)));
  EXPECT_FALSE(over_it.holds(utc(10, 25, 2, 0)));
}

TEST(TimeZone, TheFirstOffsetHoldsBeforeItsTime) {
  const TimeZone zone({{1000, 60}, {2000, 120}});
  EXPECT_EQ(zone.offset_at(WallTime(seconds(0))), seconds(60));
  EXPECT_EQ(zone.offset_at(WallTime(seconds(1999))), seconds(60));
  EXPECT_EQ(zone.offset_at(WallTime(seconds(2000))), seconds(120));
  EXPECT_EQ(TimeZone().offset_at(WallTime(seconds(2000))), seconds(0));
}

}  // namespace
}  // namespace postern::policy
