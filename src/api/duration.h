// Lengths of time as people write them: "90s", "30m", "1h", "2d".
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace postern::api {

/// A whole number and s, m, h or d; nothing for any other text. At most some ten thousand years.
std::optional<seconds> duration_from_text(std::string_view text);

}  // namespace postern::api
