#include "policy/comparison.h"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

using Lists = std::vector<std::pair<std::string, std::vector<Rule>>>;

std::shared_ptr<const Generation> generation(const Lists& lists) {
  PolicyInput input;
  input.hash_key = 11;
  input.groups = {{.name = "default"}, {.name = "guests"}};
  for (const auto& [zone, rules] : lists) {
    auto made = std::make_shared<ZoneRules>();
    for (const Rule& rule : rules) made->add(rule);
    const auto index = static_cast<std::uint16_t>(input.zones.size());
    input.groups[0].zones.push_back(index);
    if (zone != "staff") input.groups[1].zones.push_back(index);
    input.zones.push_back({{.name = zone}, std::move(made)});
  }
  return Generation::compile(std::move(input)).value();
}

Rule block(std::string_view text, std::uint32_t line = 1, Scope scope = Scope::at_and_below) {
  return {.name = name(text), .scope = scope, .line = line};
}
Rule allow(std::string_view text) {
  return {.name = name(text), .scope = Scope::at_and_below, .action = Action::pass, .line = 1};
}

AskedName asked(std::string_view text, std::uint32_t queries, unsigned clients,
                std::uint32_t groups = 1, bool is_answered = true) {
  AskedName made{name(text), groups, queries, {}, is_answered};
  for (std::uint64_t i = 1; i <= clients; ++i) made.clients.add(i << 48);
  return made;
}

Traffic traffic(std::vector<AskedName> names) {
  return {{"default", "guests"}, [names = std::move(names)](const auto& take) {
            for (const AskedName& each : names) take(each);
          }};
}

std::vector<std::string> shown(const std::vector<ChangedName>& names) {
  std::vector<std::string> lines;
  for (const ChangedName& each : names) {
    lines.push_back(each.name.to_display() + " " + std::to_string(each.queries) + " " +
                    std::to_string(each.clients) + " #" + std::to_string(each.rank) + " " +
                    each.zone + ":" + std::to_string(each.line) + " " + each.rule);
  }
  return lines;
}

TEST(Comparison, TellsWhatIsNewlyBlockedByWhichRuleAndHowMuchItIsUsed) {
  const auto before = generation({{"ads", {block("old.example")}}});
  const auto after = generation({{"ads", {block("old.example"), block("shop.example", 7)}}});
  const Comparison found =
      compare(*before, *after,
              traffic({asked("www.shop.example", 30, 3), asked("shop.example", 5, 2),
                       asked("other.example", 90, 4), asked("gone.shop.example", 4, 1, 1, false)}),
              {.zones = {"ads"}, .top = 2});
  ASSERT_EQ(found.zones.size(), 1U);
  const ZoneChange& ads = found.zones[0];
  EXPECT_EQ(ads.rules_before, 1U);
  EXPECT_EQ(ads.rules_after, 2U);
  EXPECT_EQ(ads.added, 1U);
  EXPECT_EQ(ads.removed, 0U);
  EXPECT_EQ(ads.added_rules, std::vector<std::string>{"shop.example and below"});
  EXPECT_EQ(ads.blocked.names, 3U);
  EXPECT_EQ(ads.blocked.names_in_use, 2U);
  EXPECT_EQ(ads.blocked.queries, 39U);
  EXPECT_EQ(ads.blocked.queries_in_use, 35U);
  EXPECT_EQ(ads.blocked.clients, 3U) << "the same clients asked for all of them";
  EXPECT_EQ(ads.blocked.top_names, 1U);
  EXPECT_EQ(shown(ads.blocked.examples),
            (std::vector<std::string>{"www.shop.example 30 3 #2 ads:7 shop.example and below",
                                      "shop.example 5 2 #3 ads:7 shop.example and below",
                                      "gone.shop.example 4 1 #0 ads:7 shop.example and below"}));
  EXPECT_EQ(ads.most_used.name, name("www.shop.example"));
  EXPECT_EQ(ads.released.names, 0U);
  EXPECT_EQ(found.names, 4U);
  EXPECT_EQ(found.names_in_use, 3U);
  EXPECT_EQ(found.queries, 129U);
  EXPECT_EQ(found.clients, 4U);
}

