#include "policy/generation.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

/// A rule as the tests write it: "*.x" is below, "+x" at and below, anything else exact.
Rule rule(std::string_view text, Action action = Action::block, Rank rank = Rank::normal) {
  Rule rule{.action = action, .rank = rank};
  if (text.starts_with("*.")) {
    rule.scope = Scope::below;
    text.remove_prefix(2);
  } else if (text.starts_with("+")) {
    rule.scope = Scope::at_and_below;
    text.remove_prefix(1);
  }
  rule.name = name(text.empty() ? "." : text);
  return rule;
}

ZoneInput zone(std::string zone_name, std::initializer_list<Rule> list, bool log_only = false) {
  auto rules = std::make_shared<ZoneRules>();
  std::uint32_t line = 0;
  for (Rule one : list) {
    one.line = ++line;
    rules->add(one);
  }
  return {{.name = std::move(zone_name), .log_only = log_only}, std::move(rules)};
}

/// All zones in force, in order, for one group.
std::shared_ptr<const Generation> generation(std::vector<ZoneInput> zones) {
  PolicyInput input;
  input.hash_key = 42;
  input.groups.emplace_back();
  input.groups[0].name = "default";
  for (std::size_t i = 0; i < zones.size(); ++i) {
    input.groups[0].zones.push_back(static_cast<std::uint16_t>(i));
  }
  input.zones = std::move(zones);
  return Generation::compile(std::move(input)).value();
}

/// "zone:line action", with "log" at the end if the zone only logs, or "-".
std::string decided(const Generation& from, std::string_view text, std::uint16_t group = 0) {
  const Verdict verdict = from.decide(group, name(text));
  if (!verdict.matched) {
    EXPECT_FALSE(verdict.blocks() || verdict.allows());
    return "-";
  }
  EXPECT_EQ(verdict.blocks(), verdict.action != Action::pass && !verdict.log_only);
  EXPECT_EQ(verdict.allows(), verdict.action == Action::pass && !verdict.log_only);
  const Rule winner = from.rule(verdict);
  EXPECT_EQ(verdict.matched_labels, winner.name.label_count());
  EXPECT_EQ(verdict.scope, winner.scope);
  EXPECT_TRUE(name(text).is_at_or_below(winner.name));
  return from.zone(verdict.zone).name + ":" + std::to_string(winner.line) + " " +
         std::string(to_string(verdict.action)) + (verdict.log_only ? " log" : "");
}

struct Case {
  const char* name;
  const char* want;
};

void expect(const Generation& from, std::initializer_list<Case> cases, std::uint16_t group = 0) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(decided(from, c.name, group), c.want);
  }
}

TEST(Decide, ByTheScopeOfARule) {
  const auto from = generation(
      {zone("z", {rule("exact.example"), rule("*.below.example"), rule("+both.example")})});
  expect(*from, {
                    {"exact.example", "z:1 block"},
                    {"EXACT.example", "z:1 block"},
                    {"a.exact.example", "-"},
                    {"xexact.example", "-"},
                    // RPZ: a wildcard is not its own owner.
                    {"below.example", "-"},
                    {"a.below.example", "z:2 block"},
                    {"b.a.below.example", "z:2 block"},
                    {"abelow.example", "-"},
                    {"both.example", "z:3 block"},
                    {"b.a.both.example", "z:3 block"},
                    {"notboth.example", "-"},
                    {"example", "-"},
                    {".", "-"},
                });
}

TEST(Decide, TheMostSpecificRuleOfAZoneWins) {
  const auto from =
      generation({zone("z", {rule("*.b", Action::nodata), rule("*.a.b", Action::refuse),
                             rule("x.a.b", Action::drop), rule("+y.a.b", Action::pass),
                             rule("*.y.a.b", Action::nxdomain), rule("y.a.b", Action::tcp_only)})});
  expect(*from, {
                    {"b", "-"},
                    {"z.b", "z:1 nodata"},
                    {"a.b", "z:1 nodata"},
                    {"z.a.b", "z:2 refuse"},
                    {"x.a.b", "z:3 drop"},
                    {"q.x.a.b", "z:2 refuse"},
                    // Exact before wildcard where the owners are equal.
                    {"y.a.b", "z:6 tcp_only"},
                    // Two wildcards with one owner: the first one.
                    {"q.y.a.b", "z:4 pass"},
                });
}

