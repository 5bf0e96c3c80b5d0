#include "api/testing.h"

#include <algorithm>
#include <array>
#include <map>

#include "api/record_filter.h"
#include "base/assert.h"
#include "event/query_json.h"
#include "policy/in_force.h"

namespace postern::api::testing {
namespace {

bool wanted(const journal::Filter& filter, const event::Query& query) {
  return (!filter.since || query.at >= *filter.since) &&
         (!filter.until || query.at < *filter.until) && passes(filter, query);
}

std::string key_of(journal::TopBy by, const event::Query& query) {
  switch (by) {
    case journal::TopBy::name:
      return query.qname.to_display();
    case journal::TopBy::client:
      return query.client.to_text();
    case journal::TopBy::zone:
      return std::string(query.zone.view());
  }
  return {};
}

struct RuleText {
  std::string_view name;
  policy::Scope scope;
  policy::Action action;
  std::uint32_t line;
};

policy::ZoneInput zone(std::string_view name_text, std::initializer_list<RuleText> rules) {
  policy::ZoneInput input;
  input.options.name = name_text;
  policy::ZoneRules list;
  for (const RuleText& rule : rules) {
    policy::Rule made;
    made.name = name(rule.name);
    made.scope = rule.scope;
    made.action = rule.action;
    made.line = rule.line;
    list.add(made);
  }
  input.rules = std::make_shared<const policy::ZoneRules>(std::move(list));
  return input;
}

struct Sample {
  std::string_view name;
  event::Disposition disposition;
  std::string_view zone;
  std::string_view rule;
  std::uint32_t line;
  dns::RRType type;
};

constexpr std::array<Sample, 16> kSamples = {{
    {"www.wikipedia.org", event::Disposition::answered, "", "", 0, dns::RRType::a},
    {"api.weather.example", event::Disposition::answered, "", "", 0, dns::RRType::aaaa},
    {"p.estonine.com", event::Disposition::blocked, "hafnium", "p.estonine.com", 25,
     dns::RRType::a},
    {"deb.debian.org", event::Disposition::answered, "", "", 0, dns::RRType::https},
    {"pixel.tracker.example", event::Disposition::blocked, "adware", "tracker.example", 1180,
     dns::RRType::a},
    {"mail.example.net", event::Disposition::answered, "", "", 0, dns::RRType::mx},
    {"cdn.shop.example", event::Disposition::allowed, "allow", "shop.example", 3, dns::RRType::a},
    {"time.cloud.example", event::Disposition::answered, "", "", 0, dns::RRType::a},
    {"telemetry.vendor.example", event::Disposition::observed, "watch", "vendor.example", 7,
     dns::RRType::a},
    {"broken.dnssec.example", event::Disposition::failed, "", "", 0, dns::RRType::a},
    {"www.wikipedia.org", event::Disposition::answered, "", "", 0, dns::RRType::https},
    {"an-unusually-long-host-name-of-a-content-network.edge-17.region-eu-west.cdn.example",
     event::Disposition::answered, "", "", 0, dns::RRType::a},
    {"ads.tracker.example", event::Disposition::blocked, "adware", "tracker.example", 1180,
     dns::RRType::aaaa},
    {"4.2.0.192.in-addr.arpa", event::Disposition::answered, "", "", 0, dns::RRType::ptr},
    {"\\<img\\ src=x\\ onerror=alert\\(1\\)\\>.example", event::Disposition::answered, "", "", 0,
     dns::RRType::txt},
    {"updates.vendor.example", event::Disposition::answered, "", "", 0, dns::RRType::a},
}};

}  // namespace

dns::Name name(std::string_view text) {
  const auto made = dns::Name::from_text(text);
  POSTERN_ASSERT(made.has_value());
  return *made;
}

void FakeJournal::record(const event::Query& query) {
  records_.with([&](auto& records) { records.push_back(query); });
}

Result<journal::Page> FakeJournal::search(const journal::Filter& filter, std::size_t limit,
                                          std::optional<std::int64_t> before) {
  if (fails) return fail(Errc::unavailable, "the journal's file is locked");
  const auto records = records_.copy();
  journal::Page page;
  auto id = static_cast<std::int64_t>(records.size());
  if (before) id = std::clamp<std::int64_t>(*before - 1, 0, id);
  for (; id > 0; --id) {
    const event::Query& query = records[static_cast<std::size_t>(id - 1)];
    if (!wanted(filter, query)) continue;
    if (page.rows.size() == limit) {
      page.next = page.rows.back().id;
      break;
    }
    page.rows.push_back({id, query});
  }
  return page;
}

Result<std::vector<journal::TopEntry>> FakeJournal::top(const journal::Filter& filter,
                                                        journal::TopBy by, std::size_t limit) {
  if (fails) return fail(Errc::unavailable, "the journal's file is locked");
  std::map<std::string, std::uint64_t> counts;
  for (const event::Query& query : records_.copy()) {
    const std::string key = key_of(by, query);
    if (!key.empty() && wanted(filter, query)) ++counts[key];
  }
  std::vector<journal::TopEntry> entries;
  for (const auto& [key, count] : counts) entries.push_back({key, count});
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.count > b.count; });
  if (entries.size() > limit) entries.resize(limit);
  return entries;
}

