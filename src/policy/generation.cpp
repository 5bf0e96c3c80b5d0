#include "policy/generation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "policy/client_table.h"
#include "policy/limits.h"
#include "policy/name_table.h"
#include "policy/prefix_table.h"

namespace postern::policy {
namespace {

/// A zone's place in a group: log-only zones come after all that decide, because their matches
/// count only where no other zone decides.
constexpr std::uint16_t kLogOnlyBit = 0x4000;
static_assert(kMaxZones < kLogOnlyBit);

constexpr unsigned kPlaceShift = 48;
/// The triggers in the order in which they decide (RPZ draft §5.2).
constexpr std::uint64_t trigger_order(Trigger trigger) {
  constexpr std::array<std::uint64_t, kTriggerCount> kOrder = {1, 0, 2, 3, 4};
  return kOrder[static_cast<std::size_t>(trigger)];
}

/// Orders the rules that match one name; the least one decides. From the top: the zone's place,
/// the trigger, the rank, the longer owner, exact before wildcard, the rule's place in its zone.
std::uint64_t precedence(std::uint16_t place, const NameTable::Posting& posting,
                         unsigned owner_labels) {
  const std::uint64_t zone = place;
  const auto rank = static_cast<std::uint64_t>(posting.rank);
  const std::uint64_t shortness = dns::Name::kMaxLabels - owner_labels;
  const std::uint64_t wildcard = posting.scope == Scope::exact ? 0 : 1;
  return zone << kPlaceShift | trigger_order(Trigger::qname) << 45 | rank << 41 | shortness << 33 |
         wildcard << 32 | posting.rule;
}

/// The same for prefixes: zone, trigger, the longer prefix, the smaller address.
std::uint64_t precedence(std::uint16_t place, Trigger trigger, unsigned length,
                         std::uint32_t posting) {
  const std::uint64_t zone = place;
  const std::uint64_t shortness = 128 - length;
  return zone << kPlaceShift | trigger_order(trigger) << 45 | shortness << 33 | posting;
}

Result<void> check_limits(const PolicyInput& input) {
  if (input.zones.size() > kMaxZones) {
    return fail(Errc::limit_exceeded, std::to_string(input.zones.size()) +
                                          " policy zones; at most " + std::to_string(kMaxZones));
  }
  if (input.groups.empty()) {
    return fail(Errc::invalid_input, "no group of clients; the first one is everybody's default");
  }
  if (input.groups.size() > kMaxGroups) {
    return fail(Errc::limit_exceeded, std::to_string(input.groups.size()) + " groups; at most " +
                                          std::to_string(kMaxGroups));
  }
  std::size_t rules = 0;
  for (const ZoneInput& zone : input.zones) {
    if (zone.options.name.size() > ZoneOptions::kMaxNameOctets) {
      return fail(Errc::limit_exceeded,
                  "policy zone \"" + zone.options.name + "\": its name is over " +
                      std::to_string(ZoneOptions::kMaxNameOctets) + " octets long");
    }
    if (zone.rules != nullptr) rules += zone.rules->size();
  }
  if (rules > kMaxRulesInForce) {
    return fail(Errc::limit_exceeded, std::to_string(rules) + " rules in all zones; at most " +
                                          std::to_string(kMaxRulesInForce));
  }
  return {};
}

/// The prefixes of all groups. Errors: too many, or one prefix in two groups, whose clients'
/// policy would then depend on the order of the groups.
Result<std::vector<ClientPrefix>> client_prefixes(const std::vector<Group>& groups) {
  std::vector<ClientPrefix> prefixes;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const IpPrefix& prefix : groups[i].clients) {
      prefixes.push_back({prefix, static_cast<std::uint16_t>(i)});
    }
  }
  if (prefixes.size() > kMaxClientPrefixes) {
    return fail(Errc::limit_exceeded, std::to_string(prefixes.size()) +
                                          " client prefixes in all groups; at most " +
                                          std::to_string(kMaxClientPrefixes));
  }
  std::stable_sort(
      prefixes.begin(), prefixes.end(),
      [](const ClientPrefix& a, const ClientPrefix& b) { return a.prefix < b.prefix; });
  for (std::size_t i = 1; i < prefixes.size(); ++i) {
    const ClientPrefix& a = prefixes[i - 1];
    const ClientPrefix& b = prefixes[i];
    if (a.prefix != b.prefix || a.group == b.group) continue;
    return fail(Errc::invalid_input, "the clients " + a.prefix.to_text() + " are in group \"" +
                                         groups[a.group].name + "\" and in group \"" +
                                         groups[b.group].name + "\"; keep them in one");
  }
  return prefixes;
}

