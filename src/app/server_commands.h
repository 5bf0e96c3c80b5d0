// Commands that need no running server: serve is one, check looks before it.
#pragma once

#include "app/command_line.h"

namespace postern::app {

int run_serve(const Arguments& arguments);
int run_check(const Arguments& arguments);

}  // namespace postern::app
