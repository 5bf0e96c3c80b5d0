#include "exchange/rule_pack.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "exchange/judge.h"
#include "exchange/rule_examples.h"

namespace postern::exchange {
namespace {

RuleSet built_in() {
  RuleBook book;
  auto header = read_rule_pack(built_in_rule_pack(), "rows.rules", book);
  EXPECT_TRUE(header) << (header ? "" : header.error().text);
  auto rules = RuleSet::compile(std::move(book));
  EXPECT_TRUE(rules) << (rules ? "" : rules.error().text);
  return *std::move(rules);
}

TEST(RulePack, EveryRuleHitsAndMissesItsExamples) {
  const RuleSet rules = built_in();
  for (const RowRule& rule : rules.book().rules) {
    std::size_t hits = 0;
    std::size_t misses = 0;
    for (const Example& example : rule.examples) {
      SCOPED_TRACE(testing::Message() << rule.id << " line " << example.line);
      const std::vector<Found> found = found_in(rules, example);
      const auto of_rule = std::ranges::find(found, rule.id, &Found::rule);
      EXPECT_EQ(of_rule != found.end(), example.hit);
      if (of_rule != found.end() && example.tier) {
        EXPECT_EQ(of_rule->tier, *example.tier);
      }
      ++(example.hit ? hits : misses);
    }
    EXPECT_GT(hits, 0U) << rule.id;
    EXPECT_GT(misses, 0U) << rule.id;
    EXPECT_FALSE(rule.attack.empty()) << rule.id;
    EXPECT_FALSE(rule.shown.empty()) << rule.id;
  }
  EXPECT_GE(rules.book().rules.size(), 40U);
}

TEST(RulePack, OnlyRareLogsAreAskedRowByRow) {
  const RuleSet rules = built_in();
  std::vector<std::string> ids;
  for (const std::size_t index : rules.unfiltered()) {
    const RowRule& rule = rules.book().rules[index];
    ids.push_back(rule.id);
    EXPECT_FALSE(has(rule.sources, Source::iis)) << rule.id;
    EXPECT_FALSE(has(rule.sources, Source::httpproxy)) << rule.id;
  }
  EXPECT_LE(ids.size(), 3U) << testing::PrintToString(ids);
}

std::string error_of(std::string_view text) {
  RuleBook book;
  const auto header = read_rule_pack(text, "p", book);
  return header ? "" : header.error().text;
}

TEST(RulePack, SaysWhereItIsWrong) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "p:1:1: a pack begins with: pack NAME DATE"},
      {"pack a 1\nrule X \"t\"\n  on iis\n  when stem is a\n", "p:2:1: the rule has no grade"},
      {"pack a 1\nrule X \"t\"\n  on iis\n  grade hunt 1\n", "p:2:1: the rule has no condition"},
      {"pack a 1\nrule X \"t\"\n  when stem is a\n  grade hunt 1\n",
       "p:2:1: the rule says not on which rows it is"},
      {"pack a 1\nrule X \"t\"\n  on web\n", "p:3:6: there are no rows of \"web\""},
      {"pack a 1\nrule X \"t\"\n  on iis\n  when stem is a\n       and stem like b\n",
       "p:5:17: is, in, contains, startswith, endswith, matches, within or <, > is expected here, "
       "not \"like\""},
      {"pack a 1\nrule X \"t\"\n  grade hunt 101\n",
       "p:3:14: a number from 0 to 100 is expected here"},
      {"pack a 1\nrule X \"t\"\n  grade bad 1\n",
       "p:3:9: hunt, probe, exposed, attempt or exploited is expected here"},
      {"pack a 1\nrule X \"t\" more\n", "p:2:12: \"more\" is too much here"},
      {"pack a 1\n  on iis\n", "p:2:3: \"on\" is too much here"},
      {"pack a 1\nlist x = [a]\nlist x = [b]\n", "p:3:6: \"x\" is there twice"},
      {"pack a 1\nrules\n",
       "p:2:1: pack, list, define or rule is expected at the beginning of a line"},
      {"pack a 1\nrule X \"t\"\n  sometimes\n", "p:3:3: a rule has no \"sometimes\""},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(error_of(text), expected);
}

TEST(RulePack, ARuleIsThereOnce) {
  const std::string rule = "rule X \"t\"\n  on iis\n  when stem is a\n  grade hunt 1\n";
  EXPECT_EQ(error_of("pack a 1\n" + rule), "");
  EXPECT_EQ(error_of("pack a 1\n" + rule + rule), "p:6:6: rule \"X\" is there twice");
}

}  // namespace
}  // namespace postern::exchange
