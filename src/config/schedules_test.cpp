// Schedules and what is in force during them: mistakes with their advice, and what a group then
// has.
#include "config/schedules.h"

#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "config/groups.h"

namespace postern::config {
namespace {

constexpr std::string_view kNight = "schedules: [{name: night, windows: daily 21:00-07:00}]\n";

TEST(Schedules, AGroupHasThenWhatItsHoursSayAndElseItsOwn) {
  struct Case {
    const char* during;
    const char* lists;
    const char* answer = "nodata";
  };
  const Case cases[] = {
      {"", "allow block hafnium one"},
      {"feeds: [two]", "allow block hafnium two"},
      {"feeds: [one, two]", "allow block hafnium one two"},
      {"without: [one]", "allow block hafnium"},
      {"answer: refused", "allow block hafnium one", "refused"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.during);
    const Outcome outcome = parse(fmt::format(
        "feeds: [{{name: one, format: hosts, path: x}}, {{name: two, format: hosts, path: y}}]\n"
        "{}groups: [{{name: g, clients: 127.0.0.2, without: [two], answer: nodata}}]\n"
        "during: [{{group: g, schedule: night, {}}}]",
        kNight, c.during));
    ASSERT_TRUE(outcome.config.has_value()) << to_text(outcome.problems.front(), "f");
    const Config& config = *outcome.config;
    const Group changed = group_during(config.groups[0], config.during[0]);
    EXPECT_EQ(fmt::format("{}", fmt::join(lists_of(config, changed), " ")), c.lists);
    EXPECT_EQ(policy::to_string(changed.answer.value()), c.answer);
    EXPECT_TRUE(changed.clients.empty());
  }
}

TEST(Schedules, MistakesAreSaidWithAdvice) {
  const std::pair<const char*, const char*> cases[] = {
      {"during: [{group: default, schedule: nigt}]",
       "f:2:37: during[0].schedule: no schedule is called \"nigt\"; did you mean night?"},
      {"during: [{group: kids, schedule: night}]",
       "f:2:18: during[0].group: no group is called \"kids\"; add it under groups"},
      {"during: [{group: default, schedule: night}, {group: default, schedule: night}]",
       "f:2:72: during[1].schedule: \"default\" has the schedule \"night\" already; join the two "
       "items"},
      {"during: [{group: default, schedule: night, feeds: [x]}]",
       "f:2:52: during[0].feeds[0]: no feed is called \"x\"; add it under feeds, or remove it "
       "here"},
  };
  for (const auto& [yaml, want] : cases) {
    SCOPED_TRACE(yaml);
    const Outcome outcome = parse(std::string(kNight) + yaml);
    ASSERT_FALSE(outcome.problems.empty());
    EXPECT_EQ(to_text(outcome.problems.front(), "f"), want);
  }
  const Outcome outcome = parse(
      "schedules: [{name: a, windows: [21-07]}, {name: a, windows: "
      "mon 08:00-09:00}]");
  ASSERT_EQ(outcome.problems.size(), 2U);
  EXPECT_TRUE(outcome.problems[0].text.contains("has no days and hours"));
  EXPECT_TRUE(outcome.problems[1].text.contains("another schedule"));
}

}  // namespace
}  // namespace postern::config
