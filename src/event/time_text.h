// Moments as people and other programs read them.
#pragma once

#include <string>

#include "base/time.h"

namespace postern::event {

/// RFC 3339 in UTC with microseconds: "2026-03-02T08:00:00.000001Z". For years 0 to 9999.
std::string to_rfc3339(WallTime at);

}  // namespace postern::event