Result<std::vector<journal::TimelinePoint>> FakeJournal::timeline(const journal::Filter& filter,
                                                                  seconds interval) {
  if (fails) return fail(Errc::unavailable, "the journal's file is locked");
  std::map<WallTime, journal::TimelinePoint> points;
  for (const event::Query& query : records_.copy()) {
    if (!wanted(filter, query)) continue;
    const auto length = std::chrono::duration_cast<microseconds>(interval);
    const WallTime at(query.at.time_since_epoch() / length * length);
    journal::TimelinePoint& point = points[at];
    point.at = at;
    ++point.total;
    point.blocked += query.disposition == event::Disposition::blocked ? 1 : 0;
  }
  std::vector<journal::TimelinePoint> list;
  for (const auto& [at, point] : points) list.push_back(point);
  return list;
}

std::shared_ptr<const policy::Generation> small_policy() {
  using policy::Action;
  using policy::Scope;
  policy::PolicyInput input;
  input.number = 12;
  input.hash_key = 0x5eed;
  input.built_at = WallTime(std::chrono::sys_days(std::chrono::year(2026) / 3 / 2));
  input.zones = {
      zone("allow", {{"shop.example", Scope::at_and_below, Action::pass, 3}}),
      zone("watch", {{"vendor.example", Scope::at_and_below, Action::block, 7}}),
      zone("hafnium", {{"p.estonine.com", Scope::at_and_below, Action::block, 25},
                       {"yolkish.com", Scope::at_and_below, Action::nxdomain, 16}}),
      zone("adware", {{"tracker.example", Scope::at_and_below, Action::block, 1180},
                      {"ads.tracker.example", Scope::exact, Action::nodata, 1181},
                      {"shop.example", Scope::below, Action::block, 90}}),
      zone("kids", {{"games.example", Scope::below, Action::block, 0}}),
  };
  input.zones[1].options.log_only = true;
  input.zones[3].options.answer = policy::BlockAnswer::null_address;
  input.groups = {
      {.name = "default", .clients = {}, .zones = {0, 1, 2, 3}, .answer = {}},
      {.name = "kids",
       .clients = {*IpPrefix::from_text("192.0.2.0/24"), *IpPrefix::from_text("2001:db8:7::/48")},
       .zones = {0, 4, 2, 3},
       .answer = policy::BlockAnswer::refused}};
  auto compiled = policy::Generation::compile(std::move(input));
  POSTERN_ASSERT(compiled.has_value());
  return *compiled;
}

