// Any text gives either a configuration or problems, never both and never neither; the same
// text gives the same again, and every problem can be shown.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text =
      size == 0 ? std::string_view() : std::string_view(reinterpret_cast<const char*>(data), size);
  const auto outcome = postern::config::parse(text);
  POSTERN_ASSERT(outcome.config.has_value() == outcome.problems.empty());
  POSTERN_ASSERT(outcome.problems.size() <= 101);
  for (const auto& problem : outcome.problems) {
    POSTERN_ASSERT(!problem.text.empty());
    POSTERN_ASSERT(!problem.advice.empty());
    POSTERN_ASSERT(!postern::config::to_text(problem, "f").empty());
  }
  if (outcome.config) {
    POSTERN_ASSERT(!outcome.config->listen.empty());
    for (const auto& feed : outcome.config->feeds)
      POSTERN_ASSERT(feed.path.empty() != feed.url.empty());
  }
  return 0;
}
