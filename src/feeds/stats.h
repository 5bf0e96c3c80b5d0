// The state of the feeds as other threads see it, and how it is exported.
#pragma once

#include <cstdint>
#include <vector>

#include "base/metric.h"
#include "base/time.h"
#include "intel/feed_status.h"
#include "policy/generation.h"

namespace postern::feeds {

struct ShownFeed {
  intel::FeedStatus status;
  std::uint64_t failures = 0;
};

struct Shown {
  std::vector<ShownFeed> feeds;
  microseconds compile_time{};
};

void append_metrics(const Shown& shown, const policy::Generation& generation, Metrics& metrics);

}  // namespace postern::feeds
