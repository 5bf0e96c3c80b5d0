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
