#include "feeds/schedule.h"

#include <algorithm>

namespace postern::feeds {

microseconds until_next_try(const Rhythm& rhythm, std::uint32_t failures, double chance) {
  microseconds wait = rhythm.refresh;
  if (failures > 0) {
    constexpr std::uint32_t kMaxDoublings = 20;  // A million times: over any refresh there is.
    const std::int64_t factor = 1LL << std::min(failures - 1, kMaxDoublings);
    wait = std::min(microseconds(rhythm.first_retry) * factor, wait);
  }
  return microseconds(
      static_cast<std::int64_t>(static_cast<double>(wait.count()) * (0.9 + 0.2 * chance)));
}

}  // namespace postern::feeds