TEST(Decide, RankComesBeforeSpecificity) {
  const auto from =
      generation({zone("z", {rule("+b", Action::pass, Rank::pass), rule("x.a.b", Action::block),
                             rule("+c.b", Action::block, Rank::important_block),
                             rule("+e.c.b", Action::pass, Rank::pass),
                             rule("+d.c.b", Action::pass, Rank::important_pass)})});
  expect(*from, {
                    {"x.a.b", "z:1 pass"},
                    {"c.b", "z:3 block"},
                    {"e.c.b", "z:3 block"},
                    {"d.c.b", "z:5 pass"},
                });
}

TEST(Decide, TheFirstOfEqualRulesWins) {
  const auto from = generation(
      {zone("z", {rule("a", Action::nodata), rule("a", Action::drop), rule("*.a", Action::refuse),
                  rule("*.a", Action::pass), rule("a", Action::pass)})});
  expect(*from, {{"a", "z:1 nodata"}, {"b.a", "z:3 refuse"}});
}

TEST(Decide, ZonesInTheOrderOfTheGroup) {
  PolicyInput input;
  input.zones = {zone("allow", {rule("+ok.bad", Action::pass)}),
                 zone("block", {rule("+bad", Action::nxdomain), rule("x.ok.bad")}),
                 zone("other", {rule("+other"), rule("+bad", Action::drop)})};
  input.groups.resize(4);
  input.groups[0].zones = {0, 1, 2};
  input.groups[1].zones = {2, 1, 0};
  input.groups[2].zones = {2};
  input.groups[3].zones = {1, 2, 1};  // Twice: the first place counts.
  const auto from = Generation::compile(std::move(input)).value();
  // An earlier zone decides, however much better a later one fits.
  expect(*from,
         {{"x.ok.bad", "allow:1 pass"}, {"bad", "block:1 nxdomain"}, {"a.other", "other:1 block"}},
         0);
  expect(*from, {{"x.ok.bad", "other:2 drop"}, {"bad", "other:2 drop"}}, 1);
  expect(*from, {{"x.ok.bad", "other:2 drop"}, {"other", "other:1 block"}, {"q", "-"}}, 2);
  expect(*from, {{"x.ok.bad", "block:2 block"}, {"bad", "block:1 nxdomain"}}, 3);
}

TEST(Decide, ALogOnlyZoneIsReportedOnlyWhereNoOtherDecides) {
  const auto from = generation({
      zone("trial", {rule("+bad"), rule("+new"), rule("+fine", Action::pass)}, true),
      zone("block", {rule("+bad", Action::nxdomain)}),
      zone("trial2", {rule("+new", Action::drop), rule("+bad"), rule("+newer")}, true),
  });
  expect(*from, {
                    {"bad", "block:1 nxdomain"},
                    {"a.new", "trial:2 block log"},
                    {"fine", "trial:3 pass log"},
                    {"newer", "trial2:3 block log"},
                    {"old", "-"},
                });
}

TEST(Decide, TheRootStandsForEveryName) {
  const auto below = generation({zone("z", {rule("*.", Action::nodata)})});
  expect(*below, {{"a", "z:1 nodata"}, {"c.b.a", "z:1 nodata"}, {".", "-"}});
  const auto both = generation({zone("z", {rule("+", Action::nodata), rule("+a", Action::pass)})});
  expect(*both, {{".", "z:1 nodata"}, {"b", "z:1 nodata"}, {"b.a", "z:2 pass"}});
}

TEST(Decide, AnEmptyGenerationPassesEverything) {
  const auto from = Generation::empty();
  EXPECT_EQ(decided(*from, "a.example"), "-");
  EXPECT_EQ(decided(*from, "."), "-");
  EXPECT_EQ(from->zone_count(), 0U);
  EXPECT_EQ(from->rule_count(), 0U);
  EXPECT_EQ(from->groups().size(), 1U);
  EXPECT_EQ(from->group_of(IpAddress::v4(192, 0, 2, 1)), 0);
  EXPECT_TRUE(from->explain(0, name("a.example")).empty());
}

