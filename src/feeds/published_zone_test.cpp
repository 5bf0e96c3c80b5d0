// Published zones, read back: what they say is what we decide, at every step of their history.
#include "feeds/published_zone.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "dns/rdata.h"
#include "feeds/packed_record.h"
#include "intel/format.h"

namespace postern::feeds {
namespace {

using policy::Action;
using policy::BlockAnswer;
using policy::Generation;
using policy::Scope;
using policy::Trigger;

const dns::Name kOrigin = *dns::Name::from_text("policy.postern");
const dns::Name kHidden = *dns::Name::from_text("qqqqqqqqqqqqqqqq");
constexpr std::uint64_t kNow = 1'700'000'000;

dns::Name name(const std::string& text) {
  return *dns::Name::from_text(text);
}

using Shared = std::shared_ptr<const Generation>;

Shared compile(std::vector<policy::ZoneInput> zones, std::optional<BlockAnswer> answer = {}) {
  policy::PolicyInput input;
  policy::Group group{.name = "default", .clients = {}, .zones = {}, .answer = answer};
  for (std::size_t i = 0; i < zones.size(); ++i) {
    group.zones.push_back(static_cast<std::uint16_t>(i));
  }
  input.zones = std::move(zones);
  input.groups.push_back(std::move(group));
  auto made = Generation::compile(std::move(input));
  EXPECT_TRUE(made) << made.error().text;
  return *made;
}

FlatPlan plan_of(Wildcards wildcards = Wildcards::rfc4592) {
  return {.zone = kOrigin, .group = "default", .wildcards = wildcards, .hidden_label = kHidden};
}

PolicyMoment moment_of(Shared generation) {
  return {std::move(generation), policy::ExceptionTable::none(), {}};
}

PolicyMoment moment_of(Shared generation, const std::vector<policy::Exception>& exceptions,
                       WallTime at = {}) {
  auto table = policy::ExceptionTable::create(
      exceptions, {.name = "exceptions", .answer = BlockAnswer::nodata}, 5);
  EXPECT_TRUE(table);
  return {std::move(generation), *table, at};
}

std::shared_ptr<const FlatPolicy> flatten(const PolicyMoment& moment,
                                          Wildcards wildcards = Wildcards::rfc4592) {
  const auto flat = FlatPolicy::make(moment, plan_of(wildcards));
  EXPECT_TRUE(flat);
  return *flat;
}

/// A record a line, as in a zone file.
std::string line_of(const PackedRecords& record) {
  return record.owner().to_text() + " " + std::to_string(record.ttl()) + " IN " +
         dns::to_string(record.type()) + " " + dns::rdata_to_text(record.type(), record.rdata()) +
         "\n";
}

std::string text_of_source(const RecordSource& source) {
  std::string text;
  for (Octets packed; source(packed);) {
    for (PackedRecords records(packed); records.next();) text += line_of(records);
  }
  return text;
}

std::string zone_text(const PolicyMoment& moment, Wildcards wildcards = Wildcards::rfc4592) {
  return text_of_source(whole_zone(kOrigin, 1, flatten(moment, wildcards)));
}

std::string zone_text(const Shared& generation, Wildcards wildcards = Wildcards::rfc4592) {
  return zone_text(moment_of(generation), wildcards);
}

/// The published zone as a secondary has it; `hides`: names hide wildcards above them (RFC 4592).
Shared as_secondary(const std::string& text, bool hides) {
  auto read = intel::read_feed(text, {.format = intel::Format::rpz,
                                      .scope = {},
                                      .origin = kOrigin,
                                      .csv = {},
                                      .json = {},
                                      .now = {},
                                      .lint = {}});
  if (!read) return compile({});  // No rules.
  EXPECT_EQ(read->lines_skipped, 0U) << read->skipped.front().text << "\n" << text;
  read->rules.set_closest_encloser(hides);
  return compile({{{.name = "published"}, std::make_shared<policy::ZoneRules>(read->rules)}});
}

/// What a client would see of a verdict.
std::string seen(const policy::InForce& in_force, const policy::Verdict& verdict) {
  if (!verdict.blocks()) return verdict.allows() ? "pass" : "nothing";
  const policy::BlockPlan plan = in_force.plan(0, verdict);
  std::string addresses;
  if (plan.use_block_answer) {
    switch (plan.answer) {
      case BlockAnswer::nxdomain:
      case BlockAnswer::refused:
        return "nxdomain";
      case BlockAnswer::nodata:
        return "nodata";
      case BlockAnswer::null_address:
        return " A 0.0.0.0 AAAA ::";
      case BlockAnswer::sinkhole:
        return " A 192.0.2.7";
    }
  }
  if (plan.action == Action::refuse) return "nxdomain";
  if (plan.action != Action::local_data) return std::string(policy::to_string(plan.action));
  for (const auto& record : plan.local_data) {
    addresses +=
        " " + dns::to_string(record.type) + " " + dns::rdata_to_text(record.type, record.rdata);
  }
  return addresses;
}

std::string seen(const Generation& generation, const policy::Verdict& verdict) {
  const auto none = policy::ExceptionTable::none();
  return seen(policy::InForce(generation, *none), verdict);
}

class Maker {
 public:
  explicit Maker(unsigned seed) : dice_(seed) {}

