// Moments as packs write them, and as people read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "files/metadata.h"

namespace postern::evidence {

/// Seconds since 1970 in UTC, exact: "1614643200.123456700"; before it, negative. What `date -d @…`
/// and `touch -d @…` take.
std::string to_decimal(const files::Time& time);
/// The way back; nothing where it is not written just so.
std::optional<files::Time> from_decimal(std::string_view text);

/// RFC 3339 in UTC to the second: "2021-03-02T00:00:00Z".
std::string to_utc(WallTime at);

}  // namespace postern::evidence
