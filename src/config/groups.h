// Which lists are in force for a group of clients, and in which order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace postern::config {

/// Lists that are not feeds, in the order in which they stand before all feeds: policy.allow,
/// policy.block, the packs.
inline constexpr std::string_view kBuiltInLists[] = {"allow", "block", "hafnium"};

/// What decides before all lists is called so in records: no feed may be.
inline constexpr std::string_view kExceptionsList = "exceptions";

/// The names of the lists in force for `group`, first one first; a list that holds nothing may be
/// among them. Without `feeds`: the built-in lists, then all feeds in the file's order. With it:
/// the named ones in that order, and each built-in list that it does not name before whatever comes
/// after it otherwise, so that leaving one out never takes protection away. What `without` has is
/// in neither.
std::vector<std::string> lists_of(const Config& config, const Group& group);

}  // namespace postern::config
