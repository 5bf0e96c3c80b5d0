// LogCoverage: on which days, and in which hours, there are rows of which log. Where there are
// none, silence says nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "exchange/builds.h"

namespace postern::exchange {

/// Hours without a row where the server's own rhythm has rows.
struct LogGap {
  WallTime from{};  ///< The first hour without.
  int hours = 0;

  bool operator==(const LogGap&) const = default;
};

/// The days of one kind of log. Adding a row of the hour of the one before costs a comparison.
class LogDays {
 public:
  /// Days are kept from the first to the last: more than these of one kind are counted, no more.
  static constexpr std::size_t kMaxDays = 20'000;

  void add(WallTime at, std::uint64_t rows = 1);
  /// What another has seen is seen here too.
  void add(const LogDays& other);

  bool empty() const { return days_.empty(); }
  std::uint64_t rows() const { return rows_; }
  /// Of those there are; nothing where it is empty.
  std::optional<Day> first() const;
  std::optional<Day> last() const;
  bool covers(Day day) const { return days_.contains(day); }
  std::size_t day_count() const { return days_.size(); }

  /// As it is kept between sweeps: rows, then each day with a bit for each hour.
  std::string to_text() const;
  static std::optional<LogDays> from_text(std::string_view text);

  /// Between first and last row: hours in a row without any, of which at least `kGapHours` are
  /// ones in which four of five days of the same kind (workdays, weekends) have rows. Not judged
  /// (empty) where there are fewer than `kRhythmDays` days.
  std::vector<LogGap> gaps() const;
  static constexpr int kGapHours = 3;
  static constexpr std::size_t kRhythmDays = 4;

 private:
  using Hours = std::uint32_t;  // A bit each.

  bool has(std::int64_t hour) const;
  std::array<std::array<bool, 24>, 2> usual_hours() const;

  std::map<Day, Hours> days_;
  std::uint64_t rows_ = 0;
  std::int64_t last_hour_ = -1;  // Since 1970, of the row before.
};

/// All kinds of a server, by name: "HttpProxy", "IIS", "ECP", "MSExchange Management", …
class LogCoverage {
 public:
  /// The days of a kind, made where it is new. Stays where it is.
  LogDays& of(std::string_view kind);
  /// Null where there is no such kind.
  const LogDays* find(std::string_view kind) const;
  const std::map<std::string, LogDays, std::less<>>& kinds() const { return kinds_; }

 private:
  std::map<std::string, LogDays, std::less<>> kinds_;
};

/// The days from `from` to `to`, both in it, on which none of these kinds has a row.
std::vector<Day> days_without(const LogCoverage& coverage,
                              const std::vector<std::string_view>& kinds, Day from, Day to);

/// "2021-01-03 to 2021-01-09, 2021-02-01"; the first `most` stretches, then "and n more days".
std::string days_text(const std::vector<Day>& days, std::size_t most = 5);

}  // namespace postern::exchange
