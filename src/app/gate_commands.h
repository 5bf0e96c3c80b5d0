// Commands at the gate: what an update of a feed would do here, and what becomes of it.
#pragma once

#include "app/command_line.h"

namespace postern::app {

int run_feed_preview(const Arguments& arguments);
int run_feed_diff(const Arguments& arguments);
int run_feed_activate(const Arguments& arguments);
int run_feed_reject(const Arguments& arguments);
int run_feed_rollback(const Arguments& arguments);

}  // namespace postern::app