/// For each group and zone the zone's place in the group, kNoZone where it is not in force.
Result<std::vector<std::uint16_t>> zone_places(const PolicyInput& input) {
  const std::size_t zone_count = input.zones.size();
  std::vector<std::uint16_t> places(input.groups.size() * zone_count, kNoZone);
  for (std::size_t i = 0; i < input.groups.size(); ++i) {
    std::uint16_t place = 0;
    for (const std::uint16_t zone : input.groups[i].zones) {
      if (zone >= zone_count) {
        return fail(Errc::invalid_input, "group \"" + input.groups[i].name + "\" names zone " +
                                             std::to_string(zone) + ", but there are " +
                                             std::to_string(zone_count));
      }
      std::uint16_t& entry = places[i * zone_count + zone];
      if (entry != kNoZone) continue;  // Named twice: the first place counts.
      const bool log_only = input.zones[zone].options.log_only;
      entry = static_cast<std::uint16_t>(log_only ? place | kLogOnlyBit : place);
      ++place;
    }
  }
  return places;
}

std::vector<const ZoneRules*> rules_of(const std::vector<ZoneInput>& zones) {
  std::vector<const ZoneRules*> rules;
  rules.reserve(zones.size());
  for (const ZoneInput& zone : zones) rules.push_back(zone.rules.get());
  return rules;
}

}  // namespace

struct Generation::Impl {
  Impl(PolicyInput from, const std::vector<ClientPrefix>& prefixes,
       std::vector<std::uint16_t> zone_order)
      : input(std::move(from)),
        names(rules_of(input.zones), Trigger::qname, input.hash_key),
        servers(rules_of(input.zones), Trigger::nsdname, input.hash_key),
        client_ips(rules_of(input.zones), Trigger::client_ip, input.hash_key),
        response_ips(rules_of(input.zones), Trigger::response_ip, input.hash_key),
        server_ips(rules_of(input.zones), Trigger::nsip, input.hash_key),
        clients(prefixes),
        places(std::move(zone_order)),
        first_places(input.groups.size()) {
    for (const ZoneInput& zone : input.zones) rule_count += zone.rules->size();
    for (std::uint16_t group = 0; group < input.groups.size(); ++group) {
      first_places[group].fill(kNoZone);
      for (std::uint16_t zone = 0; zone < input.zones.size(); ++zone) {
        for (std::size_t trigger = 0; trigger < kTriggerCount; ++trigger) {
          if (input.zones[zone].rules->count_of(static_cast<Trigger>(trigger)) == 0) continue;
          std::uint16_t& first = first_places[group][trigger];
          first = std::min(first, place(group, zone));
        }
      }
    }
  }

  std::uint16_t place(std::uint16_t group, std::uint16_t zone) const {
    return places[group * input.zones.size() + zone];
  }
  const PrefixTable& prefixes(Trigger trigger) const {
    POSTERN_ASSERT(has_prefix(trigger));
    return trigger == Trigger::client_ip     ? client_ips
           : trigger == Trigger::response_ip ? response_ips
                                             : server_ips;
  }
  Verdict decide_name(const NameTable& table, const NameTable::Owners& found, std::uint16_t group,
                      std::uint64_t above) const;
  void carry_out(Verdict& verdict) const;

  PolicyInput input;
  NameTable names;
  NameTable servers;
  PrefixTable client_ips;
  PrefixTable response_ips;
  PrefixTable server_ips;
  ClientTable clients;
  std::vector<std::uint16_t> places;  ///< By group, then zone.
  /// By group, then trigger: the first place of a zone that has such rules.
  std::vector<std::array<std::uint16_t, kTriggerCount>> first_places;
  std::size_t rule_count = 0;
};

