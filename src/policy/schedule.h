// Schedules: hours of the week, by the wall clock of a place.
//
// Start at Schedule::holds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace postern::policy {

/// How far the clocks of a place are from UTC, over time. A value; data that somebody else has
/// read.
class TimeZone {
 public:
  struct Offset {
    std::int64_t from_s = 0;    ///< Seconds since 1970 from which on it holds.
    std::int32_t offset_s = 0;  ///< East of UTC.
    bool operator==(const Offset&) const = default;
  };

  /// UTC.
  TimeZone() = default;
  /// Sorted by `from_s`; the first one holds before that, too.
  explicit TimeZone(std::vector<Offset> offsets);

  seconds offset_at(WallTime at) const;
  bool operator==(const TimeZone&) const = default;

 private:
  std::vector<Offset> offsets_;
};

/// From one time of day to another, on some days of the week. Where the end is not behind the
/// beginning it is that of the next day.
struct Window {
  std::uint8_t days = 0;          ///< On which it begins: bit 0 Monday, bit 6 Sunday.
  std::uint16_t from_minute = 0;  ///< Of the day, below 1440.
  std::uint16_t to_minute = 0;    ///< At most 1440.

  bool operator==(const Window&) const = default;
};

/// Reads "mon-fri 21:00-07:00", "sat,sun 00:00-24:00", "daily 12:00-13:00". An error says what is
/// wrong, to be read behind the text.
Result<Window> window_from_text(std::string_view text);

struct Schedule {
  std::string name;
  TimeZone zone{};
  std::vector<Window> windows{};

  /// Whether `at` is in one of the windows, by the wall clock there: a window that begins in an
  /// hour that the clocks leave out begins when they go on; one that ends in an hour that they
  /// repeat ends each time. Costs about 20 ns and as much for each window.
  bool holds(WallTime at) const;
};

}  // namespace postern::policy
