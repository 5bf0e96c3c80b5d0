// The command line: a table of commands and flags, and how arguments are read by it.
//
// Start at `read_arguments`. The table of Postern's own commands is in commands.h.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::app {

/// Exit codes of every command.
inline constexpr int kExitGood = 0;
inline constexpr int kExitFailed = 1;  ///< A problem was found, or it could not be done.
inline constexpr int kExitUsage = 2;   ///< The command line is wrong.

struct Flag {
  std::string_view name;      ///< Without the dashes: "config".
  char letter = 0;            ///< 'c' for "-c"; 0 for none.
  std::string_view argument;  ///< "FILE"; empty for a flag without a value.
  std::string_view help;
};

class Arguments;

struct Command {
  std::string_view name;        ///< One word or two: "serve", "feed list".
  std::string_view positional;  ///< For the usage line: "NAME [TYPE]".
  std::size_t min_positional = 0;
  std::size_t max_positional = 0;
  std::string_view summary;     ///< One line.
  std::string_view example;     ///< A whole command line.
  std::span<const Flag> flags;  ///< Besides --help.
  int (*run)(const Arguments&) = nullptr;
  /// What its exit statuses mean, where that is not what they mean elsewhere.
  std::string_view exits{};
};

/// What was given on a command line that fits a command.
class Arguments {
 public:
  bool has(std::string_view flag) const { return values_.contains(std::string(flag)); }
  /// The value given last; nothing where the flag was not given.
  std::optional<std::string> value(std::string_view flag) const;
  std::vector<std::string> values(std::string_view flag) const;
  const std::vector<std::string>& positional() const { return positional_; }
  /// How the program was called, to show how to call it again: "build/postern".
  const std::string& program() const { return program_; }
  bool wants_help() const { return has("help"); }

  void add(std::string_view flag, std::string value);
  void set_program(std::string_view program) { program_ = program; }
  void add_positional(std::string value) { positional_.push_back(std::move(value)); }

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> positional_;
  std::string program_ = "postern";
};

/// The command that the words begin with; takes its words off. Null where there is none.
const Command* find_command(std::span<const Command> commands,
                            std::span<const std::string_view>& words);

/// What to say where there is none: which words may follow the first one, if any may.
std::string unknown_command_text(std::span<const Command> commands,
                                 std::span<const std::string_view> words);

/// Reads the words behind a command: "--flag value", "--flag=value", "-c value", "-cvalue", "--"
/// ends the flags. With --help nothing else is demanded. Errors say what to do.
Result<Arguments> read_arguments(const Command& command, std::span<const std::string_view> words);

/// Usage, flags and an example.
std::string help_text(const Command& command);
/// All commands, a line each.
std::string overview_text(std::span<const Command> commands);
/// All of it as a Markdown reference: docs/reference/commands.md.
std::string commands_markdown(std::span<const Command> commands);
/// A script for bash: `eval "$(postern completion bash)"`.
std::string bash_completion(std::span<const Command> commands);

}  // namespace postern::app