  unsigned roll(unsigned below) { return static_cast<unsigned>(dice_() % below); }

  std::string random_name() {
    std::string text;
    const unsigned labels = 1 + roll(4);
    for (unsigned i = 0; i < labels; ++i) text += std::string(1, "abc"[roll(3)]) + ".";
    return text;
  }

  std::vector<policy::ZoneInput> zones() {
    std::vector<policy::ZoneInput> zones(1 + roll(4));
    for (auto& zone : zones) zone = random_zone();
    return zones;
  }

  std::vector<policy::Exception> exceptions() {
    using Kind = policy::Audience::Kind;
    std::vector<policy::Exception> exceptions(roll(5));
    for (std::uint32_t i = 0; i < exceptions.size(); ++i) {
      policy::Exception& each = exceptions[i];
      each.id = i + 1;
      each.name = name(random_name());
      each.scope = roll(2) == 0 ? Scope::at_and_below : Scope::exact;
      each.action = roll(2) == 0 ? Action::pass : Action::block;
      constexpr Kind kKinds[] = {Kind::everyone, Kind::tenant, Kind::group, Kind::clients};
      each.audience.kind = kKinds[roll(4)];
      if (each.audience.kind == Kind::clients) {
        each.audience.clients = IpPrefix(IpAddress(), roll(3));
      }
      // Some are of others.
      if (each.audience.kind == Kind::tenant) each.audience.name = "acme";
      if (each.audience.kind == Kind::group) each.audience.name = roll(3) == 0 ? "kids" : "default";
      if (roll(3) == 0) each.until = WallTime(seconds(roll(3)));
    }
    return exceptions;
  }

  policy::ZoneInput random_zone() {
    policy::ZoneInput zone;
    zone.options.name = "z";
    zone.options.answer = static_cast<BlockAnswer>(roll(5));
    zone.options.sinkhole_v4 = IpAddress::v4(192, 0, 2, 7);
    zone.options.log_only = roll(6) == 0;
    zone.options.pass_is_own = roll(3) == 0;
    if (roll(8) == 0) zone.options.policy_override = policy::Override{.action = Action::nodata};
    auto rules = std::make_shared<policy::ZoneRules>();
    rules->set_closest_encloser(roll(2) == 0);
    const bool has_ranks = roll(2) == 0;
    for (unsigned i = 1 + roll(8); i > 0; --i) {
      policy::Rule rule;
      rule.name = name(random_name());
      rule.scope = static_cast<Scope>(roll(3));
      constexpr Action kActions[] = {Action::pass,     Action::block,    Action::block,
                                     Action::nxdomain, Action::nodata,   Action::refuse,
                                     Action::drop,     Action::tcp_only, Action::local_data};
      rule.action = kActions[roll(9)];
      if (has_ranks) rule.rank = static_cast<policy::Rank>(roll(4));
      if (rule.action == Action::local_data) {
        rule.data = rules->add_local_data(
            {{dns::RRType::a, 60, {192, 0, 2, static_cast<std::uint8_t>(roll(3))}},
             {dns::RRType::txt, 60, {1, 'x'}}});
      }
      rules->add(rule);
    }
    zone.rules = std::move(rules);
    return zone;
  }

