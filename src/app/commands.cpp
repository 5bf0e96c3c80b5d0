#include "app/commands.h"

#include <cstdio>

#include <fmt/format.h>

namespace postern::app {
namespace {

int run_completion(const Arguments& arguments) {
  if (arguments.positional().front() != "bash") {
    std::fputs("postern completion: only bash is known\n", stderr);
    return kExitUsage;
  }
  std::fputs(bash_completion(commands()).c_str(), stdout);
  return kExitGood;
}

constexpr Command kCommands[] = {
    {"completion",
     "bash",
     1,
     1,
     "Print a script that lets the shell complete commands and flags.",
     "eval \"$(postern completion bash)\"",
     {},
     run_completion},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

int run(std::span<const std::string_view> words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    std::fputs(overview_text(commands()).c_str(), words.empty() ? stderr : stdout);
    return words.empty() ? kExitUsage : kExitGood;
  }
  if (words[0] == "--version") {
    fmt::print("postern {}\n", POSTERN_VERSION);
    return kExitGood;
  }
  const Command* command = find_command(commands(), words);
  if (command == nullptr) {
    fmt::print(stderr, "postern: there is no command \"{}\" (see \"postern --help\")\n", words[0]);
    return kExitUsage;
  }
  const auto arguments = read_arguments(*command, words);
  if (!arguments) {
    fmt::print(stderr, "postern {}: {}\n", command->name, arguments.error().text);
    return kExitUsage;
  }
  if (arguments->wants_help()) {
    std::fputs(help_text(*command).c_str(), stdout);
    return kExitGood;
  }
  return command->run(*arguments);
}

}  // namespace postern::app
