#include "config/groups.h"

#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace postern::config {
namespace {

// What protects every group does so unless it is taken out by name.
TEST(Groups, BuiltInListsComeFirstUnlessSaidOtherwise) {
  struct Case {
    std::string_view group;
    std::string_view want;
  };
  const Case cases[] = {
      {"", "allow block hafnium one two"},
      {"feeds: []", "allow block hafnium"},
      {"feeds: two", "allow block hafnium two"},
      {"feeds: [two, one]", "allow block hafnium two one"},
      // A list that is named stands where it is named; the others where they stood before.
      {"feeds: [two, allow]", "block hafnium two allow"},
      {"feeds: [allow, hafnium]", "allow block hafnium"},
      {"feeds: [hafnium]", "allow block hafnium"},
      {"feeds: [one, hafnium, two]", "allow block one hafnium two"},
      {"feeds: [block, allow]", "block allow hafnium"},
      {"feeds: [hafnium, block]", "allow hafnium block"},
      // Taken out by name.
      {"without: hafnium", "allow block one two"},
      {"without: [one, block]", "allow hafnium two"},
      {"feeds: [two], without: [allow, block, hafnium]", "two"},
      {"feeds: [], without: [allow, block, hafnium]", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.group);
    const Outcome outcome = parse(
        fmt::format("feeds: [{{name: one, format: hosts, path: x}}, {{name: two, format: hosts, "
                    "path: y}}]\ngroups: [{{name: g, clients: 127.0.0.2, {}}}]",
                    c.group));
    ASSERT_TRUE(outcome.config.has_value()) << to_text(outcome.problems.front(), "f");
    EXPECT_EQ(
        fmt::format("{}", fmt::join(lists_of(*outcome.config, outcome.config->groups[0]), " ")),
        c.want);
  }
}

}  // namespace
}  // namespace postern::config
