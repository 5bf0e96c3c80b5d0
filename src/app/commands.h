// Postern's commands: the table, and one function each.
#pragma once

#include <span>

#include "app/command_line.h"

namespace postern::app {

/// Every command, in the order of the overview.
std::span<const Command> commands();

/// The whole program but for `main`: its name as it was called, and the words behind it; its exit
/// status.
int run(std::string_view program, std::span<const std::string_view> words);

}  // namespace postern::app
