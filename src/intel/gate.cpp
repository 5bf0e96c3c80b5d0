#include "intel/gate.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "intel/public_suffix.h"

namespace postern::intel {
namespace {

constexpr std::uint64_t kFewRemote = 19;   // Up to here any change is believed: a short list
constexpr std::uint64_t kFewLocal = 1000;  // may turn over, and an owner edits his own file.
constexpr std::uint64_t kLeftOfFew = 10;   // Percent that must be left of a list that is not long.

constexpr std::string_view kReasons[] = {
    "own_domain",   "partner_domain", "public_suffix", "shared_hosting", "own_network",
    "wide_network", "client_rules",   "top_names",     "clients",        "queries",
    "shrunk",       "grown",          "by_hand",       "rolled_back",    "block_rate"};
/// More addresses than any one list has reason to block at a time.
constexpr unsigned kWideV4 = 12, kWideV6 = 28;
constexpr std::string_view kModes[] = {"auto", "observe", "hold", "off"};

/// Whether the rule holds for the domain, a name of it, or a name above it with all below.
const dns::Name* hit_by(const policy::Rule& rule, const std::vector<dns::Name>& domains) {
  for (const dns::Name& domain : domains) {
    const bool covers = rule.scope != policy::Scope::exact && domain.is_at_or_below(rule.name);
    if (covers || rule.name.is_at_or_below(domain)) return &domain;
  }
  return nullptr;
}

bool overlap(const IpPrefix& a, const IpPrefix& b) {
  return a.contains(b.address()) || b.contains(a.address());
}

std::string rule_text(const policy::Rule& rule) {
  policy::Match match;
  match.prefix = rule.prefix;
  match.owner = rule.name;
  match.scope = rule.scope;
  match.trigger = rule.trigger;
  const std::string text = policy::Generation::rule_text(match);
  return rule.line == 0 ? text : fmt::format("{}, line {}", text, rule.line);
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::string_view to_string(GateMode mode) {
  return kModes[static_cast<std::size_t>(mode)];
}

std::string_view to_string(GateReason reason) {
  return kReasons[static_cast<std::size_t>(reason)];
}

std::optional<GateFinding> size_fault(const SizeChange& sizes, const GateRules& rules) {
  const auto& [before, after, is_local] = sizes;
  const bool is_long = !is_local && before >= kLongList;
  const std::uint64_t must_stay = is_long ? 100 - rules.max_shrink_percent : kLeftOfFew;
  if (before > (is_local ? kFewLocal : kFewRemote) && after * 100 < before * must_stay) {
    return GateFinding{
        GateReason::shrunk,
        fmt::format("has {} rules where there were {}: less than {}; the list was probably cut off "
                    "or replaced",
                    after, before,
                    is_long ? fmt::format("{} %", must_stay) : std::string("a tenth"))};
  }
  if (!is_local && before > kFewRemote && after >= kLongList &&
      after >= before * rules.max_growth) {
    return GateFinding{GateReason::grown,
                       fmt::format("has {} rules where there were {}: {} times as many", after,
                                   before, after / before)};
  }
  return std::nullopt;
}

void RuleInspection::look(const policy::ZoneOptions& zone, const policy::Rule& rule) {
  if (zone.log_only) return;
  if (policy::has_prefix(rule.trigger)) return look_at_prefix(rule);
  const bool passes = rule.action == policy::Action::pass;
  if (passes && zone.pass_is_own) return;
  if (std::ranges::find(zone.forced, rule.name) != zone.forced.end()) return;
  if (!passes) {
    if (const dns::Name* domain = hit_by(rule, rules_->own_domains)) {
      add(GateReason::own_domain, rule, domain);
    }
    if (const dns::Name* domain = hit_by(rule, rules_->partner_domains)) {
      add(GateReason::partner_domain, rule, domain);
    }
  }
  const bool covers = rule.scope != policy::Scope::exact;
  const Shared shared = shared_kind(rule.name);
  const bool is_top = rule.name.label_count() <= 1;
  if (shared == Shared::registry && (covers || is_top)) add(GateReason::public_suffix, rule);
  if (passes || !covers) return;
  if (shared == Shared::hosting) add(GateReason::shared_hosting, rule);
  // Lists of dynamic names block many of these, and mean it.
  if (shared == Shared::suffix && suffixes_.size() < kMaxSuffixes) suffixes_.insert(rule.name);
}

void RuleInspection::look_at_prefix(const policy::Rule& rule) {
  // To let clients pass unprotected is no better than to cut them off.
  if (rule.trigger == policy::Trigger::client_ip) return add(GateReason::client_rules, rule);
  if (rule.action == policy::Action::pass) return;
  const auto is_hit = [&](const IpPrefix& own) { return overlap(own, rule.prefix); };
  if (std::ranges::any_of(rules_->own_networks, is_hit)) add(GateReason::own_network, rule);
  const bool is_v4 = rule.prefix.address().is_v4();
  if (rule.prefix.length() < (is_v4 ? kWideV4 : kWideV6)) add(GateReason::wide_network, rule);
}

void RuleInspection::look_at_use(const policy::Rule& rule) {
  if (policy::has_prefix(rule.trigger) || suffixes_.erase(rule.name) == 0) return;
  add(GateReason::shared_hosting, rule);
}

void RuleInspection::add(GateReason reason, const policy::Rule& rule, const dns::Name* domain) {
  Faults& faults = faults_[static_cast<std::size_t>(reason)];
  if (++faults.count > kShown) return;
  faults.first.push_back(domain == nullptr
                             ? rule_text(rule)
                             : fmt::format("{} by {}", domain->to_display(), rule_text(rule)));
}

std::vector<GateFinding> RuleInspection::findings() const {
  constexpr std::string_view kWords[] = {
      "blocks your own domain ",        "blocks your partner's domain ",
      "has rules on public suffixes: ", "blocks names below which many parties have theirs: ",
      "blocks addresses of your own: ", "blocks answers with any of a million addresses or more: ",
      "has rules on clients: "};
  std::vector<GateFinding> findings;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    const Faults& faults = faults_[i];
    if (faults.count == 0) continue;
    const std::uint64_t more = faults.count - faults.first.size();
    findings.push_back({static_cast<GateReason>(i),
                        fmt::format("{}{}{}", kWords[i], fmt::join(faults.first, "; "),
                                    more == 0 ? "" : fmt::format("; and {} more", more))});
  }
  return findings;
}

std::vector<GateFinding> traffic_faults(const policy::ZoneChange& change,
                                        const policy::Comparison& all, const GateRules& rules) {
  std::vector<GateFinding> findings;
  const policy::Effect& blocked = change.blocked;
  if (blocked.top_names > rules.max_top_names) {
    std::string names;
    for (std::size_t i = 0; i < blocked.examples.size() && i < 3; ++i) {
      names += (i == 0 ? "" : ", ") + blocked.examples[i].name.to_display();
    }
    findings.push_back(
        {GateReason::top_names,
         fmt::format("blocks {} of the {} names used most here ({}, …); {} may be",
                     blocked.top_names, rules.top_names, names, rules.max_top_names)});
  }
  const policy::ChangedName& used = change.most_used;
  if (all.clients >= kFewClients && used.clients >= kFewUsers &&
      std::uint64_t{used.clients} * 100 > std::uint64_t{all.clients} * rules.max_clients_percent) {
    findings.push_back(
        {GateReason::clients,
         fmt::format("blocks {} (line {}: {}), which {} of about {} clients used",
                     used.name.to_display(), used.line, used.rule, used.clients, all.clients)});
  }
  if (all.queries_in_use >= kFewQueries &&
      blocked.queries_in_use * 100 > all.queries_in_use * rules.max_queries_percent) {
    findings.push_back(
        {GateReason::queries,
         fmt::format("would have blocked {:.1f} % of the queries that had an answer; {} % may be",
                     percent(blocked.queries_in_use, all.queries_in_use),
                     rules.max_queries_percent)});
  }
  return findings;
}

}  // namespace postern::intel
