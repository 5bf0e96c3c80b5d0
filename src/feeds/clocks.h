// The clocks, as the shell reads them.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace postern::feeds {

/// Seconds since 1970 UTC, as TSIG and serial numbers count.
std::uint64_t wall_seconds();
WallTime wall_now();
MonoTime mono_now();

}  // namespace postern::feeds