TEST(Explain, NamesEveryMatchInTheOrderInWhichItCounts) {
  PolicyInput input;
  input.zones = {zone("off", {rule("+bad")}), zone("trial", {rule("+bad")}, true),
                 zone("block", {rule("*.bad"), rule("x.bad"), rule("x.bad", Action::pass),
                                rule("y.bad"), rule("+bad", Action::pass, Rank::pass)})};
  input.groups.resize(2);
  input.groups[0].zones = {1, 2};
  const auto from = Generation::compile(std::move(input)).value();
  const auto explained = [&from](std::uint16_t group, std::string_view text) {
    std::string all;
    for (const Match& match : from->explain(group, name(text))) {
      EXPECT_TRUE(name(text).is_at_or_below(match.owner));
      all += from->zone(match.zone).name + ":" + std::to_string(match.line) + " " +
             std::string(to_string(match.action)) + (match.in_group ? "" : " out") +
             (match.winner ? " wins" : "") + "\n";
    }
    return all;
  };
  EXPECT_EQ(explained(0, "x.bad"),
            "block:5 pass wins\n"
            "block:2 block\n"
            "block:3 pass\n"
            "block:1 block\n"
            "trial:1 block\n"
            "off:1 block out\n");
  EXPECT_EQ(explained(1, "bad"),
            "off:1 block out\n"
            "trial:1 block out\n"
            "block:5 pass out\n");
  EXPECT_EQ(explained(0, "good"), "");
}

TEST(Plan, TheGroupsWishComesBeforeTheZones) {
  PolicyInput input;
  auto rules = std::make_shared<ZoneRules>();
  const std::vector<LocalRecord> records = {
      {.type = dns::RRType::a, .ttl = 5, .rdata = Octets{192, 0, 2, 1}}};
  rules->add_local_data({});
  const auto data = rules->add_local_data(records);
  rules->add(rule("block"));
  rules->add(rule("drop", Action::drop));
  rules->add({.name = name("local"), .action = Action::local_data, .data = data});
  input.zones = {{{.name = "z", .answer = BlockAnswer::null_address}, rules}};
  input.groups.resize(6);
  for (Group& group : input.groups) group.zones = {0};
  input.groups[1].answer = BlockAnswer::nxdomain;
  input.groups[2].answer = BlockAnswer::nodata;
  input.groups[3].answer = BlockAnswer::refused;
  input.groups[4].answer = BlockAnswer::sinkhole;
  const auto from = Generation::compile(std::move(input)).value();
  const auto plan = [&from](std::uint16_t group, std::string_view text) {
    return from->plan(group, from->decide(group, name(text)));
  };
  struct Want {
    std::uint16_t group;
    Action action;
    BlockAnswer answer;
  };
  for (const Want& want :
       {Want{0, Action::local_data, BlockAnswer::null_address},
        Want{1, Action::nxdomain, BlockAnswer::nxdomain},
        Want{2, Action::nodata, BlockAnswer::nodata}, Want{3, Action::refuse, BlockAnswer::refused},
        Want{4, Action::local_data, BlockAnswer::sinkhole},
        Want{5, Action::local_data, BlockAnswer::null_address}}) {
    SCOPED_TRACE(want.group);
    const BlockPlan got = plan(want.group, "block");
    EXPECT_TRUE(got.use_block_answer);
    EXPECT_EQ(got.action, want.action);
    EXPECT_EQ(got.answer, want.answer);
    EXPECT_EQ(got.zone, &from->zone(0));
    EXPECT_TRUE(got.local_data.empty());
    // What a rule says itself is nobody's to change.
    EXPECT_EQ(plan(want.group, "drop").action, Action::drop);
    EXPECT_FALSE(plan(want.group, "drop").use_block_answer);
    EXPECT_EQ(plan(want.group, "local").local_data, records);
    EXPECT_EQ(plan(want.group, "local").action, Action::local_data);
    EXPECT_FALSE(plan(want.group, "local").use_block_answer);
  }
}

