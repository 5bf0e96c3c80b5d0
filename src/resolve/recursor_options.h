// The settings of libunbound that recursion runs with, as text pairs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "resolve/factory.h"

namespace postern::resolve {

/// Questions that one libunbound context may work on at once, abandoned ones included. Measured:
/// 25 kB each inside libunbound, about 100 MB in all, for zones whose servers are silent.
inline constexpr unsigned kMaxRunningPerThread = 4096;

/// Options for ub_ctx_set_option ("name:", value), in the order in which they must be set.
std::vector<std::pair<std::string, std::string>> unbound_options(const RecursorOptions& options);

/// The root's trust anchors as IANA publishes them (root-anchors.xml): DS records of KSK-2017
/// and KSK-2024.
std::vector<std::string> builtin_root_anchors();

}  // namespace postern::resolve
