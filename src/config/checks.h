// What no single option can tell: values that do not go together.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/yaml.h"

namespace postern::config {

inline constexpr std::size_t kMaxFeeds = 1000;  ///< policy::Generation takes 1024 zones.
inline constexpr std::size_t kMaxGroups = 1000;
inline constexpr std::size_t kMaxForwardZones = 1000;

/// What was read, with where each list item stands: `feeds[i]` was read from `feed_nodes[i]`.
struct Draft {
  Config config;
  std::vector<const Node*> feed_nodes;
  std::vector<const Node*> group_nodes;
  std::vector<const Node*> forward_nodes;
};

/// Names of zones that are not feeds: policy.allow, policy.block, the pack.
inline constexpr std::string_view kBuiltInZones[] = {"allow", "block", "hafnium"};

void check(const Draft& draft, const Node& root, Problems& problems);

}  // namespace postern::config
