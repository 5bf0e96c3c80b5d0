#include "app/command_line.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace postern::app {
namespace {

constexpr Flag kHelp = {"help", 'h', "", "Show this."};

const Flag* find_flag(const Command& command, std::string_view name) {
  if (name == kHelp.name) return &kHelp;
  const auto at = std::ranges::find(command.flags, name, &Flag::name);
  return at == command.flags.end() ? nullptr : &*at;
}

const Flag* find_letter(const Command& command, char letter) {
  if (letter == kHelp.letter) return &kHelp;
  const auto at = std::ranges::find(command.flags, letter, &Flag::letter);
  return at == command.flags.end() ? nullptr : &*at;
}

Error usage_error(const Command& command, std::string text) {
  return {Errc::invalid_input,
          fmt::format("{} (see \"postern {} --help\")", std::move(text), command.name)};
}

/// One word of the command line that begins with a dash, in parts.
struct FlagWord {
  const Flag* flag = nullptr;
  std::optional<std::string_view> value;  ///< Where it is part of the word.
};

FlagWord split_flag(const Command& command, std::string_view word) {
  if (!word.starts_with("--")) {
    FlagWord out{.flag = find_letter(command, word[1]), .value = std::nullopt};
    if (word.size() > 2) out.value = word.substr(2);
    return out;
  }
  const std::size_t equals = word.find('=');
  FlagWord out{
      .flag = find_flag(command, word.substr(2, equals == word.npos ? equals : equals - 2)),
      .value = std::nullopt};
  if (equals != std::string_view::npos) out.value = word.substr(equals + 1);
  return out;
}

std::string flag_text(const Flag& flag) {
  std::string out = flag.letter != 0 ? fmt::format("-{}, --{}", flag.letter, flag.name)
                                     : fmt::format("    --{}", flag.name);
  if (!flag.argument.empty()) out += fmt::format(" {}", flag.argument);
  return out;
}

}  // namespace

std::optional<std::string> Arguments::value(std::string_view flag) const {
  const auto at = values_.find(std::string(flag));
  if (at == values_.end()) return std::nullopt;
  return at->second.back();
}

std::vector<std::string> Arguments::values(std::string_view flag) const {
  const auto at = values_.find(std::string(flag));
  return at == values_.end() ? std::vector<std::string>() : at->second;
}

void Arguments::add(std::string_view flag, std::string value) {
  values_[std::string(flag)].push_back(std::move(value));
}

const Command* find_command(std::span<const Command> commands,
                            std::span<const std::string_view>& words) {
  for (const Command& command : commands) {
    const std::size_t space = command.name.find(' ');
    const std::size_t count = space == std::string_view::npos ? 1 : 2;
    if (words.size() < count || words[0] != command.name.substr(0, space)) continue;
    if (count == 2 && words[1] != command.name.substr(space + 1)) continue;
    words = words.subspan(count);
    return &command;
  }
  return nullptr;
}

std::string unknown_command_text(std::span<const Command> commands,
                                 std::span<const std::string_view> words) {
  std::vector<std::string> longer;
  for (const Command& command : commands) {
    if (command.name.starts_with(fmt::format("{} ", words[0]))) {
      longer.push_back(fmt::format("\"{}\"", command.name));
    }
  }
  if (longer.empty()) {
    return fmt::format("there is no command \"{}\" (see \"postern --help\")", words[0]);
  }
  return fmt::format("there is no command \"{}\"; there is {}",
                     fmt::join(words.first(std::min<std::size_t>(words.size(), 2)), " "),
                     fmt::join(longer, " and "));
}

Result<Arguments> read_arguments(const Command& command, std::span<const std::string_view> words) {
  Arguments out;
  bool flags_ended = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (flags_ended || word.size() < 2 || word.front() != '-') {
      out.add_positional(std::string(word));
      continue;
    }
    if (word == "--") {
      flags_ended = true;
      continue;
    }
    FlagWord parts = split_flag(command, word);
    if (parts.flag == nullptr) {
      return Unexpected(usage_error(command, fmt::format("{} is not known here", word)));
    }
    const bool takes_value = !parts.flag->argument.empty();
    if (takes_value && !parts.value) {
      if (i + 1 == words.size()) {
        return Unexpected(
            usage_error(command, fmt::format("{} needs {}", word, parts.flag->argument)));
      }
      parts.value = words[++i];
    }
    if (!takes_value && parts.value) {
      return Unexpected(usage_error(command, fmt::format("--{} takes no value", parts.flag->name)));
    }
    out.add(parts.flag->name, std::string(parts.value.value_or("")));
  }
  if (out.wants_help()) return out;
  if (out.positional().size() < command.min_positional) {
    return Unexpected(usage_error(command, fmt::format("{} is missing", command.positional)));
  }
  if (out.positional().size() > command.max_positional) {
    return Unexpected(usage_error(command, fmt::format("\"{}\" is one word too many",
                                                       out.positional()[command.max_positional])));
  }
  return out;
}