TEST(Comparison, ANameIsTriedByWhereItsAnswerLedToo) {
  Rule network;
  network.trigger = Trigger::response_ip;
  network.prefix = IpPrefix::from_text("198.51.100.0/24").value();
  network.line = 9;
  const std::vector<dns::Name> chain = {name("shop.edge.example"), name("e7.cdn.example")};
  const std::vector<IpAddress> addresses = {IpAddress::v4(192, 0, 2, 1),
                                            IpAddress::v4(198, 51, 100, 7)};
  struct Case {
    std::string what;
    Lists before, after;
    std::string blocked, released;
  };
  const Case cases[] = {
      {"an alias",
       {{"a", {}}},
       {{"a", {block("cdn.example", 4)}}},
       "www.shop.example 30 3 #1 a:4 cdn.example and below through e7.cdn.example",
       ""},
      {"an address",
       {{"a", {}}},
       {{"a", {network}}},
       "www.shop.example 30 3 #1 a:9 198.51.100.0/24 through 198.51.100.7",
       ""},
      {"the name before its alias",
       {{"a", {}}},
       {{"a", {block("shop.example", 2), block("cdn.example", 4)}}},
       "www.shop.example 30 3 #1 a:2 shop.example and below through ",
       ""},
      {"an allowed name covers what is behind it",
       {{"a", {}}},
       {{"a", {allow("www.shop.example"), block("cdn.example", 4), network}}},
       "",
       ""},
      {"so does an allowed alias",
       {{"a", {}}},
       {{"a", {allow("edge.example"), block("cdn.example", 4), network}}},
       "",
       ""},
      {"let go",
       {{"a", {network}}},
       {{"a", {}}},
       "",
       "www.shop.example 30 3 #1 a:9 198.51.100.0/24 through 198.51.100.7"},
  };
  AskedName shop = asked("www.shop.example", 30, 3);
  shop.led_to = chain;
  shop.addresses = addresses;
  const auto only = [](const Effect& effect) {
    if (effect.examples.empty()) return std::string();
    return shown(effect.examples)[0] + " through " + effect.examples[0].through;
  };
  for (const Case& each : cases) {
    const Comparison found =
        compare(*generation(each.before), *generation(each.after),
                traffic({shop, asked("other.example", 2, 1)}), {.zones = {"a"}});
    EXPECT_EQ(only(found.zones[0].blocked), each.blocked) << each.what;
    EXPECT_EQ(only(found.zones[0].released), each.released) << each.what;
    EXPECT_LE(found.zones[0].blocked.names + found.zones[0].released.names, 1U) << each.what;
  }
}