/// What the zone makes of what the rule asks for.
void Generation::Impl::carry_out(Verdict& verdict) const {
  const ZoneOptions& options = input.zones[verdict.zone].options;
  if (options.policy_override) verdict.action = options.policy_override->action;
}

/// Of the rules whose order is `from` or above.
Verdict Generation::Impl::decide_name(const NameTable& table, const NameTable::Owners& found,
                                      std::uint16_t group, std::uint64_t from) const {
  Verdict verdict;
  for (std::size_t i = 0; i < found.count; ++i) {
    const NameTable::Owner& owner = found.items[i];
    for (std::uint32_t at = owner.posting; at != NameTable::kNone;) {
      const NameTable::Posting& posting = table.posting(at);
      at = posting.next;
      const std::uint16_t its_place = place(group, posting.zone);
      if (its_place == kNoZone || !posting.applies(owner.whole)) continue;
      const std::uint64_t order = precedence(its_place, posting, owner.labels);
      if (order >= verdict.order || order < from) continue;
      if (posting.scope == Scope::below && input.zones[posting.zone].rules->closest_encloser() &&
          table.is_hidden(found, i, posting.zone)) {
        continue;
      }
      verdict = {.matched = true,
                 .action = posting.action(),
                 .zone = posting.zone,
                 .rule = posting.rule,
                 .matched_labels = owner.labels,
                 .scope = posting.scope,
                 .log_only = (its_place & kLogOnlyBit) != 0,
                 .order = order};
    }
  }
  if (verdict.matched) carry_out(verdict);
  return verdict;
}

Generation::Generation(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Generation::~Generation() = default;

Result<std::shared_ptr<const Generation>> Generation::compile(PolicyInput input) {
  POSTERN_CHECK(check_limits(input));
  const std::vector<ClientPrefix> prefixes = POSTERN_TRY(client_prefixes(input.groups));
  std::vector<std::uint16_t> places = POSTERN_TRY(zone_places(input));
  for (ZoneInput& zone : input.zones) {
    if (zone.rules == nullptr) zone.rules = std::make_shared<const ZoneRules>();
  }
  auto impl = std::make_unique<Impl>(std::move(input), prefixes, std::move(places));
  // Not make_shared: the constructor is private.
  return std::shared_ptr<const Generation>(new Generation(std::move(impl)));
}

std::shared_ptr<const Generation> Generation::empty() {
  PolicyInput input;
  input.groups.push_back({.name = "default"});
  auto generation = compile(std::move(input));
  POSTERN_ASSERT(generation.has_value());
  return *std::move(generation);
}

std::uint64_t Generation::number() const {
  return impl_->input.number;
}
WallTime Generation::built_at() const {
  return impl_->input.built_at;
}
std::size_t Generation::rule_count() const {
  return impl_->rule_count;
}

std::size_t Generation::memory_octets() const {
  std::size_t octets = sizeof(Impl) + impl_->names.memory_octets() +
                       impl_->servers.memory_octets() + impl_->client_ips.memory_octets() +
                       impl_->response_ips.memory_octets() + impl_->server_ips.memory_octets() +
                       impl_->clients.memory_octets() +
                       impl_->places.capacity() * sizeof(std::uint16_t);
  for (const ZoneInput& zone : impl_->input.zones) octets += zone.rules->memory_octets();
  return octets;
}

std::size_t Generation::zone_count() const {
  return impl_->input.zones.size();
}

const ZoneOptions& Generation::zone(std::uint16_t index) const {
  POSTERN_ASSERT(index < zone_count());
  return impl_->input.zones[index].options;
}

const ZoneRules& Generation::rules(std::uint16_t index) const {
  POSTERN_ASSERT(index < zone_count());
  return *impl_->input.zones[index].rules;
}

void Generation::for_each_rule(
    std::uint16_t zone,
    const std::function<void(const Rule&, std::span<const LocalRecord>)>& take) const {
  const ZoneRules& all = rules(zone);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Rule rule = all.at(i);
    if (rule.action == Action::local_data) {
      take(rule, all.local_data(rule.data));
    } else {
      take(rule, {});
    }
  }
}

