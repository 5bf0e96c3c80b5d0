// Asking a running server: what every command that does so shares.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "app/command_line.h"
#include "app/control_client.h"
#include "app/json.h"
#include "base/result.h"

namespace postern::app {

/// Says what went wrong; gives the exit code.
int complain(const Error& error);
/// The same where the server refused, or was not there.
int refused(const Error& error);
/// Says what is wrong with a command line that fits the table of commands.
int misused(std::string_view command, std::string_view text);

/// The server that the flags mean. Errors as those of control_socket_of.
Result<ControlClient> client_of(const Arguments& arguments);
Result<std::string> get(const Arguments& arguments, const std::string& path);
/// `json`: the body; empty for none.
Result<std::string> post(const Arguments& arguments, const std::string& path,
                         const std::string& json = "");

/// Prints an answer as it is with --json, else as `view` shows it. Gives the exit code.
int show(const Arguments& arguments, const Result<std::string>& body,
         const std::function<std::string(const Json&)>& view);

}  // namespace postern::app
