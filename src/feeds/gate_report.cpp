#include "feeds/gate_report.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "event/json_writer.h"
#include "event/time_text.h"

namespace postern::feeds {
namespace {

using event::JsonWriter;
using intel::GateFinding;
using intel::GateMode;

std::vector<GateFinding> findings_of(const GateSubject& subject, const policy::ZoneChange& change,
                                     const policy::Comparison& all,
                                     const intel::RuleInspection& inspection,
                                     const intel::GateRules& rules) {
  std::vector<GateFinding> findings;
  if (!subject.is_any_size) {
    if (auto fault = intel::size_fault(subject.sizes, rules)) findings.push_back(*std::move(fault));
  }
  if (subject.sizes_only) return findings;
  for (auto& each : inspection.findings()) findings.push_back(std::move(each));
  for (auto& each : intel::traffic_faults(change, all, rules)) findings.push_back(std::move(each));
  if (subject.mode == GateMode::hold) {
    findings.push_back(
        {intel::GateReason::by_hand, "waits for a person, as the configuration says (gate: hold)"});
  }
  return findings;
}

void write_effect(JsonWriter& json, std::string_view key, const policy::Effect& effect) {
  json.key(key).begin_object();
  json.field("names", effect.names).field("names_in_use", effect.names_in_use);
  json.field("queries", effect.queries).field("queries_in_use", effect.queries_in_use);
  json.field("clients", effect.clients).field("top_names", effect.top_names);
  json.key("examples").begin_array();
  for (const policy::ChangedName& each : effect.examples) {
    json.begin_object().field("name", each.name.to_display());
    json.field("queries", each.queries).field("clients", each.clients).key("rank");
    if (each.rank == 0) {
      json.null();
    } else {
      json.number(each.rank);
    }
    json.field("zone", each.zone).field("rule", each.rule).field("line", each.line);
    json.field("through", each.through).end_object();
  }
  json.end_array().end_object();
}

void write_rules(JsonWriter& json, std::string_view key, const std::vector<std::string>& rules) {
  json.key(key).begin_array();
  for (const std::string& rule : rules) json.string(rule);
  json.end_array();
}

}  // namespace

std::vector<GateReport> judge_updates(const policy::Generation& before,
                                      const policy::Generation& after,
                                      const policy::Traffic& traffic,
                                      const std::vector<GateSubject>& subjects,
                                      const intel::GateRules& rules) {
  const auto began = std::chrono::steady_clock::now();
  policy::ComparisonOptions options;
  options.top = rules.top_names;
  std::vector<std::size_t> compared;  // By zone of the comparison, which subject.
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (subjects[i].sizes_only) continue;
    options.zones.push_back(subjects[i].feed);
    compared.push_back(i);
  }
  std::vector<intel::RuleInspection> inspections(subjects.size(), intel::RuleInspection(rules));
  const auto inspection = [&](const std::string& zone) {
    const auto at = std::ranges::find(subjects, zone, &GateSubject::feed);
    return at == subjects.end() ? nullptr
                                : &inspections[static_cast<std::size_t>(at - subjects.begin())];
  };
  options.on_added = [&](const policy::ZoneOptions& zone, const policy::Rule& rule) {
    if (intel::RuleInspection* by = inspection(zone.name)) by->look(zone, rule);
  };
  options.on_blocked = [&](const std::string& zone, const policy::Rule& rule) {
    if (intel::RuleInspection* by = inspection(zone)) by->look_at_use(rule);
  };
  policy::Comparison all;
  if (!compared.empty()) all = policy::compare(before, after, traffic, options);
  std::vector<policy::ZoneChange> changes = std::exchange(all.zones, {});
  const auto took =
      std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - began);
  std::vector<GateReport> reports;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    GateReport report;
    report.feed = subjects[i].feed;
    report.at = after.built_at();
    report.sizes = subjects[i].sizes;
    const auto place = std::ranges::find(compared, i);
    if (place != compared.end()) {
      report.change = std::move(changes[static_cast<std::size_t>(place - compared.begin())]);
    }
    report.findings = findings_of(subjects[i], report.change, all, inspections[i], rules);
    report.is_held = !report.findings.empty() && subjects[i].mode != GateMode::observe;
    report.history = all;
    report.took = took;
    reports.push_back(std::move(report));
  }
  return reports;
}

std::string to_json(const GateReport& report) {
  JsonWriter json;
  json.begin_object().field("feed", report.feed);
  json.field("outcome", report.is_held ? "held" : report.findings.empty() ? "passed" : "observed");
  json.field("at", event::to_rfc3339(report.at));
  json.key("reasons").begin_array();
  for (const GateFinding& each : report.findings) {
    json.begin_object().field("code", to_string(each.reason)).field("text", each.text).end_object();
  }
  json.end_array().key("rules").begin_object();
  json.field("before", report.sizes.before).field("after", report.sizes.after);
  json.field("added", report.change.added).field("removed", report.change.removed).end_object();
  json.key("history").begin_object();
  json.field("names", report.history.names).field("names_in_use", report.history.names_in_use);
  json.field("queries", report.history.queries).field("clients", report.history.clients);
  json.end_object();
  write_effect(json, "blocked", report.change.blocked);
  write_effect(json, "released", report.change.released);
  write_rules(json, "added_rules", report.change.added_rules);
  write_rules(json, "removed_rules", report.change.removed_rules);
  json.field("took_ms", std::chrono::duration_cast<milliseconds>(report.took).count());
  json.end_object();
  return std::move(json).take();
}

}  // namespace postern::feeds