const std::vector<Group>& Generation::groups() const {
  return impl_->input.groups;
}

std::uint16_t Generation::group_of(const IpAddress& client) const {
  return impl_->clients.group_of(client);
}

std::optional<std::uint16_t> Generation::group_named(std::string_view name) const {
  const std::vector<Group>& all = groups();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].name == name) return static_cast<std::uint16_t>(i);
  }
  return std::nullopt;
}

Verdict Generation::decide(std::uint16_t group, const dns::Name& name) const {
  POSTERN_ASSERT(group < groups().size());
  NameTable::Owners found;
  impl_->names.find(name, found);
  if (found.count == 0) return {};
  Verdict verdict = impl_->decide_name(impl_->names, found, group, 0);
  // A zone that takes the name out of its own rules has nothing to say on it: the next one does.
  while (verdict.matched && verdict.action == Action::pass && zone(verdict.zone).pass_is_own) {
    const std::uint64_t next_place = (verdict.order >> kPlaceShift) + 1;
    verdict = impl_->decide_name(impl_->names, found, group, next_place << kPlaceShift);
  }
  return verdict;
}

Verdict Generation::decide(std::uint16_t group, Trigger trigger, const IpAddress& address) const {
  POSTERN_ASSERT(group < groups().size());
  const PrefixTable& table = impl_->prefixes(trigger);
  if (table.empty()) return {};
  PrefixTable::Found found;
  table.find(address, found);
  Verdict verdict;
  for (std::size_t i = 0; i < found.count; ++i) {
    const PrefixTable::Range& range = found.items[i];
    for (std::uint32_t at = range.first; at < range.first + range.count; ++at) {
      const PrefixTable::Posting& posting = table.posting(at);
      const std::uint16_t place = impl_->place(group, posting.zone);
      if (place == kNoZone) continue;
      const std::uint64_t order = precedence(place, trigger, mapped_length(posting.prefix), at);
      if (order >= verdict.order) continue;
      verdict = {.matched = true,
                 .action = posting.action,
                 .zone = posting.zone,
                 .rule = posting.rule,
                 .trigger = trigger,
                 .log_only = (place & kLogOnlyBit) != 0,
                 .order = order};
    }
  }
  if (verdict.matched) impl_->carry_out(verdict);
  return verdict;
}

Verdict Generation::decide_servers(std::uint16_t group, std::span<const dns::Name> servers) const {
  POSTERN_ASSERT(group < groups().size());
  Verdict best;
  dns::Name best_owner;
  for (const dns::Name& server : servers) {
    NameTable::Owners found;
    impl_->servers.find(server, found);
    const Verdict verdict = impl_->decide_name(impl_->servers, found, group, 0);
    if (!verdict.matched) continue;
    const std::uint64_t place = verdict.order >> kPlaceShift;
    const std::uint64_t best_place = best.order >> kPlaceShift;
    if (best.matched && place > best_place) continue;
    dns::Name owner = rules(verdict.zone).at(verdict.rule).name;
    if (verdict.scope == Scope::below) {
      // "*" before the name, as it is written in the zone.
      static const dns::Name kStar = *dns::Name::from_text("*");
      if (const auto starred = owner.with_prefix(kStar)) owner = *starred;
    }
    if (best.matched && place == best_place && best_owner <= owner) continue;
    best = verdict;
    best_owner = owner;
  }
  if (!best.matched) return best;
  best.trigger = Trigger::nsdname;
  best.order = (best.order >> kPlaceShift << kPlaceShift) | trigger_order(Trigger::nsdname) << 45;
  return best;
}

bool Generation::may_precede(std::uint16_t group, Trigger trigger, const Verdict& verdict) const {
  const std::uint64_t first = impl_->first_places[group][static_cast<std::size_t>(trigger)];
  return first != kNoZone && (first << kPlaceShift | trigger_order(trigger) << 45) < verdict.order;
}

