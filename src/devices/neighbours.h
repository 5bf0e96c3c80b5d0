// The kernel's neighbour table: which hardware addresses the hosts of our own links have (ARP, RFC
// 826; neighbour discovery, RFC 4861).
#pragma once

#include <vector>

#include "base/result.h"
#include "policy/device_table.h"

namespace postern::devices {

/// All entries of this network namespace that have been resolved (rtnetlink(7), RTM_GETNEIGH).
/// Errors: those of the system.
Result<std::vector<policy::DeviceAddress>> read_neighbours();

}  // namespace postern::devices
