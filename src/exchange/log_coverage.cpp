#include "exchange/log_coverage.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

namespace postern::exchange {
namespace {

using std::chrono::days;
using std::chrono::hours;

std::int64_t hour_of(WallTime at) {
  return std::chrono::floor<hours>(at).time_since_epoch().count();
}

Day day_of_hour(std::int64_t hour) {
  return std::chrono::floor<days>(std::chrono::sys_time<hours>(hours(hour)));
}

int hour_in_day(std::int64_t hour) {
  return static_cast<int>(((hour % 24) + 24) % 24);
}

bool is_weekend(Day day) {
  const std::chrono::weekday weekday(day);
  return weekday == std::chrono::Saturday || weekday == std::chrono::Sunday;
}

}  // namespace

void LogDays::add(WallTime at, std::uint64_t rows) {
  rows_ += rows;
  const std::int64_t hour = hour_of(at);
  if (hour == last_hour_) return;
  const Day day = day_of_hour(hour);
  const auto found = days_.find(day);
  if (found == days_.end() && days_.size() >= kMaxDays) return;
  days_[day] |= Hours{1} << hour_in_day(hour);
  last_hour_ = hour;
}

void LogDays::add(const LogDays& other) {
  rows_ += other.rows_;
  for (const auto& [day, of_day] : other.days_) {
    if (days_.size() < kMaxDays || days_.contains(day)) days_[day] |= of_day;
  }
}

std::string LogDays::to_text() const {
  std::string text = fmt::format("{}", rows_);
  for (const auto& [day, of_day] : days_) {
    text += fmt::format(" {}:{:x}", day.time_since_epoch().count(), of_day);
  }
  return text;
}

std::optional<LogDays> LogDays::from_text(std::string_view text) {
  LogDays days;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto read = [&](auto& number, int base) {
    const auto [next, error] = std::from_chars(at, end, number, base);
    at = next;
    return error == std::errc();
  };
  const auto skip = [&](char separator) {
    if (at == end || *at != separator) return false;
    ++at;
    return true;
  };
  if (!read(days.rows_, 10)) return std::nullopt;
  while (at != end) {
    int day = 0;
    Hours of_day = 0;
    if (!skip(' ') || !read(day, 10) || !skip(':') || !read(of_day, 16)) return std::nullopt;
    if (days.days_.size() >= kMaxDays) return std::nullopt;
    days.days_[Day(std::chrono::days(day))] |= of_day & 0xff'ffffU;
  }
  return days;
}

std::optional<Day> LogDays::first() const {
  return days_.empty() ? std::nullopt : std::optional(days_.begin()->first);
}

std::optional<Day> LogDays::last() const {
  return days_.empty() ? std::nullopt : std::optional(days_.rbegin()->first);
}

bool LogDays::has(std::int64_t hour) const {
  const auto found = days_.find(day_of_hour(hour));
  return found != days_.end() && (found->second >> hour_in_day(hour) & 1U) != 0;
}

/// Of workdays and of weekends: in which hours four of five days that have any rows have some. The
/// first and the last day are not whole, and not asked.
std::array<std::array<bool, 24>, 2> LogDays::usual_hours() const {
  std::array<std::array<int, 24>, 2> counts{};
  std::array<int, 2> totals{};
  for (const auto& [day, of_day] : days_) {
    if (day == days_.begin()->first || day == days_.rbegin()->first) continue;
    const std::size_t kind = is_weekend(day) ? 1 : 0;
    ++totals[kind];
    for (std::size_t hour = 0; hour < 24; ++hour) {
      counts[kind][hour] += static_cast<int>(of_day >> hour & 1U);
    }
  }
  std::array<std::array<bool, 24>, 2> usual{};
  for (std::size_t kind = 0; kind < 2; ++kind) {
    for (std::size_t hour = 0; hour < 24; ++hour) {
      usual[kind][hour] = totals[kind] > 0 && 5 * counts[kind][hour] >= 4 * totals[kind];
    }
  }
  return usual;
}

std::vector<LogGap> LogDays::gaps() const {
  std::vector<LogGap> gaps;
  if (days_.size() < kRhythmDays) return gaps;
  const auto usual = usual_hours();
  const auto hour_of_day = [](Day day) {
    return std::chrono::sys_time<hours>(day).time_since_epoch().count();
  };
  std::int64_t from = 0;  // Of the hours without, while `without` is not 0.
  int without = 0;
  int expected = 0;
  bool has_begun = false;
  const auto end_gap = [&] {
    if (expected >= kGapHours) {
      gaps.push_back({WallTime(std::chrono::sys_time<hours>(hours(from))), without});
    }
    without = expected = 0;
  };
  const std::int64_t end = hour_of_day(days_.rbegin()->first) + 24;
  for (std::int64_t hour = hour_of_day(days_.begin()->first); hour < end; ++hour) {
    if (has(hour)) {
      end_gap();
      has_begun = true;
      continue;
    }
    if (!has_begun) continue;
    if (without++ == 0) from = hour;
    const std::size_t kind = is_weekend(day_of_hour(hour)) ? 1 : 0;
    expected += usual[kind][static_cast<std::size_t>(hour_in_day(hour))] ? 1 : 0;
  }
  return gaps;  // What follows the last row is no gap: nothing says that there should be more.
}

LogDays& LogCoverage::of(std::string_view kind) {
  const auto found = kinds_.find(kind);
  return found != kinds_.end() ? found->second : kinds_[std::string(kind)];
}

const LogDays* LogCoverage::find(std::string_view kind) const {
  const auto found = kinds_.find(kind);
  return found == kinds_.end() ? nullptr : &found->second;
}

std::vector<Day> days_without(const LogCoverage& coverage,
                              const std::vector<std::string_view>& kinds, Day from, Day to) {
  std::vector<Day> missing;
  for (Day day = from; day <= to; day += days(1)) {
    const bool is_covered = std::ranges::any_of(kinds, [&](std::string_view kind) {
      const LogDays* seen = coverage.find(kind);
      return seen != nullptr && seen->covers(day);
    });
    if (!is_covered) missing.push_back(day);
  }
  return missing;
}

std::string days_text(const std::vector<Day>& days, std::size_t most) {
  std::string text;
  std::size_t stretches = 0;
  for (std::size_t at = 0; at < days.size();) {
    std::size_t end = at + 1;
    while (end < days.size() && days[end] == days[end - 1] + std::chrono::days(1)) ++end;
    if (stretches++ == most) {
      const std::size_t left = days.size() - at;
      return text + fmt::format(" and {} more day{}", left, left == 1 ? "" : "s");
    }
    text += fmt::format("{}{}", text.empty() ? "" : ", ", to_string(days[at]));
    if (end - at > 1) text += fmt::format(" to {}", to_string(days[end - 1]));
    at = end;
  }
  return text;
}

}  // namespace postern::exchange