TEST(RuleText, AsAPersonWouldWriteIt) {
  const auto from = generation(
      {zone("z", {rule("exact.example"), rule("*.below.example"), rule("+both.example")})});
  EXPECT_EQ(from->rule_text(from->decide(0, name("exact.example"))), "exact.example");
  EXPECT_EQ(from->rule_text(from->decide(0, name("a.below.example"))), "*.below.example");
  EXPECT_EQ(from->rule_text(from->decide(0, name("a.both.example"))), "both.example and below");
  const auto root = generation({zone("z", {rule("*.")})});
  EXPECT_EQ(root->rule_text(root->decide(0, name("a"))), "*");
}

TEST(Compile, SaysWhatIsWrong) {
  const auto error = [](PolicyInput input) {
    const auto compiled = Generation::compile(std::move(input));
    return compiled ? std::string("compiles") : compiled.error().text;
  };
  PolicyInput good;
  good.groups.resize(2);
  good.groups[0].name = "home";
  good.groups[1].name = "lab";
  good.zones = {zone("z", {}), {{.name = "not read yet"}, nullptr}};
  good.groups[0].zones = {0, 1};
  EXPECT_EQ(error(good), "compiles");

  PolicyInput input = good;
  input.groups[1].zones = {2};
  EXPECT_EQ(error(input), "group \"lab\" names zone 2, but there are 2");
  input = good;
  input.groups.clear();
  EXPECT_EQ(error(input), "no group of clients; the first one is everybody's default");
  input = good;
  input.groups[0].clients = {IpPrefix::from_text("10.0.0.0/8").value()};
  input.groups[1].clients = input.groups[0].clients;
  EXPECT_EQ(error(input),
            "the clients 10.0.0.0/8 are in group \"home\" and in group \"lab\"; keep them in one");
  input.groups[1].clients.clear();
  input.groups[0].clients.push_back(input.groups[0].clients[0]);
  EXPECT_EQ(error(input), "compiles") << "twice in one group is no question";
  input = good;
  input.zones[0].options.name = std::string(33, 'z');
  EXPECT_NE(error(input).find("over 32 octets"), std::string::npos);
  input = good;
  input.zones.assign(1024, input.zones[0]);
  EXPECT_EQ(error(input), "compiles");
  input.zones.push_back(input.zones[0]);
  EXPECT_EQ(error(input), "1025 policy zones; at most 1024");
  input = good;
  input.groups.resize(4097);
  EXPECT_EQ(error(input), "4097 groups; at most 4096");
}

