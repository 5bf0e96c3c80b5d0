#include "policy/generation.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "policy/client_table.h"
#include "policy/limits.h"
#include "policy/name_table.h"

namespace postern::policy {
namespace {

/// A zone's place in a group: log-only zones come after all that decide, because their matches
/// count only where no other zone decides.
constexpr std::uint16_t kLogOnlyBit = 0x4000;
static_assert(kMaxZones < kLogOnlyBit);

/// Orders the rules that match one name; the least one decides. From the top: the zone's place,
/// the rank, the longer owner, exact before wildcard, the rule's place in its zone.
std::uint64_t precedence(std::uint16_t place, const NameTable::Posting& posting,
                         unsigned owner_labels) {
  const std::uint64_t zone = place;
  const auto rank = static_cast<std::uint64_t>(posting.rank);
  const std::uint64_t shortness = dns::Name::kMaxLabels - owner_labels;
  const std::uint64_t wildcard = posting.scope == Scope::exact ? 0 : 1;
  return zone << 48 | rank << 44 | shortness << 36 | wildcard << 32 | posting.rule;
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
        names(rules_of(input.zones), input.hash_key),
        clients(prefixes),
        places(std::move(zone_order)) {
    for (const ZoneInput& zone : input.zones) rule_count += zone.rules->size();
  }

  std::uint16_t place(std::uint16_t group, std::uint16_t zone) const {
    return places[group * input.zones.size() + zone];
  }

  PolicyInput input;
  NameTable names;
  ClientTable clients;
  std::vector<std::uint16_t> places;  ///< By group, then zone.
  std::size_t rule_count = 0;
};

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
  Verdict verdict;
  std::uint64_t best = ~std::uint64_t{0};
  for (std::size_t i = 0; i < found.count; ++i) {
    const NameTable::Owner& owner = found.items[i];
    for (std::uint32_t at = owner.posting; at != NameTable::kNone;) {
      const NameTable::Posting& posting = impl_->names.posting(at);
      at = posting.next;
      const std::uint16_t place = impl_->place(group, posting.zone);
      if (place == kNoZone || !posting.applies(owner.whole)) continue;
      const std::uint64_t order = precedence(place, posting, owner.labels);
      if (order >= best) continue;
      best = order;
      verdict = {.matched = true,
                 .action = posting.action,
                 .zone = posting.zone,
                 .rule = posting.rule,
                 .matched_labels = owner.labels,
                 .scope = posting.scope,
                 .log_only = (place & kLogOnlyBit) != 0};
    }
  }
  return verdict;
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
      if (posting.applies(owner.whole)) {
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
  if (!sorted.empty()) sorted.front().winner = sorted.front().in_group;
  return sorted;
}

BlockPlan Generation::plan(std::uint16_t group, const Verdict& verdict) const {
  POSTERN_ASSERT(group < groups().size() && verdict.blocks());
  BlockPlan plan;
  plan.zone = &zone(verdict.zone);
  plan.action = verdict.action;
  if (verdict.action == Action::local_data) {
    const ZoneRules& zone_rules = rules(verdict.zone);
    plan.local_data = &zone_rules.local_data(zone_rules.at(verdict.rule).data);
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
  const std::string owner = rules(verdict.zone).at(verdict.rule).name.to_display();
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
