// Time zones by their names in the system's database.
#pragma once

#include <string>

#include "base/result.h"
#include "policy/schedule.h"

namespace postern::app {

/// "Europe/Berlin", "UTC": with all changes of the clocks from 2000 to 2100, as far as they are
/// known. `not_found` where there is no such zone.
Result<policy::TimeZone> load_time_zone(const std::string& name);

}  // namespace postern::app
