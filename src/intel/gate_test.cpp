#include "intel/gate.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "intel/public_suffix.h"

namespace postern::intel {
namespace {

using policy::Scope;

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

TEST(PublicSuffix, TellsEverybodysNamesFromSomebodys) {
  const std::pair<const char*, Shared> cases[] = {
      {"com", Shared::registry},           {"co.uk", Shared::registry},
      {"notatld", Shared::registry},       {".", Shared::registry},
      {"github.io", Shared::suffix},       {"s3.amazonaws.com", Shared::suffix},
      {"hopto.org", Shared::suffix},       {"somebody.mm", Shared::no},
      {"cloudfront.net", Shared::hosting}, {"sharepoint.com", Shared::hosting},
      {"somebody.github.io", Shared::no},  {"example.com", Shared::no},
      {"d111.cloudfront.net", Shared::no}, {"a.b.c.d.e.f.g.com", Shared::no},
  };
  for (const auto& [text, kind] : cases) {
    EXPECT_EQ(shared_kind(text == std::string_view(".") ? dns::Name() : name(text)), kind) << text;
  }
}

TEST(GateSize, BelievesWhatHappensToListsEachDayAndNothingElse) {
  struct Case {
    std::uint64_t before, after;
    bool is_local;
    std::string_view reason;  // Empty: none.
  };
  const Case cases[] = {
      // A short list may turn over.
      {0, 5, false, ""},
      {0, 5'000'000, false, ""},
      {19, 0, false, ""},
      {20, 2, false, ""},
      {20, 1, false, "shrunk"},
      {999, 100, false, ""},
      {999, 99, false, "shrunk"},
      // A long one may not: half a file is no list.
      {1000, 600, false, ""},
      {1000, 599, false, "shrunk"},
      {1'000'000, 500'000, false, "shrunk"},
      {1'000'000, 0, false, "shrunk"},
      // The owner of a file cuts it as he likes.
      {1000, 1, true, ""},
      {1'000'000, 500'000, true, ""},
      {1'000'000, 99'999, true, "shrunk"},
      // Growth.
      {19, 100'000, false, ""},
      {100, 999, false, ""},
      {100, 1000, false, "grown"},
      {1000, 9999, false, ""},
      {1000, 10'000, false, "grown"},
      {1000, 100'000, true, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::to_string(c.before) + " -> " + std::to_string(c.after));
    const auto fault = size_fault({c.before, c.after, c.is_local}, {});
    EXPECT_EQ(fault ? to_string(fault->reason) : "", c.reason);
  }
  EXPECT_FALSE(size_fault({1000, 300, false}, {.max_shrink_percent = 70}));
  EXPECT_TRUE(size_fault({1000, 3000, false}, {.max_growth = 3}));
}

std::string reasons(const std::vector<GateFinding>& findings) {
  std::string text;
  for (const GateFinding& each : findings) text += std::string(to_string(each.reason)) + " ";
  return text;
}

TEST(RuleInspection, FindsRulesThatNoListShouldHave) {
  GateRules rules;
  rules.own_domains = {name("ours.example")};
  rules.partner_domains = {name("partner.example")};
  struct Case {
    std::string_view owner;
    Scope scope;
    policy::Action action;
    std::string_view found;
  };
  using policy::Action;
  const Case cases[] = {
      {"bad.com", Scope::at_and_below, Action::block, ""},
      {"com", Scope::at_and_below, Action::block, "public_suffix "},
      {"com", Scope::exact, Action::block, "public_suffix "},
      {"com", Scope::below, Action::nxdomain, "public_suffix "},
      {"co.uk", Scope::at_and_below, Action::block, "public_suffix "},
      {"co.uk", Scope::exact, Action::block, ""},
      {"sharepoint.com", Scope::at_and_below, Action::block, "shared_hosting "},
      {"sharepoint.com", Scope::exact, Action::block, ""},
      {"sharepoint.com", Scope::at_and_below, Action::pass, ""},
      {"hopto.org", Scope::at_and_below, Action::block, ""},
      {"com", Scope::at_and_below, Action::pass, "public_suffix "},
      {"ours.example", Scope::exact, Action::block, "own_domain "},
      {"www.ours.example", Scope::exact, Action::block, "own_domain "},
      {"ours.example", Scope::at_and_below, Action::pass, ""},
      {"notours.example", Scope::at_and_below, Action::block, ""},
      {"example", Scope::below, Action::drop, "own_domain partner_domain public_suffix "},
      {"example", Scope::exact, Action::block, "public_suffix "},
      {"a.partner.example", Scope::exact, Action::local_data, "partner_domain "},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.owner) + " " + std::string(policy::to_string(c.action)));
    RuleInspection inspection(rules);
    const policy::Rule rule{.name = name(c.owner), .scope = c.scope, .action = c.action, .line = 3};
    inspection.look({.name = "feed"}, rule);
    EXPECT_EQ(reasons(inspection.findings()), c.found);
    RuleInspection watching(rules);
    watching.look({.name = "feed", .log_only = true}, rule);
    EXPECT_TRUE(watching.findings().empty()) << "what only logs harms nobody";
  }
}

TEST(RuleInspection, FindsAddressesThatNoListShouldHave) {
  GateRules rules;
  rules.own_networks = {*IpPrefix::from_text("192.0.2.0/24"),
                        *IpPrefix::from_text("2001:db8::/32")};
  struct Case {
    std::string_view prefix;
    policy::Trigger trigger;
    policy::Action action;
    std::string_view found;
  };
  using policy::Action;
  using policy::Trigger;
  const Case cases[] = {
      {"198.51.100.0/24", Trigger::response_ip, Action::block, ""},
      {"198.51.100.7/32", Trigger::nsip, Action::drop, ""},
      {"192.0.2.7/32", Trigger::response_ip, Action::local_data, "own_network "},
      {"192.0.0.0/16", Trigger::nsip, Action::nxdomain, "own_network "},
      {"2001:db8:7::/48", Trigger::response_ip, Action::block, "own_network "},
      {"192.0.2.7/32", Trigger::response_ip, Action::pass, ""},
      {"100.0.0.0/12", Trigger::response_ip, Action::block, ""},
      {"100.0.0.0/11", Trigger::response_ip, Action::block, "wide_network "},
      {"192.0.0.0/8", Trigger::response_ip, Action::block, "own_network wide_network "},
      {"2600::/27", Trigger::nsip, Action::block, "wide_network "},
      {"10.0.0.1/32", Trigger::client_ip, Action::drop, "client_rules "},
      {"10.0.0.1/32", Trigger::client_ip, Action::pass, "client_rules "},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.prefix) + " " + std::string(policy::to_string(c.action)));
    RuleInspection inspection(rules);
    policy::Rule rule;
    rule.prefix = *IpPrefix::from_text(c.prefix);
    rule.trigger = c.trigger;
    rule.action = c.action;
    inspection.look({.name = "feed"}, rule);
    EXPECT_EQ(reasons(inspection.findings()), c.found);
    RuleInspection watching(rules);
    watching.look({.name = "feed", .log_only = true}, rule);
    EXPECT_TRUE(watching.findings().empty());
  }
}

TEST(RuleInspection, ASuffixOfManyMattersWhereSomeOfItIsUsed) {
  const GateRules rules;
  RuleInspection inspection(rules);
  const policy::Rule rule{.name = name("hopto.org"), .scope = Scope::at_and_below, .line = 3};
  inspection.look({.name = "feed"}, rule);
  EXPECT_TRUE(inspection.findings().empty());
  inspection.look_at_use({.name = name("other.example"), .scope = Scope::at_and_below});
  EXPECT_TRUE(inspection.findings().empty());
  inspection.look_at_use(rule);
  inspection.look_at_use(rule);
  ASSERT_EQ(inspection.findings().size(), 1U);
  EXPECT_EQ(inspection.findings()[0].text,
            "blocks names below which many parties have theirs: hopto.org and below, line 3");
}

TEST(RuleInspection, SaysWhichAndHowMany) {
  GateRules rules;
  rules.own_domains = {name("ours.example")};
  RuleInspection inspection(rules);
  for (std::uint32_t i = 1; i <= 8; ++i) {
    inspection.look({.name = "feed"},
                    {.name = name("h" + std::to_string(i) + ".ours.example"), .line = i});
  }
  ASSERT_EQ(inspection.findings().size(), 1U);
  const std::string text = inspection.findings()[0].text;
  EXPECT_EQ(text.substr(0, 78),
            "blocks your own domain ours.example by h1.ours.example, line 1; ours.example b");
  EXPECT_TRUE(text.ends_with("; and 3 more")) << text;
}

TEST(GateTraffic, HoldsWhatWouldBeFeltHere) {
  struct Case {
    std::string_view what;
    std::uint64_t top_names;
    std::uint32_t users, clients;
    std::uint64_t blocked, queries;
    std::string_view reasons;
  };
  const Case cases[] = {
      {"an infected machine's own name", 1, 1, 40, 500, 100'000, ""},
      {"ten of the top", 10, 2, 40, 500, 100'000, ""},
      {"eleven of the top", 11, 2, 40, 500, 100'000, "top_names "},
      {"a name that a fifth of the clients use", 1, 8, 40, 500, 100'000, ""},
      {"that more of them use", 1, 9, 40, 500, 100'000, "clients "},
      {"two people in a home", 1, 2, 2, 30, 900, ""},
      {"hardly anything was asked yet", 5, 2, 4, 400, 900, ""},
      {"a twentieth of the queries", 1, 1, 40, 5000, 100'000, ""},
      {"more than that", 1, 1, 40, 5001, 100'000, "queries "},
      {"nothing is known", 0, 0, 0, 0, 0, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    policy::ZoneChange change;
    change.blocked.top_names = c.top_names;
    change.blocked.queries_in_use = c.blocked;
    change.most_used.clients = c.users;
    change.most_used.name = name("www.used.example");
    policy::Comparison all;
    all.clients = c.clients;
    all.queries_in_use = c.queries;
    EXPECT_EQ(reasons(traffic_faults(change, all, {})), c.reasons);
  }
}

}  // namespace
}  // namespace postern::intel
