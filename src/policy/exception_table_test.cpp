// The table of exceptions against a table of cases, and against a search of every exception.
#include "policy/exception_table.h"

#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "policy/in_force.h"
#include "policy/limits.h"

namespace postern::policy {
namespace {

const WallTime kNow{seconds(1'700'000'000)};

dns::Name name(std::string_view text) {
  return *dns::Name::from_text(text);
}

Audience everyone() {
  return {};
}
Audience group(std::string text) {
  return {.kind = Audience::Kind::group, .name = std::move(text)};
}
Audience tenant(std::string text) {
  return {.kind = Audience::Kind::tenant, .name = std::move(text)};
}
Audience clients(std::string_view prefix) {
  return {.kind = Audience::Kind::clients, .clients = *IpPrefix::from_text(prefix)};
}

/// "+*.bad.example": allowed, with all below it. "-bad.example": blocked, alone.
Exception exception(std::string_view text, Audience audience, std::uint32_t id = 0) {
  Exception made{.id = id, .audience = std::move(audience)};
  made.action = text.front() == '+' ? Action::pass : Action::block;
  text.remove_prefix(1);
  if (text == "*") text = "*..";
  made.scope = text.starts_with("*.") ? Scope::at_and_below : Scope::exact;
  made.name = name(made.scope == Scope::exact ? text : text.substr(2));
  return made;
}

std::shared_ptr<const ExceptionTable> table_of(const std::vector<Exception>& exceptions) {
  auto table = ExceptionTable::create(exceptions, {.name = "exceptions"}, 42);
  EXPECT_TRUE(table.has_value());
  return *table;
}

/// The id of the one that decides for 192.0.2.7 of the group kids of the tenant school; 0: none.
std::uint32_t decides(const std::vector<Exception>& exceptions, std::string_view of,
                      std::string_view client = "192.0.2.7", WallTime now = kNow) {
  const auto table = table_of(exceptions);
  const auto found = table->find({*IpAddress::from_text(client), "kids", "school"}, name(of), now);
  return found ? table->id(*found) : 0;
}

TEST(ExceptionTable, TheMostSpecificOneDecides) {
  struct Case {
    const char* what;
    std::vector<Exception> exceptions;  // Numbered from 1.
    const char* name;
    std::uint32_t decides;
    const char* client = "192.0.2.7";
  };
  const Case cases[] = {
      {"nothing in an empty table", {}, "a.example", 0},
      {"the name itself", {exception("+a.example", everyone())}, "a.example", 1},
      {"not a name below it", {exception("+a.example", everyone())}, "x.a.example", 0},
      {"nor one above it", {exception("+a.example", everyone())}, "example", 0},
      {"all below it and itself", {exception("+*.a.example", everyone())}, "a.example", 1},
      {"however far below", {exception("+*.a.example", everyone())}, "x.y.z.a.example", 1},
      {"not what only ends alike", {exception("+*.a.example", everyone())}, "xa.example", 0},
      {"every name", {exception("-*", everyone())}, "x.y.example", 1},
      {"the root too", {exception("-*", everyone())}, ".", 1},

      {"a group of the client", {exception("+a.example", group("kids"))}, "a.example", 1},
      {"no other group", {exception("+a.example", group("staff"))}, "a.example", 0},
      {"a tenant of the client", {exception("+a.example", tenant("school"))}, "a.example", 1},
      {"no tenant of a group's name", {exception("+a.example", tenant("kids"))}, "a.example", 0},
      {"a prefix around the client",
       {exception("+a.example", clients("192.0.2.0/24"))},
       "a.example",
       1},
      {"no other prefix", {exception("+a.example", clients("192.0.3.0/24"))}, "a.example", 0},
      {"every address of a family",
       {exception("+a.example", clients("0.0.0.0/0"))},
       "a.example",
       1},
      {"not of the other one",
       {exception("+a.example", clients("0.0.0.0/0"))},
       "a.example",
       0,
       "2001:db8::1"},
      {"an IPv6 client",
       {exception("+a.example", clients("2001:db8::1"))},
       "a.example",
       1,
       "2001:db8::1"},

      {"a prefix over a group, whatever the names",
       {exception("+a.example", group("kids")), exception("-*", clients("192.0.2.0/24"))},
       "a.example",
       2},
      {"the longer prefix",
       {exception("+a.example", clients("192.0.2.0/24")),
        exception("-*.example", clients("192.0.2.7")),
        exception("+a.example", clients("0.0.0.0/0"))},
       "a.example",
       2},
      {"a group over its tenant",
       {exception("+a.example", tenant("school")), exception("-*.example", group("kids"))},
       "a.example",
       2},
      {"a tenant over everyone",
       {exception("+a.example", everyone()), exception("-*.example", tenant("school"))},
       "a.example",
       2},
      {"then the longer name",
       {exception("+*.example", everyone()), exception("-*.a.example", everyone())},
       "x.a.example",
       2},
      {"then the exact one",
       {exception("+*.a.example", everyone()), exception("-a.example", everyone())},
       "a.example",
       2},
      {"then the one that allows",
       {exception("-a.example", everyone()), exception("+a.example", everyone())},
       "a.example",
       2},
      {"then the later one",
       {exception("+a.example", everyone()), exception("+a.example", everyone())},
       "a.example",
       2},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.what);
    std::vector<Exception> exceptions = test.exceptions;
    for (std::size_t i = 0; i < exceptions.size(); ++i) {
      exceptions[i].id = static_cast<std::uint32_t>(i + 1);
    }
    EXPECT_EQ(decides(exceptions, test.name, test.client), test.decides);
  }
}

TEST(ExceptionTable, HoldsUntilItsMomentAndNotAnInstantLonger) {
  Exception short_one = exception("+a.example", everyone(), 1);
  short_one.until = kNow;
  const Exception long_one = exception("-*.example", everyone(), 2);
  const std::vector<Exception> both = {short_one, long_one};
  EXPECT_EQ(decides(both, "a.example", "192.0.2.7", kNow - microseconds(1)), 1U);
  EXPECT_EQ(decides(both, "a.example", "192.0.2.7", kNow), 2U);
}

TEST(ExceptionTable, GivesBackWhatItWasGiven) {
  std::vector<Exception> given = {exception("+*.a.example", group("kids"), 7),
                                  exception("-b.example", everyone(), 8),
                                  exception("-*", clients("2001:db8::/32"), 9)};
  given[0].since = kNow;
  given[0].until = kNow + seconds(3600);
  given[0].owner = "root (uid 0)";
  given[0].reason = "a supplier's site";
  given[1].reason = "a supplier's site";
  const auto table = table_of(given);
  ASSERT_EQ(table->size(), given.size());
  for (std::uint32_t i = 0; i < table->size(); ++i) {
    const Exception back = table->at(i);
    EXPECT_EQ(back, given.at(back.id - 7));
  }
  EXPECT_GT(table->memory_octets(), 0U);
}

TEST(ExceptionTable, RefusesMoreThanItsBound) {
  const std::vector<Exception> many(kMaxExceptionsInForce + 1, exception("+a.example", everyone()));
  const auto table = ExceptionTable::create(many, {}, 42);
  ASSERT_FALSE(table.has_value());
  EXPECT_EQ(table.error().code, Errc::limit_exceeded);
}

bool is_of(const Exception& e, const dns::Name& of) {
  return e.scope == Scope::exact ? e.name == of : of.is_at_or_below(e.name);
}

/// The twin: looks at each.
std::uint32_t search(const std::vector<Exception>& exceptions, const ExceptionTable::Asker& asker,
                     const dns::Name& of, WallTime now) {
  const Exception* best = nullptr;
  const auto rank = [](const Exception& e) {
    return std::tuple(e.audience.kind, e.audience.clients.length(), e.name.label_count(),
                      e.scope == Scope::exact, e.action == Action::pass, e.id);
  };
  for (const Exception& e : exceptions) {
    const bool is_theirs =
        e.audience.kind == Audience::Kind::everyone ||
        (e.audience.kind == Audience::Kind::tenant && e.audience.name == asker.tenant) ||
        (e.audience.kind == Audience::Kind::group && e.audience.name == asker.group) ||
        (e.audience.kind == Audience::Kind::clients && asker.client &&
         e.audience.clients.contains(*asker.client));
    if (!is_theirs || !is_of(e, of) || (e.until && *e.until <= now)) continue;
    if (best == nullptr || rank(e) > rank(*best)) best = &e;
  }
  return best == nullptr ? 0 : best->id;
}

TEST(ExceptionTable, DecidesAsASearchOfAllWould) {
  std::mt19937 random(7);
  const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const auto some_name = [&] {
    std::string text = "example";
    for (unsigned i = pick(4); i > 0; --i) text = fmt::format("{}.{}", pick(3), text);
    return text;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<Exception> exceptions;
    for (unsigned i = 0; i < 1 + pick(60); ++i) {
      Audience audience;
      audience.kind = static_cast<Audience::Kind>(pick(4));
      if (audience.kind == Audience::Kind::tenant || audience.kind == Audience::Kind::group) {
        audience.name = fmt::format("n{}", pick(3));
      } else if (audience.kind == Audience::Kind::clients) {
        const auto octet = static_cast<std::uint8_t>(pick(4));
        audience.clients = IpPrefix(IpAddress::v4(192, 0, octet, octet), 14 + pick(19));
      }
      Exception made = exception(
          fmt::format("{}{}{}", pick(2) != 0 ? "+" : "-", pick(2) != 0 ? "*." : "", some_name()),
          audience, i + 1);
      if (pick(3) == 0) made.until = kNow + seconds(static_cast<int>(pick(3)) - 1);
      exceptions.push_back(made);
    }
    const auto table = table_of(exceptions);
    for (int i = 0; i < 50; ++i) {
      const std::string own_group = fmt::format("n{}", pick(4));
      const std::string own_tenant = fmt::format("n{}", pick(4));
      const auto octet = static_cast<std::uint8_t>(pick(4));
      const ExceptionTable::Asker asker{IpAddress::v4(192, 0, octet, octet), own_group, own_tenant};
      const dns::Name of = name(some_name());
      const auto found = table->find(asker, of, kNow);
      EXPECT_EQ(found ? table->id(*found) : 0, search(exceptions, asker, of, kNow));
      const auto all = table->find_all(asker, of, kNow);
      EXPECT_EQ(found.has_value(), !all.empty());
      if (found) {
        EXPECT_EQ(all.front(), *found);
      }
      std::set<std::uint32_t> of_name;
      for (const std::uint32_t number : table->holding(asker, kNow)) {
        if (is_of(table->at(number), of)) of_name.insert(number);
      }
      EXPECT_EQ(of_name, std::set<std::uint32_t>(all.begin(), all.end()));
    }
    std::optional<WallTime> next;
    for (const Exception& each : exceptions) {
      if (each.until && *each.until > kNow && (!next || *each.until < *next)) next = each.until;
    }
    EXPECT_EQ(table->next_end(kNow), next);
  }
}

TEST(InForce, AnExceptionStandsBeforeEveryZone) {
  ZoneRules rules;
  rules.add(
      {.name = name("bad.example"), .scope = Scope::at_and_below, .action = Action::nxdomain});
  PolicyInput input;
  input.zones.push_back({{.name = "feed"}, std::make_shared<const ZoneRules>(rules)});
  input.groups.push_back({.name = "default", .zones = {0}, .answer = BlockAnswer::refused});
  const auto generation = *Generation::compile(std::move(input));
  const auto table = table_of(
      {exception("+www.bad.example", everyone(), 3), exception("-*.good.example", everyone(), 4)});
  const InForce in_force(*generation, *table);
  const Asking asking{.client = IpAddress::v4(192, 0, 2, 7), .now = kNow};

  const Verdict allowed = in_force.decide(asking, name("www.bad.example"));
  EXPECT_TRUE(allowed.allows());
  EXPECT_TRUE(InForce::is_exception(allowed));
  EXPECT_EQ(in_force.zone(allowed).name, "exceptions");
  EXPECT_EQ(in_force.line(allowed), 3U);
  EXPECT_EQ(in_force.rule_text(allowed), "www.bad.example");
  for (const Trigger trigger : {Trigger::client_ip, Trigger::response_ip, Trigger::nsip}) {
    EXPECT_FALSE(generation->may_precede(0, trigger, allowed));
  }

  const Verdict blocked = in_force.decide(asking, name("x.good.example"));
  EXPECT_TRUE(blocked.blocks());
  EXPECT_EQ(in_force.rule_text(blocked), "*.good.example");
  EXPECT_EQ(in_force.plan(0, blocked).action, Action::refuse) << "as the group wishes";

  const Verdict other = in_force.decide(asking, name("bad.example"));
  EXPECT_TRUE(other.blocks());
  EXPECT_FALSE(InForce::is_exception(other));
  EXPECT_EQ(in_force.zone(other).name, "feed");
}

TEST(InForce, AGroupHasAnotherPolicyWhileItsScheduleHolds) {
  ZoneRules rules;
  rules.add({.name = name("bad.example"), .scope = Scope::at_and_below});
  auto night = std::make_shared<Schedule>();
  night->windows = {*window_from_text("daily 21:00-07:00")};
  PolicyInput input;
  input.zones.push_back({{.name = "feed"}, std::make_shared<const ZoneRules>(rules)});
  input.groups.push_back({.name = "default", .zones = {0}});
  input.groups.push_back({.name = "kids",
                          .clients = {*IpPrefix::from_text("192.0.2.0/24")},
                          .zones = {0},
                          .during = {{night, 2}}});
  input.groups.push_back({.name = "kids", .hours = "kids/night"});
  const auto generation = *Generation::compile(std::move(input));
  Audience hours{.kind = Audience::Kind::hours, .name = "kids/night"};
  EXPECT_EQ(to_text(hours), "group kids during night");
  const auto table = table_of({exception("-*", hours, 1), exception("+a.example", group("kids"), 2),
                               exception("+b.example", clients("192.0.2.7"), 3)});
  const InForce in_force(*generation, *table);
  const IpAddress client = IpAddress::v4(192, 0, 2, 7);
  const auto at = [&](WallTime now, std::string_view of) {
    const Asking asking{.group = in_force.group_of(client, now), .client = client, .now = now};
    const Verdict verdict = in_force.decide(asking, name(of));
    return std::pair(asking.group, verdict.matched ? in_force.line(verdict) : 99U);
  };
  const WallTime day{seconds(1'700'000'000)};  // 22:13 UTC.
  const std::pair<std::uint16_t, std::uint32_t> by_night(2, 1);
  EXPECT_EQ(at(day, "a.example"), by_night) << "these hours stand before the group";
  EXPECT_EQ(at(day, "b.example").second, 3U) << "and a client before these hours";
  EXPECT_EQ(at(day, "bad.example"), by_night);
  const WallTime morning = day + std::chrono::hours(9);
  EXPECT_EQ(at(morning, "a.example"), std::pair(std::uint16_t{1}, 2U));
  EXPECT_EQ(at(morning, "bad.example"), std::pair(std::uint16_t{1}, 0U)) << "the feed, as ever";
  EXPECT_EQ(at(morning, "c.example").second, 99U);
  // Who is asked about by name is the group itself, not its hours.
  EXPECT_EQ(generation->group_named("kids"), std::uint16_t{1});
}

}  // namespace
}  // namespace postern::policy