TEST(Generation, TellsWhatItWasMadeOf) {
  PolicyInput input;
  input.number = 17;
  input.built_at = WallTime(seconds(1'700'000'000));
  input.zones = {zone("a", {rule("x"), rule("y")}), zone("b", {rule("x")})};
  input.groups.resize(2);
  input.groups[0].name = "default";
  input.groups[1].name = "kids";
  input.groups[1].clients = {IpPrefix::from_text("192.0.2.0/24").value()};
  const auto from = Generation::compile(std::move(input)).value();
  EXPECT_EQ(from->number(), 17U);
  EXPECT_EQ(from->built_at(), WallTime(seconds(1'700'000'000)));
  EXPECT_EQ(from->zone_count(), 2U);
  EXPECT_EQ(from->rule_count(), 3U);
  EXPECT_EQ(from->zone(1).name, "b");
  EXPECT_EQ(from->group_named("kids"), 1);
  EXPECT_EQ(from->group_named("none"), std::nullopt);
  EXPECT_EQ(from->group_of(IpAddress::v4(192, 0, 2, 77)), 1);
  EXPECT_EQ(from->group_of(IpAddress::v4(192, 0, 3, 77)), 0);
  EXPECT_GT(from->memory_octets(), from->images()[0]->size_octets());
  std::string all;
  for (std::uint16_t zone = 0; zone < 2; ++zone) {
    std::vector<std::string> lines;
    from->for_each_rule(zone, [&](const Rule& one, std::span<const LocalRecord>) {
      lines.push_back(std::to_string(zone) + ":" + std::to_string(one.line) + " " +
                      one.name.to_text());
    });
    std::ranges::sort(lines);
    for (const std::string& line : lines) all += line + "\n";
  }
  EXPECT_EQ(all, "0:1 x.\n0:2 y.\n1:1 x.\n");
}

/// A list that says "bad.example" with each of these notes, one a line.
std::shared_ptr<const Generation> noted(const std::vector<RuleNote>& notes, std::uint32_t now_s) {
  auto rules = std::make_shared<ZoneRules>();
  std::uint32_t line = 0;
  for (const RuleNote& note : notes) {
    rules->add({.name = dns::Name::from_text("bad.example").value(),
                .line = ++line,
                .note = rules->add_note(note)});
    rules->add({.prefix = IpPrefix::from_text("192.0.2.0/24").value(),
                .trigger = Trigger::response_ip,
                .line = line,
                .note = line - 1});
  }
  PolicyInput input;
  input.built_at = time_of_note(now_s);
  input.zones = {{{.name = "noted"}, rules}};
  input.groups = {{.name = "default", .zones = {0}}};
  return Generation::compile(std::move(input)).value();
}

TEST(RuleNotes, ARuleDecidesFromItsTimeUntilItsTime) {
  const auto bad = dns::Name::from_text("bad.example").value();
  const auto address = IpAddress::from_text("192.0.2.1").value();
  struct Moment {
    std::uint32_t now_s;
    bool want;
    std::uint32_t next_s;
  };
  for (const Moment& c :
       {Moment{99, false, 100}, {100, true, 200}, {199, true, 200}, {200, false, 0}}) {
    SCOPED_TRACE(c.now_s);
    const auto generation = noted({{.valid_from_s = 100, .valid_until_s = 200}}, c.now_s);
    EXPECT_EQ(generation->decide(0, bad).blocks(), c.want);
    EXPECT_EQ(generation->decide(0, Trigger::response_ip, address).blocks(), c.want);
    EXPECT_EQ(generation->next_change(),
              c.next_s == 0 ? std::nullopt : std::optional(time_of_note(c.next_s)));
    const auto matches = generation->explain(0, bad);
    ASSERT_EQ(matches.size(), 1U);
    EXPECT_EQ(matches[0].is_valid, c.want);
    EXPECT_EQ(matches[0].winner, c.want);
    EXPECT_EQ(matches[0].note->valid_until_s, 200U);
  }
}

TEST(RuleNotes, WhereOneIsOverTheNextOfTheSameNameDecides) {
  const auto bad = dns::Name::from_text("bad.example").value();
  const std::vector<RuleNote> notes = {
      {.valid_until_s = 100}, {.valid_until_s = 300}, {.confidence = 5}, {.valid_until_s = 400}};
  for (const auto& [now_s, line] : {std::pair(50U, 1U), {100U, 2U}, {350U, 3U}, {500U, 3U}}) {
    SCOPED_TRACE(now_s);
    const auto generation = noted(notes, now_s);
    const Verdict verdict = generation->decide(0, bad);
    ASSERT_TRUE(verdict.blocks());
    EXPECT_EQ(generation->line(verdict), line);
    EXPECT_EQ(generation->note(verdict)->valid_until_s, notes[line - 1].valid_until_s);
    EXPECT_EQ(generation->explain(0, bad).size(), 4U);
  }
}

TEST(RuleNotes, OfVeryManyOfOneNameTheFirstOnesCount) {
  std::vector<RuleNote> notes(1000, RuleNote{.valid_until_s = 100});
  notes[3].valid_until_s = 200;
  const auto bad = dns::Name::from_text("bad.example").value();
  EXPECT_EQ(noted(notes, 50)->line(noted(notes, 50)->decide(0, bad)), 1U);
  EXPECT_EQ(noted(notes, 150)->line(noted(notes, 150)->decide(0, bad)), 4U);
  EXPECT_FALSE(noted(notes, 250)->decide(0, bad).matched);
}

TEST(RuleNotes, TheStrictestMarkingCounts) {
  const auto bad = dns::Name::from_text("bad.example").value();
  const auto generation = noted({{.sharing = Sharing::amber}}, 1);
  EXPECT_EQ(generation->sharing(generation->decide(0, bad)), Sharing::amber);
  EXPECT_FALSE(may_leave(Sharing::red) || may_leave(Sharing::amber_strict));
  EXPECT_TRUE(may_leave(Sharing::amber) && may_leave(Sharing::unmarked));
}

}  // namespace
}  // namespace postern::policy
