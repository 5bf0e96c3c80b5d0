// The work itself, wherever it is done: a text read as a feed, an image built of many.
#pragma once

#include <span>

#include "base/result.h"
#include "feeds/build_orders.h"
#include "feeds/shared_memory.h"

namespace postern::feeds {

/// Reads `text` and appends its rules, packed, to `rules`.
Result<ReadFacts> carry_out(const ReadOrder& order, std::string_view text, SharedMemory& rules);

/// Builds the image and appends it to `image`. Errors: `corrupt` for inputs that are not what the
/// order says; a limit (policy/limits.h).
Result<void> carry_out(const BuildOrder& order, std::span<const SharedMemory* const> inputs,
                       SharedMemory& image);

}  // namespace postern::feeds
