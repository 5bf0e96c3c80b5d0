#include "api/explain.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "api/testing.h"

namespace postern::api {
namespace {

using testing::name;
using testing::small_policy;

/// The explanation, cut down to what a case looks at.
struct Told {
  std::string verdict;  ///< "blocked by adware: tracker.example … line 1180 (null_address)".
  std::string group;
  std::vector<std::string> steps;
  std::string rule;
  std::string trigger;
  std::size_t matches = 0;
  std::size_t winners = 0;
  bool in_chain = false;
  std::string trace;
  std::string record;
};

std::string text_of(simdjson::dom::element element) {
  std::string_view text;
  if (element.get_string().get(text) == simdjson::SUCCESS) return std::string(text);
  return simdjson::minify(element);
}

Told tell(const ExplainQuestion& question, const policy::Generation& policy = *small_policy(),
          const policy::ExceptionTable& exceptions = *policy::ExceptionTable::none()) {
  simdjson::dom::parser parser;
  const std::string json = explain_json({policy, exceptions}, question);
  simdjson::dom::element root = parser.parse(json).value();
  Told told;
  told.group = text_of(root["group"]);
  const auto verdict = root["verdict"];
  told.verdict = text_of(verdict["disposition"]) + " by " + text_of(verdict["zone"]) + ", line " +
                 text_of(verdict["line"]) + ": " + text_of(verdict["answer"]);
  for (const auto step : root["steps"].get_array()) {
    told.steps.push_back(text_of(step["outcome"]) + ": " + text_of(step["text"]));
  }
  told.rule = text_of(verdict["rule"]);
  told.trigger = text_of(verdict["trigger"]);
  told.matches = root["matches"].get_array().size();
  for (const auto match : root["matches"].get_array()) {
    if (match["winner"].get_bool().value()) ++told.winners;
  }
  told.in_chain = root["verdict"]["in_chain"].get_bool().value();
  told.trace = text_of(root["trace"]);
  told.record = text_of(root["record"]);
  return told;
}

Told tell(std::string_view asked, std::optional<std::string> client = std::nullopt) {
  ExplainQuestion question;
  question.name = name(asked);
  if (client) question.client = IpAddress::from_text(*client).value();
  return tell(question);
}

/// alias.example, blocked because its answer led to a name below `rule`.
event::Query blocked_behind(std::string_view zone, std::string_view rule) {
  event::Query record;
  record.at = WallTime(std::chrono::sys_days(std::chrono::year(2026) / 3 / 2));
  record.trace_id = 1;
  record.generation = 11;
  record.client = IpAddress::v4(127, 0, 0, 1);
  record.qname = name("alias.example");
  record.qtype = dns::RRType::a;
  record.disposition = event::Disposition::blocked;
  record.rcode = dns::Rcode::nxdomain;
  record.zone.assign(zone);
  record.rule_line = 1180;
  record.has_matched = true;
  record.matched = name(rule);
  record.matched_wildcard = true;
  record.matched_in_chain = true;
  return record;
}

TEST(Explain, Verdicts) {
  struct Case {
    std::string name;
    std::optional<std::string> client;
    std::string group;
    std::string want;
  };
  const Case cases[] = {
      {"example.com", {}, "default", "answered by null, line null: null"},
      {"x.tracker.example", {}, "default", "blocked by adware, line 1180: null_address"},
      // A rule's own action comes before the zone's answer.
      {"ads.tracker.example", {}, "default", "blocked by adware, line 1181: nodata"},
      {"yolkish.com", {}, "default", "blocked by hafnium, line 16: nxdomain"},
      // Allowed first, whatever a later zone says.
      {"cdn.shop.example", {}, "default", "allowed by allow, line 3: null"},
      {"a.vendor.example", {}, "default", "observed by watch, line 7: null"},
      // Another group: other zones, another answer; a rule without a line.
      {"x.tracker.example", "192.0.2.9", "kids", "blocked by adware, line 1180: refused"},
      {"play.games.example", "2001:db8:7::1", "kids", "blocked by kids, line null: refused"},
      {"play.games.example", "198.51.100.1", "default", "answered by null, line null: null"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name + " for " + c.client.value_or("nobody"));
    const Told told = tell(c.name, c.client);
    EXPECT_EQ(told.verdict, c.want);
    EXPECT_EQ(told.group, c.group);
  }
}

TEST(Explain, StepsTellTheDecisionInOrder) {
  const Told told = tell("cdn.shop.example", "198.51.100.1");
  const std::vector<std::string> want = {
      "chosen: 198.51.100.1 is in no group's prefixes: the group \"default\".",
      "chosen: Generation 12 of 2026-03-02 00:00:00 UTC: 8 rules in 5 zones, 4 of them in force "
      "for "
      "this group.",
      "decided: allow: shop.example and below (line 3) matches and says pass.",
      "not_asked: watch, hafnium, adware: not asked, an earlier zone decided.",
      "allowed: Allowed by that rule: answered as the DNS says.",
  };
  EXPECT_EQ(told.steps, want);
  EXPECT_EQ(told.matches, 2U);  // The later zone's too, though it was not asked.
}

TEST(Explain, AZoneThatOnlyLogsIsToldAndPassedOver) {
  const Told told = tell("a.vendor.example");
  ASSERT_EQ(told.steps.size(), 6U);
  EXPECT_EQ(told.steps[0],
            "chosen: No client was named: the group \"default\", for clients in no "
            "other.");
  EXPECT_EQ(told.steps[3],
            "observed: watch: vendor.example and below (line 7) matches and says "
            "block; this zone only logs, so the next is asked.");
  EXPECT_EQ(told.steps[4], "no_match: hafnium, adware: no rule matches.");
}

TEST(Explain, ANameThatWasBlockedThroughItsAnswerIsSaidToBe) {
  ExplainQuestion question{.name = name("alias.example"), .client = {}};
  question.record = blocked_behind("adware", "tracker.example");
  const Told told = tell(question);
  EXPECT_EQ(told.verdict, "blocked by adware, line 1180: null_address");
  EXPECT_TRUE(told.in_chain);
  EXPECT_EQ(told.trace, "null");
  EXPECT_NE(told.record.find("\"name\":\"alias.example\""), std::string::npos);
  EXPECT_EQ(told.matches, 1U);
  ASSERT_EQ(told.steps.size(), 5U);
  EXPECT_EQ(told.steps[2], "no_match: allow, watch, hafnium, adware: no rule matches.");
  EXPECT_EQ(told.steps[3],
            "blocked: Last asked at 2026-03-02 00:00:00 UTC by 127.0.0.1 (trace 00000001): blocked "
            "by adware (line 1180): *.tracker.example, which its answer led to; answered with "
            "NXDOMAIN under generation 11.");
  EXPECT_EQ(told.steps[4],
            "blocked: Blocked through its answer, as long as that leads to a name under the rule "
            "tracker.example and below of adware: answered with null_address, TTL 10 s, extended "
            "error 15 (Blocked).");
}

TEST(Explain, TheRecordDecidesNothingThatPolicyDoesNot) {
  struct Case {
    std::string what;
    std::string asked;
    std::string zone;
    std::string rule;
    std::string want;
  };
  const Case cases[] = {
      {"the rule is gone", "alias.example", "adware", "gone.example", "answered by null"},
      {"another zone has it", "alias.example", "gone", "tracker.example", "answered by null"},
      {"the name itself is allowed", "shop.example", "adware", "tracker.example",
       "allowed by allow"},
      {"the name itself is blocked", "p.estonine.com", "adware", "tracker.example",
       "blocked by hafnium"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    ExplainQuestion question{.name = name(c.asked), .client = {}};
    question.record = blocked_behind(c.zone, c.rule);
    const Told told = tell(question);
    EXPECT_TRUE(told.verdict.starts_with(c.want)) << told.verdict;
    EXPECT_FALSE(told.in_chain);
  }
}

/// Three zones: a list, a policy zone with rules of every trigger, and one that allows.
std::shared_ptr<const policy::Generation> policy_of_all_triggers() {
  using policy::Action;
  using policy::Trigger;
  const auto prefix = [](const char* text) { return IpPrefix::from_text(text).value(); };
  auto list = std::make_shared<policy::ZoneRules>();
  list->add({.name = name("listed.example"), .line = 1});
  list->add({.name = name("good.example"), .action = Action::pass, .line = 2});
  auto rpz = std::make_shared<policy::ZoneRules>();
  rpz->add({.prefix = prefix("192.0.2.66/32"), .trigger = Trigger::client_ip, .line = 11});
  rpz->add({.prefix = prefix("198.51.100.0/24"), .trigger = Trigger::response_ip, .line = 12});
  rpz->add({.name = name("ns.bad.example"),
            .trigger = Trigger::nsdname,
            .scope = policy::Scope::below,
            .line = 13});
  rpz->add({.prefix = prefix("2001:db8:53::/48"), .trigger = Trigger::nsip, .line = 14});
  rpz->add({.name = name("good.example"), .line = 15});
  policy::PolicyInput input;
  input.zones = {{{.name = "list", .pass_is_own = true}, list}, {{.name = "rpz"}, rpz}};
  input.groups = {{.name = "default", .zones = {0, 1}}};
  return policy::Generation::compile(std::move(input)).value();
}

TEST(Explain, RulesOfEveryTrigger) {
  struct Case {
    std::string asked;
    std::string client;
    std::string matched;  ///< Of the record; empty: no record.
    bool wildcard;
    std::string want;
    std::string rule;
    std::string trigger;
  };
  const Case cases[] = {
      {"a.example", "192.0.2.66", "", false, "blocked by rpz, line 11: nxdomain", "192.0.2.66/32",
       "client_ip"},
      // An earlier zone's rule on the name comes first.
      {"listed.example", "192.0.2.66", "", false, "blocked by list, line 1: nxdomain",
       "listed.example", "qname"},
      {"a.example", "192.0.2.1", "", false, "answered by null, line null: null", "null", "null"},
      {"a.example", "192.0.2.1", "24.0.100.51.198.rpz-ip", false,
       "blocked by rpz, line 12: nxdomain", "198.51.100.0/24", "response_ip"},
      {"a.example", "192.0.2.1", "ns.bad.example.rpz-nsdname", true,
       "blocked by rpz, line 13: nxdomain", "*.ns.bad.example", "nsdname"},
      {"a.example", "192.0.2.1", "48.zz.53.db8.2001.rpz-nsip", false,
       "blocked by rpz, line 14: nxdomain", "2001:db8:53::/48", "nsip"},
      // The rule is gone.
      {"a.example", "192.0.2.1", "24.0.0.0.10.rpz-ip", false, "answered by null, line null: null",
       "null", "null"},
      // What stands before it decides.
      {"listed.example", "192.0.2.1", "24.0.100.51.198.rpz-ip", false,
       "blocked by list, line 1: nxdomain", "listed.example", "qname"},
      // A list that leaves the name out is silent; the zone behind it is not.
      {"good.example", "192.0.2.1", "", false, "blocked by rpz, line 15: nxdomain", "good.example",
       "qname"},
  };
  const auto policy = policy_of_all_triggers();
  for (const Case& c : cases) {
    SCOPED_TRACE(c.asked + " " + c.matched);
    ExplainQuestion question{.name = name(c.asked),
                             .client = IpAddress::from_text(c.client).value()};
    if (!c.matched.empty()) {
      question.record = blocked_behind("rpz", c.matched);
      question.record->matched_in_chain = false;
      question.record->matched_wildcard = c.wildcard;
    }
    const Told told = tell(question, *policy);
    EXPECT_EQ(told.verdict, c.want);
    EXPECT_EQ(told.rule, c.rule);
    EXPECT_EQ(told.trigger, c.trigger);
    EXPECT_EQ(told.winners, c.rule == "null" ? 0U : 1U);
  }
}

TEST(Explain, ATraceIsToldFirst) {
  ExplainQuestion question{.name = name("alias.example"), .client = {}};
  question.record = blocked_behind("gone", "gone.example");
  question.by_trace = true;
  const Told told = tell(question);
  EXPECT_EQ(told.trace, "00000001");
  EXPECT_TRUE(told.steps[0].starts_with("blocked: Asked at 2026-03-02 00:00:00 UTC"));
  EXPECT_TRUE(told.steps.back().starts_with("answered: No rule matches the name:"));
}

TEST(Explain, WhoAClientIsSaidToBe) {
  policy::PolicyInput input;
  auto rules = std::make_shared<policy::ZoneRules>();
  rules->add({.name = name("games.example"), .line = 3});
  input.zones.push_back({{.name = "kids"}, rules});
  input.groups = {{.name = "default"},
                  {.name = "kids",
                   .devices = {MacAddress::from_text("02:00:00:00:00:01").value()},
                   .client_ids = {policy::ClientId::from_text("tablet").value()},
                   .zones = {0}}};
  const auto policy = policy::Generation::compile(std::move(input)).value();
  const auto ask = [&](policy::Identity said, std::optional<IpAddress> client = std::nullopt) {
    const Told told =
        tell({.name = name("games.example"), .client = client, .said = said}, *policy);
    return told.group + ": " + told.steps[0];
  };
  const auto id = [](const char* text) { return policy::ClientId::from_text(text); };
  EXPECT_EQ(ask({.id = id("tablet")}),
            "kids: chosen: A client called \"tablet\" is in the group \"kids\".");
  EXPECT_EQ(ask({.device = MacAddress::from_text("02:00:00:00:00:01").value()}),
            "kids: chosen: The device 02:00:00:00:00:01 is in the group \"kids\".");
  EXPECT_EQ(ask({.id = id("Tablet")}),
            "default: chosen: No group has such a client: the group \"default\".");
  EXPECT_EQ(ask({.id = id("tablet")}, IpAddress::v4(192, 0, 2, 1)),
            "kids: chosen: A client called \"tablet\" is in the group \"kids\".");

  // What a query was decided for is what is told of it, whatever its address says now.
  event::Query record = blocked_behind("kids", "games.example");
  record.group.assign("kids");
  const Told told = tell({.name = name("games.example"),
                          .client = IpAddress::v4(192, 0, 2, 1),
                          .record = record,
                          .by_trace = true},
                         *policy);
  EXPECT_EQ(told.group, "kids");
  EXPECT_EQ(
      told.steps[1],
      "chosen: 192.0.2.1 asked as one of the group \"kids\", which its address alone does not "
      "make it.");
}

TEST(Explain, WithoutARecordItSaysWhatIsNotKnown) {
  ExplainQuestion question{.name = name("a.example"), .client = {}};
  question.why_no_record = "Nobody has asked.";
  EXPECT_EQ(tell(question).steps[3], "not_asked: Nobody has asked.");
  question.name = name("p.estonine.com");  // Blocked whatever an answer would lead to.
  for (const std::string& step : tell(question).steps) EXPECT_FALSE(step.ends_with("has asked."));
}

TEST(Explain, AThousandZonesStayReadable) {
  policy::PolicyInput input;
  for (int i = 0; i < 1000; ++i) {
    policy::ZoneInput zone;
    zone.options.name = "z" + std::to_string(i);
    zone.rules = std::make_shared<const policy::ZoneRules>();
    input.zones.push_back(zone);
  }
  policy::Group group{.name = "default", .clients = {}, .zones = {}, .answer = {}};
  for (std::uint16_t i = 0; i < 1000; ++i) group.zones.push_back(i);
  input.groups.push_back(group);
  const auto generation = policy::Generation::compile(std::move(input)).value();
  const std::string json = explain_json({*generation, *policy::ExceptionTable::none()},
                                        {.name = name("a.example"), .client = {}});
  EXPECT_NE(json.find("z7 and 992 more: no rule matches."), std::string::npos);
  EXPECT_LT(json.size(), 2000U);
}

TEST(Explain, AnExceptionIsToldWithWhoMadeItWhyAndUntilWhen) {
  const WallTime now{seconds(1'700'000'000)};
  policy::Exception narrow{.id = 17, .name = name("pixel.tracker.example"), .since = now};
  narrow.audience = {.kind = policy::Audience::Kind::clients,
                     .clients = *IpPrefix::from_text("192.0.2.0/24")};
  narrow.until = now + seconds(60);
  narrow.owner = "ada (uid 1000)";
  narrow.reason = "the shop needs it";
  policy::Exception wide{.id = 3, .name = name("tracker.example")};
  wide.scope = policy::Scope::at_and_below;
  wide.action = policy::Action::block;
  const std::vector<policy::Exception> both = {narrow, wide};
  const auto table = policy::ExceptionTable::create(both, {.name = "exceptions"}, 1).value();
  ExplainQuestion question{
      .name = name("pixel.tracker.example"), .now = now, .client = IpAddress::v4(192, 0, 2, 7)};
  Told told = tell(question, *small_policy(), *table);
  EXPECT_EQ(told.verdict, "allowed by exceptions, line null: null");
  EXPECT_EQ(told.rule, "pixel.tracker.example");
  EXPECT_EQ(told.winners, 0U);
  ASSERT_GE(told.steps.size(), 5U);
  EXPECT_EQ(told.steps[2],
            "decided: Exception 17 of ada (uid 1000), until 2023-11-14 22:14:20 UTC (the shop "
            "needs it): allow pixel.tracker.example for clients 192.0.2.0/24.");
  EXPECT_TRUE(told.steps[3].starts_with("not_asked: Exception 3")) << told.steps[3];
  EXPECT_TRUE(told.steps[4].contains("not asked, an exception decided")) << told.steps[4];

  question.now = *narrow.until;
  told = tell(question, *small_policy(), *table);
  EXPECT_EQ(told.verdict, "blocked by exceptions, line null: refused");
  question.name = name("www.example.org");
  told = tell(question, *small_policy(), *table);
  EXPECT_EQ(told.steps[2], "no_match: Exceptions: none is for this name and client.");
}

}  // namespace
}  // namespace postern::api
