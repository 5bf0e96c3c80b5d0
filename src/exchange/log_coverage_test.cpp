#include "exchange/log_coverage.h"

#include <gtest/gtest.h>

namespace postern::exchange {
namespace {

using std::chrono::days;
using std::chrono::hours;

const Day kMonday = std::chrono::year(2021) / 3 / 1;

/// Every hour of a day but those from `from` to `to`.
void add_day(LogDays& log, Day day, int from = 24, int to = 24) {
  for (int hour = 0; hour < 24; ++hour) {
    if (hour < from || hour >= to) log.add(WallTime(day) + hours(hour) + seconds(7));
  }
}

TEST(LogDays, KnowsItsDays) {
  LogDays log;
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(log.first(), std::nullopt);
  add_day(log, kMonday + days(2));
  log.add(WallTime(kMonday), 5);
  EXPECT_EQ(log.first(), kMonday);
  EXPECT_EQ(log.last(), kMonday + days(2));
  EXPECT_FALSE(log.covers(kMonday + days(1)));
  EXPECT_EQ(log.day_count(), 2U);
  EXPECT_EQ(log.rows(), 29U);
  LogDays other;
  other.add(WallTime(kMonday + days(1)) - microseconds(1));
  other.add(WallTime(kMonday + days(1)));
  log.add(other);
  EXPECT_TRUE(log.covers(kMonday + days(1)));
  EXPECT_EQ(log.day_count(), 3U);
}

TEST(LogDays, HoursThatAreUsuallyThereAndAreNotAreAGap) {
  LogDays log;
  for (int day = 0; day < 26; ++day) {
    if (day == 8) continue;  // A whole day is missing.
    // Nobody works at night; on one day three hours are gone, on another two.
    const int gone = day == 3 ? 3 : day == 4 ? 2 : 0;
    for (int hour = 7; hour < 20; ++hour) {
      if (hour >= 10 && hour < 10 + gone) continue;
      log.add(WallTime(kMonday + days(day)) + hours(hour));
    }
  }
  const std::vector<LogGap> want = {{WallTime(kMonday + days(3)) + hours(10), 3},
                                    {WallTime(kMonday + days(7)) + hours(20), 11 + 24}};
  EXPECT_EQ(log.gaps(), want);
}

TEST(LogDays, ARhythmTakesSomeDays) {
  LogDays log;
  add_day(log, kMonday);
  add_day(log, kMonday + days(9));
  add_day(log, kMonday + days(10), 3, 20);
  EXPECT_TRUE(log.gaps().empty());
}

TEST(LogDays, WeekendsHaveARhythmOfTheirOwn) {
  LogDays log;
  for (int day = 0; day < 21; ++day) {
    const bool is_weekend = day % 7 > 4;
    add_day(log, kMonday + days(day), is_weekend ? 2 : 24, 24);
  }
  EXPECT_TRUE(log.gaps().empty());
}

TEST(LogDays, ItsDaysAreBounded) {
  LogDays log;
  for (std::size_t day = 0; day < LogDays::kMaxDays + 5; ++day) {
    log.add(WallTime(Day(days(day))));
  }
  EXPECT_EQ(log.day_count(), LogDays::kMaxDays);
  EXPECT_EQ(log.rows(), LogDays::kMaxDays + 5);
}

TEST(LogDays, AreKeptAsText) {
  LogDays log;
  add_day(log, kMonday, 3, 9);
  log.add(WallTime(Day()) - hours(30));  // Before 1970.
  const auto again = LogDays::from_text(log.to_text());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->to_text(), log.to_text());
  EXPECT_EQ(again->rows(), log.rows());
  EXPECT_TRUE(again->covers(kMonday));
  EXPECT_EQ(LogDays::from_text(LogDays().to_text())->day_count(), 0U);
  for (const char* wrong : {"", "x", "1 ", "1 2", "1 2:", "1 2:g", "1 2:1x", "1  2:1"}) {
    EXPECT_FALSE(LogDays::from_text(wrong)) << wrong;
  }
}

TEST(LogCoverage, DaysWithoutAnyOfTheKinds) {
  LogCoverage coverage;
  coverage.of("IIS").add(WallTime(kMonday));
  coverage.of("HttpProxy").add(WallTime(kMonday + days(2)));
  coverage.of("ECP").add(WallTime(kMonday + days(1)));
  const auto without = [&](std::vector<std::string_view> kinds) {
    return days_text(days_without(coverage, kinds, kMonday, kMonday + days(4)));
  };
  EXPECT_EQ(without({"IIS", "HttpProxy"}), "2021-03-02, 2021-03-04 to 2021-03-05");
  EXPECT_EQ(without({"OAB"}), "2021-03-01 to 2021-03-05");
  EXPECT_EQ(days_text(days_without(coverage, {"IIS"}, kMonday, kMonday + days(9)), 0),
            " and 9 more days");
  LogDays other;
  other.add(WallTime(kMonday + days(1)));
  coverage.of("IIS").add(other);
  EXPECT_EQ(without({"IIS"}), "2021-03-03 to 2021-03-05");
  EXPECT_EQ(coverage.find("OAB"), nullptr);
}

}  // namespace
}  // namespace postern::exchange
