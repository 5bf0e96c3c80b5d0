// The state of the feeds as other threads see it, and how it is exported.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/metric.h"
#include "base/time.h"
#include "dns/name.h"
#include "intel/feed_status.h"
#include "policy/generation.h"

namespace postern::feeds {

struct ShownFeed {
  intel::FeedStatus status;
  std::uint64_t failures = 0;
  // Of a transferred zone.
  std::optional<dns::Name> zone;
  std::vector<IpAddress> primaries;
  bool is_expired = false;
  bool is_local = false;  ///< Built in, from the configuration, or a file.
  std::shared_ptr<const std::string> gate_report = nullptr;  ///< JSON; null where there is none.
};

struct Shown {
  std::vector<ShownFeed> feeds;
  microseconds compile_time{};
  std::uint64_t unpack_waits = 0;
  std::vector<std::uint64_t> kept_generations;  ///< The newest first.
};

void append_metrics(const Shown& shown, const policy::Generation& generation, Metrics& metrics);

}  // namespace postern::feeds
