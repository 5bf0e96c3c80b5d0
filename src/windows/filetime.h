// Windows' times: 100 nanoseconds since 1601, and the broken-down one.
#pragma once

#include <cstdint>
#include <optional>

#include "base/octets.h"
#include "base/time.h"

namespace postern::windows {

/// Ticks of 100 ns since 1601-01-01T00:00:00Z as time of day; what is finer than it is cut off.
WallTime wall_time_of_filetime(std::uint64_t ticks);

/// The 16 octets of a SYSTEMTIME (in UTC) as ticks; nothing where they are no date.
std::optional<std::uint64_t> filetime_of_systemtime(OctetView systemtime);

/// The last tick that has a date here: Windows' calendar ends with the year 30827.
inline constexpr std::uint64_t kMaxDateTicks = 9'223'149'887'999'999'999ULL;

/// A tick's date and time of day, for display.
struct TickTime {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  std::uint32_t ticks = 0;  ///< Of 100 ns, beyond the second.
};
/// `ticks` is at most kMaxDateTicks.
TickTime tick_time_of(std::uint64_t ticks);

}  // namespace postern::windows