constexpr std::string_view kGateReport =
    R"({"feed":"malware","outcome":"held","at":"2026-03-02T08:00:00.000000Z","reasons":[)"
    R"({"code":"public_suffix","text":"has rules on public suffixes: com and below, line 2"}],)"
    R"("rules":{"before":61004,"after":61020,"added":17,"removed":1},)"
    R"("history":{"names":1200,"names_in_use":800,"queries":41000,"clients":37},)"
    R"("blocked":{"names":612,"names_in_use":611,"queries":33120,"queries_in_use":33100,)"
    R"("clients":37,"top_names":597,"examples":[{"name":"www.office.com","queries":812,)"
    R"("clients":31,"rank":4,"zone":"malware","rule":"com and below","line":2,"through":""}]},)"
    R"("released":{"names":0,"names_in_use":0,"queries":0,"queries_in_use":0,"clients":0,)"
    R"("top_names":0,"examples":[]},"added_rules":["com and below"],)"
    R"("removed_rules":["old.example and below"],"took_ms":21})";

std::vector<intel::FeedStatus> some_feeds(WallTime now) {
  using intel::Health;
  const auto minutes = [&](int count) { return now + std::chrono::minutes(count); };
  return {
      {"hafnium", "csv", "built in", Health::good, now, now, {}, 27, 0, "", "", 1},
      {"adware", "hosts", "https://lists.example/adware/hosts.txt", Health::good, minutes(-12),
       minutes(-12), minutes(47), 148'220, 3, "line 17: \"0.0.0.0 -bad-.example.\" is not a name",
       "", 12},
      {"malware", "rpz", "https://intel.example/rpz/malware.zone", Health::stale, minutes(-4),
       minutes(-190), minutes(2), 61'004, 0, "",
       "the gate holds an update that has rules on public suffixes: com and below, line 2", 9,
       intel::HeldUpdate{"waiting",
                         minutes(-4),
                         61'020,
                         {"has rules on public suffixes: com and below, line 2"}}},
      {"partners",
       "domains",
       "/etc/postern/partners.txt",
       Health::failed,
       minutes(-1),
       {},
       minutes(1),
       0,
       0,
       "",
       "open /etc/postern/partners.txt: No such file or directory",
       0},
      {"new",
       "adblock",
       "https://lists.example/new.txt",
       Health::never,
       {},
       {},
       minutes(1),
       0,
       0,
       "",
       "",
       0},
  };
}

event::Query made_up_query(std::uint64_t i, WallTime at) {
  // A few multiplications make the series varied and always the same.
  const std::uint64_t mixed = (i + 1) * 0x9E3779B97F4A7C15ULL;
  const Sample& sample = kSamples[(mixed >> 40) % kSamples.size()];
  event::Query query;
  query.at = at;
  query.trace_id = mixed >> 24;
  query.generation = 12;
  query.client = IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(10 + (mixed >> 50) % 9));
  if ((mixed >> 33) % 7 == 0) query.client = *IpAddress::from_text("2001:db8:7::51");
  query.client_port = static_cast<std::uint16_t>(20'000 + (mixed >> 30) % 40'000);
  query.transport = (mixed >> 20) % 9 == 0 ? event::Transport::tcp : event::Transport::udp;
  query.qname = name(sample.name);
  query.qtype = sample.type;
  query.disposition = sample.disposition;
  query.latency_us = static_cast<std::uint32_t>(90 + (mixed >> 36) % 30'000);
  query.group.assign(query.client.is_v4() ? "default" : "kids");
  query.source = (mixed >> 12) % 3 == 0 ? event::Source::resolver : event::Source::cache;
  if (sample.disposition == event::Disposition::failed) {
    query.rcode = dns::Rcode::servfail;
    query.ede = 6;
    query.security = event::Security::bogus;
    query.source = event::Source::resolver;
  }
  if (sample.zone.empty()) return query;
  query.zone.assign(sample.zone);
  query.rule_line = sample.line;
  query.has_matched = true;
  query.matched = name(sample.rule);
  query.action.assign(sample.disposition == event::Disposition::allowed ? "pass" : "nxdomain");
  if (sample.disposition == event::Disposition::blocked) {
    query.rcode = dns::Rcode::nxdomain;
    query.source = event::Source::policy;
    query.ede = 15;
    query.latency_us = 40;
  }
  return query;
}

using GenerationPtr = std::shared_ptr<const policy::Generation>;

