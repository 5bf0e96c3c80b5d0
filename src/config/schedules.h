// What is in force for a group at some hours.
#pragma once

#include "config/config.h"

namespace postern::config {

/// The group as it is during those hours: its own, with what `during` says instead. Its name is the
/// group's; it has no clients and no lists of its own.
Group group_during(const Group& group, const During& during);

}  // namespace postern::config
