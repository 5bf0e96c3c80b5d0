// What the gate says, as text for people.
#pragma once

#include <string>

#include "app/json.h"

namespace postern::app {

/// A GateReport: what an update would do here, and why it is held.
std::string view_gate_report(const Json& report);
/// Its rules that are new and those that are gone, "+" and "-" before them.
std::string view_gate_diff(const Json& report);
/// Which generations can be rolled back to.
std::string view_generations(const Json& generations);

}  // namespace postern::app
