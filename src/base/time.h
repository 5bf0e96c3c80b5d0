// The two kinds of time that are passed as arguments; nothing in the core reads a clock.
#pragma once

#include <chrono>

namespace postern {

/// Microseconds since 1970-01-01T00:00:00Z: for records, TTLs on disk, display.
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

/// Monotonic microseconds: for deadlines, cache ages, durations.
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::microseconds>;

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace postern
