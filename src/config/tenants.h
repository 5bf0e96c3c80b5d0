// What the groups of one organisation have in common.
#pragma once

#include "config/config.h"

namespace postern::config {

/// Gives each group what its tenant has: `feeds` and `answer` where it has none of its own, and
/// what the tenant is `without` besides its own. Their own lists stay apart: a group's stands
/// before its tenant's (docs/reference/who.md). Every tenant that is named must be there.
void inherit_from_tenants(Config& config);

}  // namespace postern::config
