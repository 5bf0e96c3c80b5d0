// What a sweep found, as text for a terminal and as JSON.
#pragma once

#include <string>
#include <vector>

#include "host/sweep_work.h"

namespace postern::app {

/// For a person. Whatever a swept server wrote is made fit for a terminal.
std::string sweep_text(const std::vector<host::SweepReport>& reports, bool in_colour);

/// For programs: one object; docs/operating/sweep.md says what is in it.
std::string sweep_json(const std::vector<host::SweepReport>& reports);

}  // namespace postern::app
