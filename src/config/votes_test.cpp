// The options of lists that feeds vote on.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "config/config.h"
#include "config/groups.h"

namespace postern::config {
namespace {

constexpr std::string_view kFeeds =
    "feeds:\n"
    "  - {name: a, format: domains, path: /a}\n"
    "  - {name: b, format: domains, path: /b}\n"
    "  - {name: c, format: domains, path: /c}\n"
    "  - {name: popular, format: domains, path: /p}\n";

Outcome parse_votes(std::string_view lines) {
  return parse(std::string(kFeeds) + "votes:\n" + std::string(lines));
}

TEST(VoteOptions, AreReadAndVotersBlockNothingByThemselves) {
  const Outcome outcome = parse_votes(
      "  - name: agreed\n    feeds: [a, b]\n    half_life_days: 30\n    by_confidence: true\n"
      "    doubt: {feeds: [popular], need: 3}\n");
  ASSERT_TRUE(outcome.config) << outcome.problems.front().text;
  const Vote& vote = outcome.config->votes.front();
  EXPECT_EQ(vote.need, 2U);
  EXPECT_EQ(vote.doubt_need, 3U);
  EXPECT_EQ(vote.half_life_days, 30U);
  EXPECT_TRUE(vote.by_confidence);
  EXPECT_EQ(lists_of(*outcome.config, {}),
            (std::vector<std::string>{"allow", "block", "hafnium", "c", "agreed"}));
  EXPECT_TRUE(parse(std::string(kFeeds) +
                    "groups: [{name: g, clients: [192.0.2.0/24], feeds: [a, v], without: [v]}]\n"
                    "votes: [{name: v, feeds: [a, b]}]\n")
                  .problems.size() == 1);  // It is in both; nothing is unknown.
  // Unless a group says so.
  Group group;
  group.feeds = {{"a", "agreed"}};
  EXPECT_EQ(lists_of(*outcome.config, group),
            (std::vector<std::string>{"allow", "block", "hafnium", "a", "agreed"}));
}

TEST(VoteOptions, MistakesSayWhatToDo) {
  struct Case {
    std::string_view lines;
    std::string_view want;
  };
  const Case cases[] = {
      {"  - {name: v, feeds: [a, bb]}\n", "no feed is called \"bb\"; did you mean b?"},
      {"  - {name: v, feeds: [a, b], doubt: {feeds: [unpopular]}}\n",
       "no feed is called \"unpopular\"; did you mean popular?"},
      {"  - {name: v, feeds: [a, b], need: 3}\n", "3 votes are needed of 2 feeds"},
      {"  - {name: v, feeds: [a, b], doubt: {feeds: [c], need: 2}}\n",
       "names in doubt need no more votes than others"},
      {"  - {name: a, feeds: [a, b]}\n", "another list is called \"a\" too"},
      {"  - {name: hafnium, feeds: [a, b]}\n", "another list is called \"hafnium\" too"},
      {"  - {name: v, feeds: [a, b]}\n  - {name: v, feeds: [a, b]}\n",
       "another list is called \"v\" too"},
      {"  - {name: v}\n", "feeds is missing"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.lines);
    const Outcome outcome = parse_votes(c.lines);
    ASSERT_FALSE(outcome.config);
    EXPECT_NE(to_text(outcome.problems.front(), "f").find(c.want), std::string::npos)
        << to_text(outcome.problems.front(), "f");
  }
}

}  // namespace
}  // namespace postern::config