Fixture::Fixture()
    : policy(small_policy()),
      exceptions(state::ExceptionStore::open({}, exceptions_in_force, log)) {
  const auto done = exceptions->configure({}, {.name = std::string(policy::kExceptionsName)});
  POSTERN_ASSERT(done.has_value());
}

void Fixture::add_gate(Services& services) {
  services.decide_feed = [this](const FeedDecision& decision) -> Result<std::string> {
    using enum FeedDecision::Kind;
    if (decision.kind == roll_back_all) {
      if (decision.generation != 11) return fail(Errc::not_found, "that generation is not kept");
      decided.with([](auto& all) { all.emplace_back("roll_back_all 11"); });
      return "2 feeds have their rules of generation 11 again: generation 13.";
    }
    if (decision.feed != "malware") return fail(Errc::not_found, "no update of it is held");
    const std::string_view word = decision.kind == activate ? "activate"
                                  : decision.kind == reject ? "reject"
                                                            : "roll_back";
    decided.with([&](auto& all) { all.push_back(std::string(word) + " malware"); });
    return "The update of malware is in force: generation 13.";
  };
  services.gate_report = [](const std::string& feed) -> Result<std::string> {
    if (feed != "malware") return fail(Errc::not_found, "no update of it was judged");
    return std::string(kGateReport);
  };
  services.candidate = [this](const std::string& feed) -> Result<GenerationPtr> {
    if (feed != "malware") return fail(Errc::not_found, "no update of the feed is held");
    return policy.current();
  };
  services.generation_at = [this](WallTime at) -> Result<GenerationPtr> {
    if (at < std::chrono::system_clock::now() - std::chrono::hours(1)) {
      return fail(Errc::not_found, "the rules of that time are not kept any more");
    }
    return policy.current();
  };
  services.kept_generations = [] { return std::vector<std::uint64_t>{12, 11}; };
}

Services Fixture::services() {
  Services services;
  services.journal = &journal;
  services.policy = &policy;
  services.exceptions = exceptions.get();
  services.exceptions_in_force = &exceptions_in_force;
  services.feeds = [] {
    return some_feeds(std::chrono::floor<microseconds>(std::chrono::system_clock::now()));
  };
  services.update_feed = [this](const FeedUpdate& update) -> Result<void> {
    const auto feeds = some_feeds({});
    const bool known = update.name.empty() || std::ranges::any_of(feeds, [&](const auto& status) {
                         return status.name == update.name;
                       });
    if (!known) return fail(Errc::not_found, "there is no feed \"" + update.name + "\"");
    updated.with([&](auto& names) { names.push_back(update.name + (update.any_size ? "!" : "")); });
    return {};
  };
  add_gate(services);
  services.published_list = [](const std::string& name) -> Result<PublishedList> {
    if (name == "slow") return fail(Errc::unavailable, "the list is not made yet; ask again");
    if (name != "office") return fail(Errc::not_found, "nothing is published by that name");
    return PublishedList{"d1", []() -> Result<std::function<bool(std::string&)>> {
                           return [left = 3](std::string& part) mutable {
                             part = left == 2 ? "" : "part" + std::to_string(left) + ".example\n";
                             return left-- > 0;
                           };
                         }};
  };
  services.metrics = [] {
    return Metrics{{.name = "postern_queries_total",
                    .kind = MetricKind::counter,
                    .help = "Queries answered.",
                    .labels = "transport=\"udp\"",
                    .value = 42}};
  };
  services.reload = [this]() -> Result<Reloaded> {
    if (reload_fails) return fail(Errc::invalid_input, "postern.yaml:3: unknown key \"lissten\"");
    ++reloads;
    Reloaded reloaded;
    reloaded.needs_restart = {"server.listen"};
    for (intel::FeedStatus& feed : some_feeds({})) {
      if (feed.name == "partners") reloaded.unreadable_feeds.push_back(std::move(feed));
    }
    return reloaded;
  };
  services.version = "0.1.0-test";
  services.endpoints = {"udp 127.0.0.1:5300", "tcp 127.0.0.1:5300"};
  return services;
}

}  // namespace postern::api::testing
