// The decision against its obvious twin: a search of all rules, one after the other.
#include <algorithm>
#include <random>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "policy/generation.h"

namespace postern::policy {
namespace {

/// What the header says, read aloud.
struct Decided {
  Verdict verdict;
  Rule rule;
};

Decided decide_slowly(const PolicyInput& input, std::uint16_t group, const dns::Name& name) {
  Decided logged;
  for (const std::uint16_t zone : input.groups[group].zones) {
    const ZoneRules& rules = *input.zones[zone].rules;
    Decided best;
    for (std::uint32_t i = 0; i < rules.size(); ++i) {
      const Rule rule = rules.at(i);
      if (!name.is_at_or_below(rule.name)) continue;
      const bool whole = rule.name == name;
      if ((rule.scope == Scope::exact && !whole) || (rule.scope == Scope::below && whole)) continue;
      const auto order = [](const Rule& r) {
        return std::tuple(r.rank, r.scope != Scope::exact, 128 - r.name.label_count());
      };
      if (best.verdict.matched && !(order(rule) < order(best.rule))) continue;
      best.rule = rule;
      best.verdict = {.matched = true,
                      .action = rule.action,
                      .zone = zone,
                      .matched_labels = static_cast<std::uint8_t>(rule.name.label_count()),
                      .scope = rule.scope,
                      .log_only = input.zones[zone].options.log_only};
    }
    if (best.verdict.matched && !best.verdict.log_only) return best;
    if (best.verdict.matched && !logged.verdict.matched) logged = best;
  }
  return logged;
}

class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_() % bound; }

  dns::Name name() {
    static constexpr const char* kLabels[] = {"a", "b", "ab", "A", "\\001b"};
    std::string text;
    for (std::size_t labels = below(5); labels > 0; --labels) {
      text += std::string(kLabels[below(std::size(kLabels))]) + ".";
    }
    return dns::Name::from_text(text.empty() ? "." : text).value();
  }

  Rule rule() {
    // Ranks other than normal are rare, or they would decide everything.
    return {.name = name(),
            .scope = static_cast<Scope>(below(3)),
            .action = static_cast<Action>(below(7)),
            .rank = below(3) == 0 ? static_cast<Rank>(below(4)) : Rank::normal};
  }

  PolicyInput input() {
    PolicyInput input;
    input.hash_key = random_();
    input.zones.resize(below(6));
    for (ZoneInput& zone : input.zones) {
      auto rules = std::make_shared<ZoneRules>();
      for (std::uint32_t line = 1 + static_cast<std::uint32_t>(below(12)); line > 1; --line) {
        Rule made = rule();
        made.line = line - 1;  // Any order; 0 would be none.
        rules->add(made);
      }
      zone.options.log_only = below(3) == 0;
      zone.rules = std::move(rules);
    }
    input.groups.resize(1 + below(3));
    for (Group& group : input.groups) {
      for (std::size_t zone = 0; zone < input.zones.size(); ++zone) {
        if (below(3) != 0) group.zones.push_back(static_cast<std::uint16_t>(zone));
      }
      std::shuffle(group.zones.begin(), group.zones.end(), random_);
    }
    return input;
  }

 private:
  std::mt19937 random_;
};

/// How often each kind of outcome came up: a test that never meets one proves nothing about it.
struct Seen {
  int missed = 0, blocked = 0, allowed = 0, logged = 0, by_rank = 0, by_wildcard = 0;
};

void check_explained(const PolicyInput& input, const Generation& from, std::uint16_t group,
                     const dns::Name& name, const Verdict& verdict) {
  const std::vector<Match> matches = from.explain(group, name);
  std::size_t expected = 0;
  for (std::uint16_t zone = 0; zone < from.zone_count(); ++zone) {
    const ZoneRules& rules = *input.zones[zone].rules;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const Rule rule = rules.at(i);
      const bool whole = rule.name == name;
      const bool holds = rule.scope == Scope::exact   ? whole
                         : rule.scope == Scope::below ? !whole
                                                      : true;
      if (holds && name.is_at_or_below(rule.name)) ++expected;
    }
  }
  ASSERT_EQ(matches.size(), expected);
  ASSERT_EQ(std::count_if(matches.begin(), matches.end(), [](const Match& m) { return m.winner; }),
            verdict.matched ? 1 : 0);
  if (!verdict.matched) return;
  ASSERT_TRUE(matches.front().winner);
  ASSERT_TRUE(matches.front().in_group);
  ASSERT_EQ(matches.front().zone, verdict.zone);
  ASSERT_EQ(matches.front().line, from.line(verdict));
}

TEST(GenerationProperty, DecidesAsASearchOfAllRulesWould) {
  Maker make(2026);
  Seen seen;
  for (int round = 0; round < 2000; ++round) {
    SCOPED_TRACE(round);
    const PolicyInput input = make.input();
    const auto from = Generation::compile(input).value();
    for (int i = 0; i < 20; ++i) {
      const dns::Name name = make.name();
      const auto group = static_cast<std::uint16_t>(make.below(input.groups.size()));
      SCOPED_TRACE(name.to_text());
      const auto [want, rule] = decide_slowly(input, group, name);
      const Verdict got = from->decide(group, name);
      ASSERT_EQ(got.matched, want.matched);
      ASSERT_EQ(got.zone, want.zone);
      ASSERT_EQ(got.action, want.action);
      ASSERT_EQ(got.matched_labels, want.matched_labels);
      ASSERT_EQ(got.scope, want.scope);
      ASSERT_EQ(got.log_only, want.log_only);
      ASSERT_NO_FATAL_FAILURE(check_explained(input, *from, group, name, got));
      seen.missed += got.matched ? 0 : 1;
      seen.blocked += got.blocks() ? 1 : 0;
      seen.allowed += got.allows() ? 1 : 0;
      seen.logged += got.log_only ? 1 : 0;
      if (!got.matched) continue;
      const Rule decided = from->rule(got);
      ASSERT_EQ(decided.name, rule.name);
      ASSERT_EQ(decided.line, rule.line);
      ASSERT_EQ(from->line(got), rule.line);
      ASSERT_EQ(decided.rank, rule.rank);
      seen.by_rank += rule.rank != Rank::normal ? 1 : 0;
      seen.by_wildcard += got.scope == Scope::below ? 1 : 0;
    }
  }
  for (const int count :
       {seen.missed, seen.blocked, seen.allowed, seen.logged, seen.by_rank, seen.by_wildcard}) {
    EXPECT_GT(count, 1000);
  }
}

}  // namespace
}  // namespace postern::policy
