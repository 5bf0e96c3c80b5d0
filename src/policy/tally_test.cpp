#include "policy/tally.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "policy/generation.h"

namespace postern::policy {
namespace {

constexpr std::uint32_t kNow = 1'800'000'000;

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

ZoneRules list(const std::vector<Rule>& rules) {
  ZoneRules made;
  for (const Rule& rule : rules) made.add(rule);
  return made;
}
Rule exact(std::string_view text) {
  return {.name = name(text)};
}
Rule wide(std::string_view text) {
  return {.name = name(text), .scope = Scope::at_and_below};
}
Rule pass(std::string_view text) {
  return {.name = name(text), .action = Action::pass};
}
Rule prefix(std::string_view text) {
  return {.prefix = IpPrefix::from_text(text).value(), .trigger = Trigger::response_ip};
}
/// A list of one name with what is known of it.
ZoneRules noted(std::string_view text, const RuleNote& note) {
  ZoneRules made;
  Rule rule = exact(text);
  rule.note = made.add_note(note);
  made.add(rule);
  return made;
}

/// How it is counted; who votes stands beside it.
struct Poll {
  std::uint32_t need = 2;
  std::uint32_t doubt_need = 0;
  bool by_confidence = false;
  std::uint32_t half_life_s = 0;
};

/// The tally as a zone that decides.
std::shared_ptr<const Generation> counted(const Poll& poll, const std::vector<ZoneRules>& voters,
                                          const std::vector<ZoneRules>& doubts = {},
                                          std::uint32_t at_s = kNow) {
  std::vector<const ZoneRules*> voting;
  std::vector<const ZoneRules*> doubting;
  for (const ZoneRules& rules : voters) voting.push_back(&rules);
  for (const ZoneRules& rules : doubts) doubting.push_back(&rules);
  Votes votes;
  votes.need = poll.need;
  votes.doubt_need = poll.doubt_need;
  votes.by_confidence = poll.by_confidence;
  votes.half_life_s = poll.half_life_s;
  auto rules = tally({votes, voting, doubting, time_of_note(kNow)});
  EXPECT_TRUE(rules) << rules.error().text;
  PolicyInput input;
  input.built_at = time_of_note(at_s);
  input.zones = {{{.name = "agreed", .pass_is_own = true},
                  std::make_shared<const ZoneRules>(std::move(*rules))}};
  input.groups = {{.name = "default", .zones = {0}}};
  return Generation::compile(std::move(input)).value();
}

bool blocks(const Generation& generation, std::string_view qname) {
  return generation.decide(0, name(qname)).blocks();
}

TEST(Tally, CountsFeedsNotRules) {
  const auto policy = counted({.need = 2}, {list({exact("a.example"), exact("a.example")}),
                                            list({wide("a.example"), exact("b.example")}),
                                            list({exact("b.example"), exact("c.example")})});
  struct Case {
    std::string_view name;
    bool want;
  };
  const Case cases[] = {
      {"a.example", true}, {"below.a.example", false},  // One of them says nothing of it.
      {"b.example", true}, {"c.example", false},       {"x.b.example", false}, {"d.example", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(blocks(*policy, c.name), c.want);
  }
}

TEST(Tally, WhatAFeedLetsPassHasNotItsVote) {
  const auto policy =
      counted({.need = 2}, {list({wide("a.example"), pass("good.a.example")}),
                            list({wide("a.example")}), list({exact("good.a.example")})});
  EXPECT_TRUE(blocks(*policy, "bad.a.example"));
  EXPECT_TRUE(blocks(*policy, "x.good.a.example"));
  EXPECT_TRUE(blocks(*policy, "good.a.example"));  // By the second and the third.
  const auto fewer = counted(
      {.need = 2}, {list({wide("a.example"), pass("good.a.example")}), list({wide("a.example")})});
  EXPECT_FALSE(fewer->decide(0, name("good.a.example")).matched);
  EXPECT_TRUE(blocks(*fewer, "bad.a.example"));
}

TEST(Tally, NamesInDoubtNeedMore) {
  const std::vector<ZoneRules> voters = {list({exact("a.example"), exact("b.example")}),
                                         list({exact("a.example"), exact("b.example")}),
                                         list({exact("b.example")})};
  const std::vector<ZoneRules> doubts = {list({wide("example")})};
  const auto more = counted({.need = 2, .doubt_need = 3}, voters, doubts);
  EXPECT_FALSE(blocks(*more, "a.example"));
  EXPECT_TRUE(blocks(*more, "b.example"));
  const auto never = counted({.need = 2}, voters, doubts);
  EXPECT_FALSE(blocks(*never, "b.example"));
}

TEST(Tally, PrefixesVoteToo) {
  const auto policy =
      counted({.need = 2}, {list({prefix("192.0.2.0/24"), prefix("192.0.2.0/32")}),
                            list({prefix("192.0.0.0/16")}),
                            list({prefix("192.0.2.9/32"), prefix("2001:db8::/32")})});
  const auto says = [&](std::string_view address) {
    return policy->decide(0, Trigger::response_ip, IpAddress::from_text(address).value()).blocks();
  };
  EXPECT_TRUE(says("192.0.2.1"));
  EXPECT_TRUE(says("192.0.2.0"));
  EXPECT_TRUE(says("192.0.2.9"));
  EXPECT_FALSE(says("192.0.3.1"));
  EXPECT_FALSE(says("2001:db8::1"));
}

TEST(Tally, AVoteCountsAsMuchAsItsConfidence) {
  const std::vector<ZoneRules> voters = {noted("a.example", {.confidence = 80}),
                                         noted("a.example", {.confidence = 70})};
  EXPECT_FALSE(blocks(*counted({.need = 2, .by_confidence = true}, voters), "a.example"));
  EXPECT_TRUE(blocks(*counted({.need = 1, .by_confidence = true}, voters), "a.example"));
  EXPECT_TRUE(blocks(*counted({.need = 2}, voters), "a.example"));
  // Who states none is believed.
  const std::vector<ZoneRules> others = {noted("a.example", {.confidence = 100}),
                                         list({exact("a.example")})};
  EXPECT_TRUE(blocks(*counted({.need = 2, .by_confidence = true}, others), "a.example"));
}

TEST(Tally, VotesFadeAndTheRuleEndsWhenTheyAreTooFew) {
  constexpr std::uint32_t kDay = 86'400;
  // Two votes of today and one that does not age: 1 + 2 / 2^(t / 30 days) >= 2 for 30 days.
  const RuleNote seen{.first_seen_s = kNow};
  const std::vector<ZoneRules> voters = {noted("a.example", seen), noted("a.example", seen),
                                         list({exact("a.example")})};
  const Poll poll{.need = 2, .half_life_s = 30 * kDay};
  EXPECT_TRUE(blocks(*counted(poll, voters, {}, kNow + 29 * kDay), "a.example"));
  EXPECT_FALSE(blocks(*counted(poll, voters, {}, kNow + 31 * kDay), "a.example"));
  // What has faded already is no whole vote.
  const std::vector<ZoneRules> old = {noted("a.example", {.first_seen_s = kNow - kDay}),
                                      list({exact("a.example")})};
  EXPECT_FALSE(blocks(*counted(poll, old), "a.example"));
}

TEST(Tally, TheRuleEndsWhenSoManyVotersRulesDo) {
  const std::vector<ZoneRules> voters = {noted("a.example", {.valid_until_s = kNow + 10}),
                                         noted("a.example", {.valid_until_s = kNow + 20}),
                                         noted("a.example", {.valid_until_s = kNow + 30})};
  for (const auto& [at_s, want] : {std::pair(kNow + 19, true), {kNow + 20, false}}) {
    EXPECT_EQ(blocks(*counted({.need = 2}, voters, {}, at_s), "a.example"), want) << at_s;
  }
  const std::vector<ZoneRules> over = {noted("a.example", {.valid_until_s = kNow}),
                                       list({exact("a.example")})};
  EXPECT_FALSE(blocks(*counted({.need = 2}, over), "a.example"));
}

TEST(Tally, TheStrictestMarkingOfTheVotersCounts) {
  const std::vector<ZoneRules> voters = {noted("a.example", {.sharing = Sharing::red}),
                                         list({exact("a.example")})};
  const auto policy = counted({.need = 1}, voters);
  EXPECT_EQ(policy->sharing(policy->decide(0, name("a.example"))), Sharing::red);
}

// It is in no note, but an option of the voter.
TEST(Tally, AVoterThatMayNotBeSharedMarksWhatItVotesFor) {
  PolicyInput input;
  const auto rules = std::make_shared<const ZoneRules>(list({exact("a.example")}));
  for (const Sharing sharing : {Sharing::clear, Sharing::red}) {
    input.zones.push_back({{.name = "voter", .sharing = sharing}, rules});
  }
  for (const std::uint16_t voter : {std::uint16_t{0}, std::uint16_t{1}}) {
    Votes votes;
    votes.zones = {voter};
    input.zones.push_back({{.name = "agreed", .votes = votes}, rules});
  }
  input.groups = {{.name = "default", .zones = {2}}, {.name = "other", .zones = {3}}};
  const auto policy = Generation::compile(std::move(input)).value();
  EXPECT_EQ(policy->sharing(policy->decide(0, name("a.example"))), Sharing::clear);
  EXPECT_EQ(policy->sharing(policy->decide(1, name("a.example"))), Sharing::red);
}

// Against the obvious: each list asked for itself, name by name.
TEST(Tally, SaysWhatAskingEachListSays) {
  std::uint32_t random = 7;
  const auto next = [&random](std::uint32_t below) {
    random = random * 1'664'525 + 1'013'904'223;
    return (random >> 8) % below;
  };
  const std::vector<std::string> labels = {"a", "b", "c"};
  const auto some_name = [&] {
    std::string text = labels[next(3)];
    for (std::uint32_t i = next(3); i > 0; --i) text += "." + labels[next(3)];
    return text;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<ZoneRules> voters;
    for (int i = 0; i < 3; ++i) {
      std::vector<Rule> rules;
      for (std::uint32_t k = next(8); k > 0; --k) {
        rules.push_back({.name = name(some_name()),
                         .scope = static_cast<Scope>(next(3)),
                         .action = next(4) == 0 ? Action::pass : Action::block});
      }
      voters.push_back(list(rules));
    }
    const auto policy = counted({.need = 2}, voters);
    for (int k = 0; k < 60; ++k) {
      const std::string asked = some_name() + (next(4) == 0 ? "" : "." + labels[next(3)]);
      int votes = 0;
      for (const ZoneRules& rules : voters) {
        PolicyInput input;
        input.zones = {{{.name = "one"}, std::make_shared<const ZoneRules>(rules)}};
        input.groups = {{.name = "default", .zones = {0}}};
        votes += blocks(*Generation::compile(std::move(input)).value(), asked) ? 1 : 0;
      }
      ASSERT_EQ(blocks(*policy, asked), votes >= 2) << round << " " << asked;
    }
  }
}

}  // namespace
}  // namespace postern::policy