 private:
  std::mt19937 dice_;
};

/// All names of up to five of these labels.
std::vector<dns::Name> all_names() {
  std::vector<std::string> texts{""};
  for (std::size_t from = 0, depth = 0; depth < 5; ++depth) {
    const std::size_t to = texts.size();
    for (; from < to; ++from) {
      for (const char* label : {"a.", "b.", "c."}) texts.push_back(label + texts[from]);
    }
  }
  std::vector<dns::Name> names;
  for (const std::string& text : texts) {
    if (!text.empty()) names.push_back(name(text));
  }
  return names;
}

TEST(FlatPolicy, DecidesOnNamesAsTheZonesDoInTheirOrder) {
  const std::vector<dns::Name> names = all_names();
  for (unsigned seed = 0; seed < 150; ++seed) {
    Maker maker(seed);
    const auto answer = maker.roll(3) == 0 ? std::optional(BlockAnswer::nodata) : std::nullopt;
    const PolicyMoment moment =
        moment_of(compile(maker.zones(), answer), maker.exceptions(), WallTime(seconds(1)));
    const policy::InForce ours = moment.in_force();
    for (const auto wildcards : {Wildcards::rfc4592, Wildcards::longest}) {
      const std::string text = zone_text(moment, wildcards);
      const bool hides = wildcards == Wildcards::rfc4592;
      const Shared theirs = as_secondary(text, hides);
      for (const dns::Name& each : names) {
        std::string want = seen(ours, ours.decide(moment.asking(0), each));
        const std::string got = seen(*theirs, theirs->decide(0, each));
        // To hide a wildcard there is nothing but PASSTHRU, where names do not.
        if (!hides && want == "nothing" && got == "pass") want = got;
        ASSERT_EQ(got, want) << "seed " << seed << ", hides " << hides << ": " << each.to_text()
                             << "\n"
                             << text;
      }
    }
  }
}

TEST(FlatPolicy, DecidesOnAddressesAsTheZonesDoInTheirOrder) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    Maker maker(seed);
    std::vector<policy::ZoneInput> zones(1 + maker.roll(3));
    for (auto& zone : zones) {
      zone.options.name = "z";
      auto rules = std::make_shared<policy::ZoneRules>();
      for (unsigned i = 1 + maker.roll(6); i > 0; --i) {
        const auto last = static_cast<std::uint8_t>(maker.roll(16));
        const bool v6 = maker.roll(3) == 0;
        std::array<std::uint8_t, 16> octets{0x20, 1};
        octets[15] = last;
        policy::Rule rule;
        rule.trigger = Trigger::client_ip;
        rule.prefix = v6 ? IpPrefix(IpAddress::from_octets(octets), 124 + maker.roll(5))
                         : IpPrefix(IpAddress::v4(10, 0, 0, last), 28 + maker.roll(5));
        constexpr Action kActions[] = {Action::pass, Action::nxdomain, Action::nodata};
        rule.action = kActions[maker.roll(3)];
        rules->add(rule);
      }
      zone.rules = std::move(rules);
    }
    const Shared ours = compile(std::move(zones));
    const std::string text = zone_text(ours);
    const Shared theirs = as_secondary(text, true);
    for (std::uint8_t last = 0; last < 18; ++last) {
      std::array<std::uint8_t, 16> octets{0x20, 1};
      octets[15] = last;
      for (const IpAddress& each :
           {IpAddress::v4(10, 0, 0, last), IpAddress::from_octets(octets)}) {
        ASSERT_EQ(seen(*theirs, theirs->decide(0, Trigger::client_ip, each)),
                  seen(*ours, ours->decide(0, Trigger::client_ip, each)))
            << "seed " << seed << ": " << each.to_text() << "\n"
            << text;
      }
    }
  }
}

struct Line {
  std::string_view name;
  Action action = Action::nxdomain;
  Scope scope = Scope::exact;
  Trigger trigger = Trigger::qname;
};

policy::ZoneInput zone_of(std::initializer_list<Line> lines) {
  auto rules = std::make_shared<policy::ZoneRules>();
  for (const Line& line : lines) {
    policy::Rule rule;
    rule.trigger = line.trigger;
    rule.scope = line.scope;
    rule.action = line.action;
    if (policy::has_prefix(line.trigger)) {
      rule.prefix = *IpPrefix::from_text(line.name);
    } else {
      rule.name = name(std::string(line.name));
    }
    rules->add(rule);
  }
  return {{.name = "z"}, rules};
}