std::string help_text(const Command& command) {
  std::string out = fmt::format("{}\n\nusage: postern {}", command.summary, command.name);
  if (!command.positional.empty()) out += fmt::format(" {}", command.positional);
  out += " [flags]\n\n";
  std::vector<Flag> flags(command.flags.begin(), command.flags.end());
  flags.push_back(kHelp);
  std::size_t width = 0;
  for (const Flag& flag : flags) width = std::max(width, flag_text(flag).size());
  for (const Flag& flag : flags)
    out += fmt::format("  {:<{}}  {}\n", flag_text(flag), width, flag.help);
  out += fmt::format("\nexample:\n  {}\n", command.example);
  constexpr std::string_view kExits =
      "0 good; 1 a problem was found, or it could not be done; 2 wrong usage";
  return out + fmt::format("\nexit status: {}\n", command.exits.empty() ? kExits : command.exits);
}

std::string overview_text(std::span<const Command> commands) {
  std::string out = "Postern, a protective DNS resolver.\n\nusage: postern COMMAND [arguments]\n\n";
  std::size_t width = 0;
  for (const Command& command : commands) width = std::max(width, command.name.size());
  for (const Command& command : commands) {
    out += fmt::format("  {:<{}}  {}\n", command.name, width, command.summary);
  }
  return out + "\n\"postern COMMAND --help\" says more; \"postern --version\" shows the version.\n";
}

std::string commands_markdown(std::span<const Command> commands) {
  std::string out =
      "# Commands\n\n<!-- Generated from src/app/commands.cpp; a test holds it current. -->\n\n"
      "`postern COMMAND [arguments]`. Exit status of all: 0 good; 1 a problem was found, or it "
      "could not "
      "be done; 2 wrong usage. `-h`, `--help` explains each, `--` ends the flags, `postern "
      "--version` "
      "shows the version.\n\n"
      "Commands that ask a running server find its control socket by, in this order: `--socket`; "
      "`--state-dir` and `-c` (state folder and configuration, as given to `serve`); "
      "/etc/postern/postern.yaml where it can be read; the default state folder. Only the server's "
      "own "
      "user and root may speak to the socket.\n";
  for (const Command& command : commands) {
    const std::string positional =
        command.positional.empty() ? "" : fmt::format(" {}", command.positional);
    out += fmt::format("\n## postern {}\n\n{}\n\n`postern {}{} [flags]`\n\n", command.name,
                       command.summary, command.name, positional);
    for (const Flag& flag : command.flags) {
      const std::string letter = flag.letter != 0 ? fmt::format("`-{}`, ", flag.letter) : "";
      const std::string argument = flag.argument.empty() ? "" : fmt::format(" {}", flag.argument);
      out += fmt::format("- {}`--{}{}`: {}\n", letter, flag.name, argument, flag.help);
    }
    out += fmt::format("{}    {}\n", command.flags.empty() ? "" : "\n", command.example);
  }
  return out;
}

std::string bash_completion(std::span<const Command> commands) {
  std::set<std::string_view> first_words;
  std::map<std::string_view, std::string> second_words;
  std::string cases;
  for (const Command& command : commands) {
    const std::size_t space = command.name.find(' ');
    first_words.insert(command.name.substr(0, space));
    if (space != std::string_view::npos) {
      second_words[command.name.substr(0, space)] +=
          fmt::format(" {}", command.name.substr(space + 1));
    }
    std::string flags = "--help";
    for (const Flag& flag : command.flags) flags += fmt::format(" --{}", flag.name);
    cases += fmt::format("    \"{}\"*) words=\"{}\" ;;\n", command.name, flags);
  }
  std::string firsts;
  for (const std::string_view word : first_words) firsts += fmt::format("{} ", word);
  std::string seconds_cases;
  for (const auto& [first, rest] : second_words) {
    seconds_cases += fmt::format("    {}) words=\"{}\" ;;\n", first, rest.substr(1));
  }
  return fmt::format(
      "_postern() {{\n"
      "  local word=\"${{COMP_WORDS[COMP_CWORD]}}\" before=\"${{COMP_WORDS[COMP_CWORD-1]}}\" "
      "words=\"\"\n"
      "  case \"$before\" in\n"
      "    -c|--config|--state-dir|--socket) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
      "  esac\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W \"{}\" -- \"$word\")); return; "
      "fi\n"
      "  if [ \"$COMP_CWORD\" -eq 2 ]; then case \"$before\" in\n{}  esac; fi\n"
      "  [ -n \"$words\" ] || case \"${{COMP_WORDS[*]:1}}\" in\n{}  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "}}\n"
      "complete -F _postern postern\n",
      firsts, seconds_cases, cases);
}

}  // namespace postern::app
