// When to try a feed again. Pure: chance is an argument.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace postern::feeds {

struct Rhythm {
  seconds refresh{3600};
  seconds first_retry{30};
};

/// How long after a try the next one is due: after a success `refresh`; after the n-th failure in
/// a row first_retry * 2^(n-1), at most `refresh`. ± 10 %, by `chance` of 0 (inclusive) to 1, so
/// that a thousand servers do not ask at the same moment.
microseconds until_next_try(const Rhythm& rhythm, std::uint32_t failures, double chance);

}  // namespace postern::feeds
