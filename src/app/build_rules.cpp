#include <charconv>
#include <cstdint>

#include "app/server_commands.h"
#include "feeds/build_process.h"

namespace postern::app {

int run_build_rules(std::span<const std::string_view> words) {
  std::uint64_t max_memory = 0;
  if (!words.empty()) {
    std::from_chars(words[0].data(), words[0].data() + words[0].size(), max_memory);
  }
  return feeds::run_build_process(FileDescriptor(feeds::kBuildSocket), max_memory);
}

}  // namespace postern::app