std::set<std::string> lines_of(const std::string& text) {
  std::set<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.insert(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

TEST(FlatPolicy, EveryTriggerHasItsOwnersAndWhatCannotBeSaidIsCounted) {
  const std::string long_name = std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                                std::string(60, 'c') + "." + std::string(60, 'd');
  const Shared generation =
      compile({zone_of({{"b.a"},
                        {"ns.example", Action::drop, Scope::at_and_below, Trigger::nsdname},
                        {"192.0.2.0/24", Action::nodata, {}, Trigger::response_ip},
                        {"2001:db8::/32", Action::pass, {}, Trigger::nsip},
                        {"10.0.0.1/32", Action::tcp_only, {}, Trigger::client_ip},
                        // These cannot.
                        {long_name},
                        {".", Action::nxdomain, Scope::exact},
                        {"*.x"},
                        {"y.rpz-ip"}})});
  const auto lines = lines_of(zone_text(generation));
  for (const char* line : {"b.a.policy.postern. 10 IN CNAME .",
                           "ns.example.rpz-nsdname.policy.postern. 10 IN CNAME rpz-drop.",
                           "*.ns.example.rpz-nsdname.policy.postern. 10 IN CNAME rpz-drop.",
                           "24.0.2.0.192.rpz-ip.policy.postern. 10 IN CNAME *.",
                           "32.zz.db8.2001.rpz-nsip.policy.postern. 10 IN CNAME rpz-passthru.",
                           "32.1.0.0.10.rpz-client-ip.policy.postern. 10 IN CNAME rpz-tcp-only."}) {
    EXPECT_TRUE(lines.contains(line)) << line << "\n" << zone_text(generation);
  }
  PublishedZone zone({.flat = plan_of()}, {});
  ASSERT_TRUE(zone.update(moment_of(generation), kNow));
  EXPECT_EQ(zone.version()->records, 6U);
  EXPECT_EQ(zone.version()->left_out, 4U);
  const auto missing =
      FlatPolicy::make(moment_of(generation), {.zone = kOrigin, .group = "nobody"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
}

TEST(FlatPolicy, KnowsWhereOneZoneCannotSayTheOrder) {
  const Line qname{"a.example"};
  const Line client{"10.0.0.1/32", Action::drop, {}, Trigger::client_ip};
  const Line ip{"192.0.2.0/24", Action::drop, {}, Trigger::response_ip};
  const Line ns{"ns.example", Action::drop, {}, Trigger::nsdname};
  const Line nsip{"192.0.2.0/24", Action::drop, {}, Trigger::nsip};
  struct Case {
    std::vector<policy::ZoneInput> zones;
    bool is_exact;
  };
  const Case cases[] = {
      {{zone_of({qname}), zone_of({qname})}, true},
      {{zone_of({client, qname, ip, ns, nsip})}, true},
      {{zone_of({client}), zone_of({client, qname}), zone_of({qname, ip})}, true},
      {{zone_of({qname, ip}), zone_of({ns}), zone_of({nsip})}, true},
      {{zone_of({qname}), zone_of({client})}, false},
      {{zone_of({ip}), zone_of({qname})}, false},
      {{zone_of({qname, ip}), zone_of({qname})}, false},
      {{zone_of({ip}), zone_of({ip})}, false},
      {{zone_of({nsip}), zone_of({ns})}, false},
      {{zone_of({ip}), zone_of({qname}), zone_of({nsip})}, false},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    EXPECT_EQ(flatten(moment_of(compile(cases[i].zones)))->is_exact(), cases[i].is_exact) << i;
  }
  // Exceptions are before all zones; to a policy zone clients come first.
  const std::vector<policy::Exception> excepted = {{.name = name("x"), .action = Action::pass}};
  EXPECT_TRUE(flatten(moment_of(compile({zone_of({qname, ip})}), excepted))->is_exact());
  EXPECT_FALSE(flatten(moment_of(compile({zone_of({client})}), excepted))->is_exact());
}

/// Applies the answer to an IXFR to a zone's lines, as a secondary does.
void apply_changes(const std::string& answer, std::multiset<std::string>& zone) {
  std::size_t soas = 0;
  for (std::size_t at = 0; at < answer.size();) {
    const std::size_t end = answer.find('\n', at);
    const std::string line = answer.substr(at, end - at);
    at = end + 1;
    if (line.find(" SOA ") != std::string::npos) {
      ++soas;
    } else if (soas % 2 == 0) {
      ASSERT_EQ(zone.count(line), 1U) << "removed: " << line;
      zone.erase(line);
    } else {
      ASSERT_EQ(zone.count(line), 0U) << "added: " << line;
      zone.insert(line);
    }
  }
}

std::multiset<std::string> without_soa(const std::string& text) {
  std::multiset<std::string> lines;
  for (const std::string& line : lines_of(text)) {
    if (line.find(" SOA ") == std::string::npos) lines.insert(line);
  }
  return lines;
}

TEST(PublishedZone, EveryCopyOfItsHistoryIsBroughtUpToDateByItsChanges) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    Maker maker(seed);
    PublishedZone zone({.flat = plan_of()}, {});
    std::map<std::uint32_t, std::string> copies;
    for (int step = 0; step < 8; ++step) {
      ASSERT_TRUE(zone.update(moment_of(compile(maker.zones())), kNow + maker.roll(3)));
      const auto& version = *zone.version();
      copies[version.serial] = text_of_source(whole_zone(kOrigin, version.serial, zone.flat()));
      for (const auto& [serial, text] : copies) {
        if (serial == version.serial) continue;
        const auto changes = changes_since(kOrigin, serial, zone.version());
        ASSERT_TRUE(changes);
        auto copy = without_soa(text);
        apply_changes(text_of_source(*changes), copy);
        ASSERT_EQ(copy, without_soa(copies[version.serial])) << "seed " << seed;
      }
    }
    EXPECT_GT(copies.size(), 4U);
    EXPECT_FALSE(changes_since(kOrigin, 7, zone.version()));
  }
}

TEST(PublishedZone, WhatIsExceptedIsInItForItsTime) {
  PublishedZone zone({.flat = plan_of()}, {});
  const Shared rules = compile({zone_of({{"a"}, {"b"}})});
  const policy::Exception hour{
      .id = 1, .name = name("a"), .action = Action::pass, .until = WallTime(seconds(60))};
  const policy::Exception own{
      .name = name("c"),
      .scope = Scope::at_and_below,
      .action = Action::block,
      .audience = {.kind = policy::Audience::Kind::group, .name = "default"}};
  ASSERT_TRUE(zone.update(moment_of(rules, {hour, own}), kNow));
  const auto has = [&](const char* line) {
    return lines_of(text_of_source(whole_zone(kOrigin, 1, zone.flat()))).contains(line);
  };
  EXPECT_TRUE(has("a.policy.postern. 10 IN CNAME rpz-passthru."));
  EXPECT_TRUE(has("b.policy.postern. 10 IN CNAME ."));
  EXPECT_TRUE(has("c.policy.postern. 10 IN CNAME *."));
  EXPECT_TRUE(has("*.c.policy.postern. 10 IN CNAME *."));
  EXPECT_EQ(zone.version()->serial, kNow);

  // What clients alone may is nobody else's.
  policy::Exception of_clients{.name = name("b"), .action = Action::pass};
  of_clients.audience = {.kind = policy::Audience::Kind::clients,
                         .clients = IpPrefix(IpAddress(), 1)};
  EXPECT_EQ(zone_text(moment_of(rules, {hour, own, of_clients})),
            zone_text(moment_of(rules, {hour, own})));

  // Another table in which nothing is another for this group: it is not even looked at.
  policy::Exception others = own;
  others.audience.name = "kids";
  const auto before = zone.version();
  ASSERT_TRUE(zone.update(moment_of(rules, {hour, own, others}, WallTime(seconds(59))), kNow + 59));
  EXPECT_EQ(zone.version(), before);

  ASSERT_TRUE(zone.update(moment_of(rules, {hour, own}, WallTime(seconds(60))), kNow + 60));
  EXPECT_TRUE(has("a.policy.postern. 10 IN CNAME ."));
  EXPECT_EQ(zone.version()->serial, kNow + 60);
  const auto changes = changes_since(kOrigin, kNow, zone.version());
  ASSERT_TRUE(changes);
  EXPECT_EQ(without_soa(text_of_source(*changes)),
            (std::multiset<std::string>{"a.policy.postern. 10 IN CNAME rpz-passthru.",
                                        "a.policy.postern. 10 IN CNAME ."}));

  const policy::Exception all{.scope = Scope::at_and_below, .action = Action::block};
  ASSERT_TRUE(zone.update(moment_of(rules, {all}, WallTime(seconds(61))), kNow + 61));
  EXPECT_TRUE(has("*.policy.postern. 10 IN CNAME *."));
}

TEST(PublishedZone, WhatHoldsForSomeHoursIsInItThen) {
  policy::PolicyInput input;
  input.zones = {zone_of({{"a"}}), zone_of({{"b"}})};
  const auto noon = std::make_shared<policy::Schedule>(policy::Schedule{
      .name = "noon", .windows = {*policy::window_from_text("daily 12:00-13:00")}});
  input.groups = {{.name = "default", .zones = {0}, .during = {{noon, 1}}},
                  {.name = "default", .zones = {1}, .hours = "default/noon"}};
  const Shared rules = *Generation::compile(std::move(input));
  const policy::Exception during{
      .name = name("c"),
      .action = Action::block,
      .audience = {.kind = policy::Audience::Kind::hours, .name = "default/noon"}};
  PublishedZone zone({.flat = plan_of()}, {});
  const auto names_at = [&](int hour) {
    EXPECT_TRUE(zone.update(moment_of(rules, {during}, WallTime(std::chrono::hours(hour))),
                            kNow + static_cast<std::uint64_t>(hour)));
    std::string names;
    for (const std::string& line : lines_of(text_of_source(whole_zone(kOrigin, 1, zone.flat())))) {
      if (line.find(" CNAME ") != std::string::npos) names += line[0];
    }
    return names;
  };
  EXPECT_EQ(names_at(11), "a");
  EXPECT_EQ(names_at(12), "bc");
  EXPECT_EQ(names_at(13), "a");
  EXPECT_EQ(zone.version()->serial, kNow + 13);
}

TEST(PublishedZone, TheSerialGrowsWithTheContentAlone) {
  const ZonePlan plan{.flat = plan_of()};
  PublishedZone zone(plan, {});
  ASSERT_TRUE(zone.update(moment_of(compile({zone_of({{"a"}})})), kNow));
  EXPECT_EQ(zone.version()->serial, kNow);
  // The same rules, in another generation.
  ASSERT_TRUE(zone.update(moment_of(compile({zone_of({{"a"}})})), kNow + 9));
  EXPECT_EQ(zone.version()->serial, kNow);
  ASSERT_TRUE(zone.update(moment_of(compile({zone_of({{"b"}})})), kNow));
  EXPECT_EQ(zone.version()->serial, kNow + 1);
  // After a restart, with a clock that stands behind.
  const auto mark =
      zone_mark_from_text(to_text(ZoneMark{zone.version()->serial, zone.version()->digest}));
  PublishedZone same(plan, mark);
  ASSERT_TRUE(same.update(moment_of(compile({zone_of({{"b"}})})), kNow + 50));
  EXPECT_EQ(same.version()->serial, kNow + 1);
  PublishedZone other(plan, mark);
  ASSERT_TRUE(other.update(moment_of(compile({zone_of({{"c"}})})), kNow - 500));
  EXPECT_EQ(other.version()->serial, kNow + 2);
  EXPECT_FALSE(zone_mark_from_text("x y"));
  EXPECT_FALSE(zone_mark_from_text(""));
  // RFC 1982: the numbers are a circle.
  EXPECT_EQ(serial_after(0xffff'ffffU, kNow), kNow);
  EXPECT_EQ(serial_after(static_cast<std::uint32_t>(kNow) + 10, kNow), kNow + 11);
}

TEST(PublishedZone, ItsHistoryIsBounded) {
  PublishedZone zone({.flat = plan_of(), .history_octets = 1500}, {});
  std::uint32_t first = 0;
  for (int step = 0; step < 100; ++step) {
    const std::string text = "n" + std::to_string(step);
    ASSERT_TRUE(zone.update(moment_of(compile({zone_of({{text}})})), kNow));
    if (step == 0) first = zone.version()->serial;
    std::size_t octets = 0;
    for (const auto& difference : zone.version()->history) octets += difference->octets();
    ASSERT_LE(octets, 1500U);
  }
  EXPECT_FALSE(changes_since(kOrigin, first, zone.version()));
  EXPECT_TRUE(changes_since(kOrigin, zone.version()->serial - 3, zone.version()));
  // More than all of it at once: nothing is left that leads to the new version.
  auto many = std::make_shared<policy::ZoneRules>();
  for (int i = 0; i < 100; ++i) {
    policy::Rule rule;
    rule.name = name("m" + std::to_string(i));
    many->add(rule);
  }
  ASSERT_TRUE(zone.update(moment_of(compile({{{.name = "z"}, many}})), kNow));
  EXPECT_TRUE(zone.version()->history.empty());
}

}  // namespace
}  // namespace postern::feeds