TEST(Comparison, CountsForTheFeedThatDecidesAndForNoOther) {
  struct Case {
    std::string what;
    Lists before, after;
    std::vector<std::string> zones;
    std::vector<std::uint64_t> blocked, released;
  };
  const Case cases[] = {
      {"blocked already",
       {{"a", {block("x.example")}}, {"b", {}}},
       {{"a", {block("x.example")}}, {"b", {block("x.example")}}},
       {"b"},
       {0},
       {0}},
      {"allowed before it",
       {{"allow", {allow("x.example")}}, {"b", {}}},
       {{"allow", {allow("x.example")}}, {"b", {block("x.example")}}},
       {"b"},
       {0},
       {0}},
      {"two at once: the first one decides",
       {{"a", {}}, {"b", {}}},
       {{"a", {block("x.example")}}, {"b", {block("x.example")}}},
       {"a", "b"},
       {1, 0},
       {0, 0}},
      {"let through", {{"a", {block("x.example")}}}, {{"a", {}}}, {"a"}, {0}, {1}},
      {"blocked by the next one, once the first one lets go",
       {{"allow", {allow("x.example")}}, {"b", {block("x.example")}}},
       {{"allow", {}}, {"b", {block("x.example")}}},
       {"allow"},
       {1},
       {0}},
      {"an allow list that lets go of much",
       {{"allow", {}}, {"b", {block("x.example")}}},
       {{"allow", {allow("example")}}, {"b", {block("x.example")}}},
       {"allow"},
       {0},
       {1}},
      {"a feed that is new", {}, {{"a", {block("x.example")}}}, {"a"}, {1}, {0}},
      {"only for the group that asked",
       {{"staff", {}}},
       {{"staff", {block("x.example")}}},
       {"staff"},
       {0},
       {0}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const std::uint32_t groups = c.zones[0] == "staff" ? 2 : 1;
    const Comparison found =
        compare(*generation(c.before), *generation(c.after),
                traffic({asked("www.x.example", 3, 1, groups)}), {.zones = c.zones});
    for (std::size_t i = 0; i < c.zones.size(); ++i) {
      EXPECT_EQ(found.zones[i].blocked.names, c.blocked[i]) << c.zones[i];
      EXPECT_EQ(found.zones[i].released.names, c.released[i]) << c.zones[i];
    }
  }
}

TEST(Comparison, FindsTheRulesThatAreNewWhateverTheyLookAt) {
  Rule address{.prefix = IpPrefix::from_text("192.0.2.0/24").value(),
               .trigger = Trigger::response_ip,
               .action = Action::nxdomain};
  Rule server{.name = name("ns.bad.example"), .trigger = Trigger::nsdname};
  Rule pass = allow("p.example");
  Rule blocked = block("p.example");
  const auto before = generation({{"z", {address, block("same.example"), pass}}});
  const auto after = generation({{"z", {server, block("same.example", 9), blocked}}});
  std::vector<std::string> added;
  ComparisonOptions options{.zones = {"z"}};
  options.on_added = [&](const ZoneOptions& zone, const Rule& rule) {
    added.push_back(zone.name + " " + (has_prefix(rule.trigger) ? "" : rule.name.to_display()));
  };
  const Comparison found = compare(*before, *after, {}, options);
  std::ranges::sort(added);
  EXPECT_EQ(added, (std::vector<std::string>{"z ns.bad.example", "z p.example"}));
  EXPECT_EQ(found.zones[0].added, 2U) << "another line is no other rule";
  EXPECT_EQ(found.zones[0].removed, 2U);
  const Comparison back = compare(*after, *before, {}, {.zones = {"z"}});
  EXPECT_EQ(back.zones[0].added, 2U);
  EXPECT_NE(std::ranges::find(back.zones[0].added_rules, "192.0.2.0/24 (nxdomain)"),
            back.zones[0].added_rules.end());
}

TEST(Comparison, WhatAVoteDecidesCountsForThoseThatVoteOnItAndDoubtIt) {
  enum : std::uint16_t { voter, other_voter, doubter, bystander, counted };
  const auto with_votes = [](const std::vector<Rule>& rules) {
    PolicyInput input;
    input.hash_key = 11;
    input.groups = {{.name = "default", .zones = {counted}}};
    for (const char* zone : {"voter", "other voter", "doubter", "bystander"}) {
      input.zones.push_back({{.name = zone}, std::make_shared<ZoneRules>()});
    }
    auto result = std::make_shared<ZoneRules>();
    for (const Rule& rule : rules) result->add(rule);
    input.zones.push_back({{.name = "counted"}, std::move(result)});
    input.zones.back().options.votes = Votes{.zones = {voter, other_voter}, .doubts = {doubter}};
    return Generation::compile(std::move(input)).value();
  };
  const auto without = with_votes({});
  const auto with = with_votes({block("x.example", 3)});
  const Traffic asked_for = traffic({asked("x.example", 3, 2)});
  std::vector<std::string> told;
  ComparisonOptions options{.zones = {"voter", "doubter", "bystander"}};
  options.on_blocked = [&](const std::string& zone, const Rule& rule) {
    told.push_back(zone + " " + rule.name.to_display());
  };
  const Comparison found = compare(*without, *with, asked_for, options);
  EXPECT_EQ(found.zones[0].blocked.names, 1U);
  EXPECT_EQ(found.zones[1].blocked.names, 1U);
  EXPECT_EQ(found.zones[2].blocked.names, 0U);
  EXPECT_EQ(told, (std::vector<std::string>{"voter x.example", "doubter x.example"}));
  EXPECT_EQ(found.zones[0].most_used.zone, "counted");
  EXPECT_EQ(shown(found.zones[1].blocked.examples),
            std::vector<std::string>{"x.example 3 2 #1 counted:3 x.example and below"});
  const Comparison back = compare(*with, *without, asked_for, options);
  EXPECT_EQ(back.zones[0].released.names, 1U);
  EXPECT_EQ(back.zones[1].released.names, 1U);
  EXPECT_EQ(back.zones[2].released.names, 0U);
  options.zones = {"voter", "counted"};
  EXPECT_EQ(compare(*without, *with, asked_for, options).zones[0].blocked.names, 0U)
      << "who is asked about himself answers himself";
}

TEST(Comparison, WhatIsInForceAtSomeHoursOnlyCountsToo) {
  // The same hours may stand elsewhere among the groups; hours that are new are a person's doing.
  const auto with_hours = [](const std::vector<std::string>& hours,
                             const std::vector<Rule>& rules) {
    PolicyInput input;
    input.hash_key = 11;
    auto made = std::make_shared<ZoneRules>();
    for (const Rule& rule : rules) made->add(rule);
    input.zones.push_back({{.name = "evening"}, std::move(made)});
    input.groups = {{.name = "default"}, {.name = "guests"}};
    const auto schedule = std::make_shared<const Schedule>();
    for (const std::string& each : hours) {
      const auto number = static_cast<std::uint16_t>(input.groups.size());
      const bool is_evening = each == "guests/evening";
      input.groups[1].during.push_back({schedule, number});
      Group group{.name = "guests", .hours = each};
      if (is_evening) group.zones = {0};
      input.groups.push_back(std::move(group));
    }
    return Generation::compile(std::move(input)).value();
  };
  const auto with = with_hours({"guests/noon", "guests/evening"}, {block("x.example")});
  struct Case {
    std::string what;
    std::vector<std::string> hours;
    std::uint32_t groups;
    std::uint64_t blocked;
  };
  const Case cases[] = {
      {"as they were", {"guests/noon", "guests/evening"}, 2, 1},
      {"in another order", {"guests/evening", "guests/noon"}, 2, 1},
      {"new", {"guests/noon"}, 2, 0},
      {"another group's", {"guests/noon", "guests/evening"}, 1, 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const auto before = with_hours(c.hours, {});
    const Traffic asked_for = traffic({asked("x.example", 3, 2, c.groups)});
    const Comparison found = compare(*before, *with, asked_for, {.zones = {"evening"}});
    EXPECT_EQ(found.zones[0].blocked.names, c.blocked);
    EXPECT_EQ(found.zones[0].blocked.queries, c.blocked * 3) << "once";
    const Comparison back = compare(*with, *before, asked_for, {.zones = {"evening"}});
    EXPECT_EQ(back.zones[0].released.names, c.blocked);
  }
}

TEST(Comparison, RulesThatDifferInTheirRecordsAloneAreOthers) {
  const auto with_records = [](std::initializer_list<std::uint8_t> addresses) {
    auto rules = std::make_shared<ZoneRules>();
    for (const std::uint8_t last : addresses) {
      Rule rule = block("x.example");
      rule.action = Action::local_data;
      rule.data = rules->add_local_data({{dns::RRType::a, 60, {192, 0, 2, last}}});
      rules->add(rule);
    }
    PolicyInput input;
    input.groups = {{.name = "default", .zones = {0}}};
    input.zones.push_back({{.name = "z"}, std::move(rules)});
    return Generation::compile(std::move(input)).value();
  };
  const auto before = with_records({1, 2, 2, 3});
  EXPECT_EQ(compare(*before, *with_records({3, 2, 1}), {}, {.zones = {"z"}}).zones[0].added, 0U);
  const Comparison found = compare(*before, *with_records({1, 4}), {}, {.zones = {"z"}});
  EXPECT_EQ(found.zones[0].added, 1U);
  EXPECT_EQ(found.zones[0].removed, 3U);
}

/// The same by sets and one decision after the other.
TEST(Comparison, FindsWhatASlowTwinFinds) {
  std::mt19937 random(5);
  const auto any_name = [&] {
    return std::string(1, static_cast<char>('a' + random() % 4)) + "." +
           std::string(1, static_cast<char>('a' + random() % 4)) + ".example";
  };
  for (int round = 0; round < 300; ++round) {
    Lists lists[2];
    std::set<std::string> rules[2];
    for (int side = 0; side < 2; ++side) {
      std::vector<Rule> made;
      for (unsigned i = 0; i < random() % 6; ++i) {
        const std::string owner = any_name();
        const auto scope = static_cast<Scope>(random() % 3);
        if (!rules[side].insert(owner + std::to_string(static_cast<int>(scope))).second) continue;
        made.push_back(block(owner, i + 1, scope));
      }
      lists[side] = {{"z", made}};
    }
    std::vector<AskedName> names;
    for (int i = 0; i < 8; ++i) {
      names.push_back(asked("w" + std::to_string(i) + "." + any_name(),
                            static_cast<std::uint32_t>(1 + random() % 9), 1));
      names.push_back(asked(any_name(), 1, 1));
    }
    const auto before = generation(lists[0]), after = generation(lists[1]);
    const Comparison found = compare(*before, *after, traffic(names), {.zones = {"z"}});
    std::uint64_t added = 0, removed = 0, blocked = 0, released = 0;
    for (const auto& each : rules[1]) added += rules[0].contains(each) ? 0 : 1;
    for (const auto& each : rules[0]) removed += rules[1].contains(each) ? 0 : 1;
    for (const AskedName& each : names) {
      const bool old = before->decide(0, each.name).blocks();
      const bool now = after->decide(0, each.name).blocks();
      blocked += !old && now ? 1 : 0;
      released += old && !now ? 1 : 0;
    }
    ASSERT_EQ(found.zones[0].added, added);
    ASSERT_EQ(found.zones[0].removed, removed);
    ASSERT_EQ(found.zones[0].blocked.names, blocked);
    ASSERT_EQ(found.zones[0].released.names, released);
  }
}

TEST(Comparison, KeepsTheMostUsedExamplesOfMany) {
  std::vector<AskedName> names;
  for (std::uint32_t i = 1; i <= 2000; ++i) {
    names.push_back(asked("n" + std::to_string(i) + ".example", i, 1));
  }
  const Comparison found =
      compare(*generation({{"z", {}}}), *generation({{"z", {block("example")}}}), traffic(names),
              {.zones = {"z"}, .top = 100, .examples = 3});
  EXPECT_EQ(found.zones[0].blocked.names, 2000U);
  EXPECT_EQ(found.zones[0].blocked.top_names, 100U);
  EXPECT_EQ(shown(found.zones[0].blocked.examples),
            (std::vector<std::string>{"n2000.example 2000 1 #1 z:1 example and below",
                                      "n1999.example 1999 1 #2 z:1 example and below",
                                      "n1998.example 1998 1 #3 z:1 example and below"}));
}

}  // namespace
}  // namespace postern::policy
