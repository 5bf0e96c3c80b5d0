// Commands that ask: a running server by its control socket, or any server by DNS.
#pragma once

#include "app/command_line.h"

namespace postern::app {

int run_query(const Arguments& arguments);
int run_explain(const Arguments& arguments);
int run_log(const Arguments& arguments);
int run_allow(const Arguments& arguments);
int run_block(const Arguments& arguments);
int run_exception_list(const Arguments& arguments);
int run_exception_remove(const Arguments& arguments);
int run_audit(const Arguments& arguments);
int run_token_new(const Arguments& arguments);
int run_status(const Arguments& arguments);
int run_feed_list(const Arguments& arguments);
int run_feed_update(const Arguments& arguments);
int run_reload(const Arguments& arguments);

}  // namespace postern::app