std::vector<Match> Generation::explain(std::uint16_t group, const dns::Name& name) const {
  POSTERN_ASSERT(group < groups().size());
  struct Ordered {
    std::uint64_t order;
    Match match;
  };
  std::vector<Ordered> matches;
  const auto add = [&](const NameTable::Posting& posting, std::uint32_t rule, unsigned labels) {
    const std::uint16_t place = impl_->place(group, posting.zone);
    NameTable::Posting own = posting;
    own.rule = rule;
    const Rule whole = rules(posting.zone).at(rule);
    matches.push_back({precedence(place, own, labels),
                       {.zone = posting.zone,
                        .rule = rule,
                        .line = whole.line,
                        .action = whole.action,
                        .scope = whole.scope,
                        .rank = whole.rank,
                        .owner = whole.name,
                        .in_group = place != kNoZone}});
  };
  NameTable::Owners found;
  impl_->names.find(name, found);
  for (std::size_t i = 0; i < found.count; ++i) {
    const NameTable::Owner& owner = found.items[i];
    for (std::uint32_t at = owner.posting; at != NameTable::kNone;) {
      const NameTable::Posting& posting = impl_->names.posting(at);
      const bool is_hidden = posting.scope == Scope::below &&
                             rules(posting.zone).closest_encloser() &&
                             impl_->names.is_hidden(found, i, posting.zone);
      if (posting.applies(owner.whole) && !is_hidden) {
        add(posting, posting.rule, owner.labels);
        for (const auto& later : impl_->names.shadowed(at)) add(posting, later.rule, owner.labels);
      }
      at = posting.next;
    }
  }
  // The zones out of force have the highest place of all; among them their own order.
  std::sort(matches.begin(), matches.end(), [](const Ordered& a, const Ordered& b) {
    if (a.match.in_group != b.match.in_group) return a.match.in_group;
    if (!a.match.in_group && a.match.zone != b.match.zone) return a.match.zone < b.match.zone;
    return a.order < b.order;
  });
  std::vector<Match> sorted;
  sorted.reserve(matches.size());
  for (Ordered& entry : matches) sorted.push_back(std::move(entry.match));
  const Verdict verdict = decide(group, name);
  for (Match& match : sorted) {
    match.winner = verdict.matched && match.zone == verdict.zone && match.rule == verdict.rule;
  }
  return sorted;
}

BlockPlan Generation::plan(std::uint16_t group, const Verdict& verdict) const {
  POSTERN_ASSERT(group < groups().size() && verdict.blocks());
  BlockPlan plan;
  plan.zone = &zone(verdict.zone);
  plan.action = verdict.action;
  const ZoneRules& zone_rules = rules(verdict.zone);
  if (zone_rules.soa()) plan.soa = &*zone_rules.soa();
  if (plan.zone->policy_override) {
    plan.local_data = &plan.zone->policy_override->local_data;
  } else if (verdict.action == Action::local_data) {
    plan.local_data = &zone_rules.local_data(zone_rules.data_at(verdict.rule));
  }
  if (verdict.action != Action::block) return plan;
  plan.use_block_answer = true;
  plan.answer = groups()[group].answer.value_or(plan.zone->answer);
  switch (plan.answer) {
    case BlockAnswer::nxdomain:
      plan.action = Action::nxdomain;
      break;
    case BlockAnswer::nodata:
      plan.action = Action::nodata;
      break;
    case BlockAnswer::refused:
      plan.action = Action::refuse;
      break;
    case BlockAnswer::null_address:
    case BlockAnswer::sinkhole:
      plan.action = Action::local_data;  // Made up from `answer`; `local_data` stays null.
      break;
  }
  return plan;
}

std::string Generation::rule_text(const Verdict& verdict) const {
  POSTERN_ASSERT(verdict.matched);
  const Rule rule = rules(verdict.zone).at(verdict.rule);
  if (has_prefix(rule.trigger)) return rule.prefix.to_text();
  const std::string owner = rule.name.to_display();
  switch (verdict.scope) {
    case Scope::exact:
      return owner;
    case Scope::below:
      return owner == "." ? "*" : "*." + owner;
    case Scope::at_and_below:
      return owner + " and below";
  }
  return owner;
}

}  // namespace postern::policy
