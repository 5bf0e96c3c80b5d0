// Points in time as feeds write them.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace postern::intel {

/// "2021-03-02T00:00:00.000Z", "2021-03-02 10:20:30+01:00", "2021-03-02T10:20", "2021-03-02"
/// (RFC 3339, and what is common of ISO 8601). Without a zone: UTC; digits past microseconds are
/// dropped; a leap second is the second after it. Nothing, if it is no such text or no such day.
std::optional<WallTime> read_timestamp(std::string_view text);

}  // namespace postern::intel
