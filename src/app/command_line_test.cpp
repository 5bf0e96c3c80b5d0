#include "app/command_line.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "app/commands.h"

namespace postern::app {
namespace {

constexpr Flag kFlags[] = {{"config", 'c', "FILE", "The file."}, {"json", 0, "", "As JSON."}};
constexpr Command kTable[] = {
    {"serve", "", 0, 0, "Serve.", "postern serve", kFlags, nullptr},
    {"feed list", "[NAME]", 0, 1, "List.", "postern feed list", kFlags, nullptr},
    {"query", "NAME [TYPE]", 1, 2, "Ask.", "postern query x", kFlags, nullptr},
};

/// "command: flags | positional", or "error: …", or "none".
std::string read(std::vector<std::string_view> all) {
  std::span<const std::string_view> words = all;
  const Command* command = find_command(kTable, words);
  if (command == nullptr) return "none";
  const auto arguments = read_arguments(*command, words);
  if (!arguments) return "error: " + arguments.error().text;
  std::string out(command->name);
  for (const auto flag : {"config", "json", "help"}) {
    for (const auto& value : arguments->values(flag)) out += std::string(" ") + flag + "=" + value;
  }
  for (const auto& word : arguments->positional()) out += " " + word;
  return out;
}

TEST(CommandLine, WordsAreReadByTheTable) {
  struct Case {
    std::vector<std::string_view> words;
    std::string want;
  };
  const Case cases[] = {
      {{"serve"}, "serve"},
      {{"serve", "-c", "f"}, "serve config=f"},
      {{"serve", "-cf"}, "serve config=f"},
      {{"serve", "--config", "f", "--json"}, "serve config=f json="},
      {{"serve", "--config=f=g"}, "serve config=f=g"},
      {{"serve", "--config="}, "serve config="},
      {{"serve", "-c", "f", "-c", "g"}, "serve config=f config=g"},
      {{"feed", "list", "x"}, "feed list x"},
      {{"query", "a", "AAAA"}, "query a AAAA"},
      {{"query", "--", "-c"}, "query -c"},
      {{"query", "-"}, "query -"},
      {{"query", "--help"}, "query help="},  // Nothing else is demanded then.
      {{"serve", "-h"}, "serve help="},
      {{"feed"}, "none"},
      {{"feed", "rm"}, "none"},
      {{"serv"}, "none"},
      {{"serve", "--wrong"}, "error: --wrong is not known here (see \"postern serve --help\")"},
      {{"serve", "-x"}, "error: -x is not known here (see \"postern serve --help\")"},
      {{"serve", "-c"}, "error: -c needs FILE (see \"postern serve --help\")"},
      {{"serve", "--json=1"}, "error: --json takes no value (see \"postern serve --help\")"},
      {{"serve", "x"}, "error: \"x\" is one word too many (see \"postern serve --help\")"},
      {{"query"}, "error: NAME [TYPE] is missing (see \"postern query --help\")"},
      {{"query", "a", "b", "c"},
       "error: \"c\" is one word too many (see \"postern query --help\")"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.want);
    EXPECT_EQ(read(c.words), c.want);
  }
}

TEST(CommandLine, AnUnknownCommandIsToldWhatThereIs) {
  struct Case {
    std::vector<std::string_view> words;
    std::string want;
  };
  const Case cases[] = {
      {{"serv"}, "there is no command \"serv\" (see \"postern --help\")"},
      {{"feed"}, "there is no command \"feed\"; there is \"feed list\""},
      {{"feed", "rm", "x"}, "there is no command \"feed rm\"; there is \"feed list\""},
  };
  for (const Case& c : cases) EXPECT_EQ(unknown_command_text(kTable, c.words), c.want);
}

// Each command can be run, says what it does, and shows an example that its own table takes.
TEST(Commands, EachIsWhole) {
  std::set<std::string_view> names;
  for (const Command& command : commands()) {
    SCOPED_TRACE(command.name);
    EXPECT_TRUE(names.insert(command.name).second);
    EXPECT_NE(command.run, nullptr);
    EXPECT_FALSE(command.summary.empty());
    EXPECT_LE(command.min_positional, command.max_positional);
    std::set<std::string_view> flags = {"help"};
    std::set<char> letters = {'h'};
    for (const Flag& flag : command.flags) {
      EXPECT_TRUE(flags.insert(flag.name).second) << flag.name;
      EXPECT_TRUE(flag.letter == 0 || letters.insert(flag.letter).second) << flag.name;
      EXPECT_TRUE(flag.help.ends_with('.')) << flag.name;
    }
    const std::string help = help_text(command);
    EXPECT_NE(help.find(command.example), std::string::npos);
    if (command.name == "completion") continue;  // Its example is a line of shell.
    std::vector<std::string_view> words;
    for (std::size_t from = 0, to = 0; from < command.example.size(); from = to + 1) {
      to = std::min(command.example.find(' ', from), command.example.size());
      words.push_back(command.example.substr(from, to - from));
    }
    ASSERT_EQ(words.front(), "postern");
    std::span<const std::string_view> rest = words;
    rest = rest.subspan(1);
    EXPECT_EQ(find_command(commands(), rest), &command);
    EXPECT_TRUE(read_arguments(command, rest).has_value());
  }
}

TEST(Commands, WrongUsageIsStatusTwo) {
  struct Case {
    std::vector<std::string_view> words;
    int want;
  };
  const Case cases[] = {
      {{}, kExitUsage},
      {{"--help"}, kExitGood},
      {{"--version"}, kExitGood},
      {{"nonsense"}, kExitUsage},
      {{"query"}, kExitUsage},
      {{"query", "a..b"}, kExitUsage},
      {{"query", "a.example", "NOTATYPE"}, kExitUsage},
      {{"query", "a.example", "--server", "nowhere"}, kExitUsage},
      {{"feed"}, kExitUsage},
      {{"explain"}, kExitUsage},
      {{"explain", "a..b"}, kExitUsage},
      {{"log", "--limit", "0"}, kExitUsage},
      {{"log", "--limit", "100001"}, kExitUsage},
      {{"log", "--limit", "5x"}, kExitUsage},
      {{"log", "--limit", "5", "--follow"}, kExitUsage},
      {{"explain", "a.example", "--trace", "bbbbbbbb"}, kExitUsage},
      {{"explain", "--trace", "bbbbbbbb", "--type", "A"}, kExitUsage},
      {{"completion", "fish"}, kExitUsage},
      {{"completion", "bash"}, kExitGood},
      {{"status", "--socket", "/nonexistent/socket"}, kExitFailed},
      {{"status", "-c", "/nonexistent/file"}, kExitFailed},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.words.empty() ? "" : std::string(c.words[0]));
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    EXPECT_EQ(run("postern", c.words), c.want);
    const std::string out =
        testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
    EXPECT_FALSE(out.empty());
  }
}

TEST(Commands, TheReferenceIsCurrent) {
  const std::string path = std::string(POSTERN_SOURCE_DIR) + "/docs/reference/commands.md";
  const std::string text = commands_markdown(commands());
  const char* update = std::getenv("POSTERN_UPDATE_GOLDEN");
  if (update != nullptr && std::string_view(update) == "1") std::ofstream(path) << text;
  std::ifstream file(path);
  const std::string is{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(is, text) << "run with POSTERN_UPDATE_GOLDEN=1";
}

// bash itself takes the script and completes by it.
TEST(Commands, CompletionWorksInBash) {
  const std::string path = testing::TempDir() + "postern_completion.bash";
  std::FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs(bash_completion(commands()).c_str(), file);
  std::fputs(
      "COMP_WORDS=(postern feed li); COMP_CWORD=2; _postern; echo \"${COMPREPLY[@]}\"\n"
      "COMP_WORDS=(postern log --dis); COMP_CWORD=2; _postern; echo \"${COMPREPLY[@]}\"\n"
      "COMP_WORDS=(postern expl); COMP_CWORD=1; _postern; echo \"${COMPREPLY[@]}\"\n",
      file);
  std::fclose(file);
  std::FILE* bash = ::popen(("bash --norc " + path + " 2>&1").c_str(), "r");
  ASSERT_NE(bash, nullptr);
  std::string out;
  char block[256];
  while (std::fgets(block, sizeof block, bash) != nullptr) out += block;
  EXPECT_EQ(::pclose(bash), 0);
  EXPECT_EQ(out, "list\n--disposition\nexplain\n");
  std::remove(path.c_str());
}

}  // namespace
}  // namespace postern::app
