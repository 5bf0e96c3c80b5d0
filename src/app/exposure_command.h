// `postern exposure`: who keeps the mail of domains. Needs no running server.
#pragma once

#include "app/command_line.h"

namespace postern::app {

/// Exit codes as those of `sweep` (sweep_commands.h): nothing, findings, not to its end.
int run_exposure(const Arguments& arguments);

}  // namespace postern::app
