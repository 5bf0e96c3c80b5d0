// Commands of quarantine: what would be taken out of a tree, taking it, putting it back.
#pragma once

#include "app/command_line.h"

namespace postern::app {

int run_quarantine_plan(const Arguments& arguments);
int run_quarantine_apply(const Arguments& arguments);
int run_quarantine_rollback(const Arguments& arguments);

}  // namespace postern::app
