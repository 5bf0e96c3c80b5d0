// scenario_runner FILE…: plays scenarios and says, by file and line, what came out otherwise.
//
// Exit status: 0 where all went as expected, 1 where something did not, 2 where a file does not
// read.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "scenario.h"
#include "scenario_player.h"

namespace {

constexpr int kOtherwise = 1;
constexpr int kUnreadable = 2;

std::optional<std::string> content_of(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

int run(const char* path) {
  const auto text = content_of(path);
  if (!text) {
    std::fprintf(stderr, "%s: cannot be read\n", path);
    return kUnreadable;
  }
  const auto scenario = postern::scenario::parse(*text);
  if (!scenario) {
    std::fprintf(stderr, "%s:%zu: %s\n", path, scenario.error().line,
                 scenario.error().text.c_str());
    return kUnreadable;
  }
  const auto failures = postern::scenario::play(*scenario);
  for (const auto& failure : failures) {
    std::fprintf(stderr, "%s:%zu: %s\n", path, failure.line, failure.text.c_str());
  }
  return failures.empty() ? 0 : kOtherwise;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: scenario_runner FILE…\n", stderr);
    return kUnreadable;
  }
  int status = 0;
  for (int i = 1; i < argc; ++i) status = std::max(status, run(argv[i]));
  return status;
}
