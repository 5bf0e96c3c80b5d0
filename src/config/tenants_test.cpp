// Tenants: what their groups have of them, and every mistake with its advice.
#include "config/tenants.h"

#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "config/groups.h"

namespace postern::config {
namespace {

constexpr std::string_view kFeeds =
    "feeds: [{name: one, format: hosts, path: x}, {name: two, format: hosts, path: y}]\n";

TEST(Tenants, GroupsHaveWhatTheirTenantHasAndTheirOwnOnTop) {
  struct Case {
    const char* tenant;
    const char* group;
    const char* lists;
    const char* answer = "-";
  };
  const Case cases[] = {
      {"", "", "allow block hafnium one two"},
      {"feeds: [two]", "", "allow block hafnium two"},
      {"feeds: [two]", "feeds: [one]", "allow block hafnium one"},
      {"feeds: [two]", "feeds: []", "allow block hafnium"},
      {"without: [hafnium]", "", "allow block one two"},
      {"without: [hafnium]", "without: [one]", "allow block two"},
      {"without: [one]", "feeds: [one, two]", "allow block hafnium one two"},
      {"feeds: [one, two]", "without: [one]", "allow block hafnium two"},
      {"answer: refused", "", "allow block hafnium one two", "refused"},
      {"answer: refused", "answer: nodata", "allow block hafnium one two", "nodata"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("{} | {}", c.tenant, c.group));
    const Outcome outcome =
        parse(fmt::format("{}tenants: [{{name: t, {}}}]\n"
                          "groups: [{{name: g, tenant: t, clients: 127.0.0.2, {}}}]",
                          kFeeds, c.tenant, c.group));
    ASSERT_TRUE(outcome.config.has_value()) << to_text(outcome.problems.front(), "f");
    const Group& group = outcome.config->groups.front();
    EXPECT_EQ(fmt::format("{}", fmt::join(lists_of(*outcome.config, group), " ")), c.lists);
    EXPECT_EQ(group.answer ? policy::to_string(*group.answer) : "-", c.answer);
  }
}

TEST(Tenants, MistakesAreSaidWithAdvice) {
  const std::pair<const char*, const char*> cases[] = {
      {"tenants: [{name: a}, {name: a}]",
       "f:1:29: tenants[1].name: another tenant is called \"a\" too; give each tenant a name of "
       "its own"},
      {"groups: [{name: g, clients: 127.0.0.2, tenant: schol}]\ntenants: [{name: school}]",
       "f:1:48: groups[0].tenant: no tenant is called \"schol\"; did you mean school?"},
      {"groups: [{name: g, clients: 127.0.0.2, tenant: a}]",
       "f:1:48: groups[0].tenant: no tenant is called \"a\"; add it under tenants"},
      {"tenants: [{name: a, feeds: [one]}]",
       "f:1:29: tenants[0].feeds[0]: no feed is called \"one\"; add it under feeds, or remove it "
       "here"},
      {"tenants: [{allow: [a.example]}]",
       "f:1:11: tenants[0]: name is missing; add \"name: …\" (label)"},
      {"tenants: [{name: a, allow: ['http://x/']}]", "f:1:29: tenants[0].allow[0]: "},
  };
  for (const auto& [yaml, want] : cases) {
    SCOPED_TRACE(yaml);
    const Outcome outcome = parse(yaml);
    ASSERT_FALSE(outcome.problems.empty());
    const std::string said = to_text(outcome.problems.front(), "f");
    EXPECT_EQ(said.substr(0, std::string_view(want).size()), want) << said;
  }
}

TEST(Tenants, OwnListsOfAPublishedGroupAreWarnedOf) {
  const Outcome outcome = parse(
      "tenants: [{name: t, block: [a.example]}]\n"
      "groups: [{name: g, tenant: t}]\n"
      "publish: [{name: p, zone: p.example, group: g, clients: [192.0.2.1]}]");
  ASSERT_TRUE(outcome.config.has_value());
  ASSERT_EQ(outcome.warnings.size(), 1U);
  EXPECT_EQ(outcome.warnings[0].path, "publish[0].group");
  EXPECT_TRUE(outcome.warnings[0].text.contains("the tenant's own"));
}

}  // namespace
}  // namespace postern::config
