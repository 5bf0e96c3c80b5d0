#include <algorithm>
#include <string>
#include <string_view>

#include "event/json_writer.h"
#include "event/time_text.h"
#include "exchange/report.h"

namespace postern::exchange {
namespace {

using event::JsonWriter;

void write_time(JsonWriter& json, std::string_view name, const std::optional<WallTime>& at) {
  json.key(name);
  if (at) {
    json.string(event::to_rfc3339(*at));
  } else {
    json.null();
  }
}

template <class List>
void write_strings(JsonWriter& json, std::string_view name, const List& texts) {
  json.key(name).begin_array();
  for (const auto& text : texts) json.string(text);
  json.end_array();
}

void write_days(JsonWriter& json, std::string_view name, const std::vector<Day>& days) {
  json.key(name).begin_array();
  for (const Day day : days) json.string(to_string(day));
  json.end_array();
}

void write_finding(JsonWriter& json, const Finding& finding, const FindingChange* change) {
  json.begin_object();
  if (change != nullptr) {
    json.field("since", to_string(change->change)).field("why", change->why);
    json.field("first_found", event::to_rfc3339(change->first_found));
    json.field("last_found", event::to_rfc3339(change->last_found));
  }
  json.field("rule", finding.rule).field("title", finding.title);
  json.field("tier", to_string(finding.tier)).field("confidence", finding.confidence);
  write_time(json, "at", finding.at);
  json.field("actor", finding.actor);
  json.key("place").begin_object().field("path", finding.place.path);
  json.field("line", finding.place.line).field("record", finding.place.record);
  json.field("offset", finding.place.offset).end_object();
  write_strings(json, "attack", finding.attack);
  write_strings(json, "cve", finding.cve);
  json.key("details").begin_array();
  for (const Detail& detail : finding.details) {
    json.begin_object().field("name", detail.name).field("value", detail.value).end_object();
  }
  json.end_array();
  json.field("author", finding.author);
  json.end_object();
}

void write_patch(JsonWriter& json, const ServerReport& server) {
  json.key("patch");
  if (!server.patch) {
    json.null();
    return;
  }
  json.begin_object();
  json.field("text", server.patch->text).field("product", server.patch->product);
  json.field("cu", server.patch->cu).field("update", server.patch->update);
  write_strings(json, "missing_updates", server.patch->missing_updates);
  json.key("cves").begin_array();
  for (const CvePatch& cve : server.patch->cves) {
    json.begin_object().field("cve", cve.cve).field("state", to_string(cve.state));
    json.field("fixed_in", cve.fixed_in).field("note", cve.note);
    json.field("known_exploited", cve.known_exploited).end_object();
  }
  json.end_array().end_object();
}

void write_actor(JsonWriter& json, const Actor& actor) {
  json.begin_object().field("name", actor.name).field("tier", to_string(actor.tier));
  json.field("confidence", actor.confidence).field("stage", actor.stage);
  write_time(json, "first", actor.first);
  write_time(json, "last", actor.last);
  json.field("bytes_out", actor.bytes_out);
  write_strings(json, "mailboxes", actor.mailboxes);
  json.key("findings").begin_array();
  for (const std::size_t number : actor.findings) json.number(number);
  json.end_array().end_object();
}

void write_verdict(JsonWriter& json, const Verdict& verdict) {
  json.key("verdict").begin_object();
  json.field("outcome", to_string(verdict.outcome)).field("headline", verdict.headline);
  write_strings(json, "because", verdict.because);
  write_strings(json, "gaps", verdict.gaps);
  json.key("windows").begin_array();
  for (const OpenWindow& window : verdict.windows) {
    json.begin_object();
    write_strings(json, "cves", window.cves);
    json.field("from", to_string(window.window.from));
    json.key("to");
    if (window.window.to) {
      json.string(to_string(*window.window.to));
    } else {
      json.null();
    }
    json.field("still_open", window.window.still_open);
    write_days(json, "days_without_logs", window.days_without_logs);
    json.field("text", window.text).end_object();
  }
  json.end_array().key("actors").begin_array();
  for (const Actor& actor : verdict.actors) write_actor(json, actor);
  json.end_array().end_object();
}

void write_coverage(JsonWriter& json, const LogCoverage& coverage) {
  json.key("coverage").begin_array();
  for (const auto& [kind, days] : coverage.kinds()) {
    if (days.empty()) continue;
    json.begin_object().field("kind", kind).field("rows", days.rows());
    json.field("first", to_string(*days.first())).field("last", to_string(*days.last()));
    json.field("days", days.day_count()).key("gaps").begin_array();
    for (const LogGap& gap : days.gaps()) {
      json.begin_object();
      write_time(json, "from", gap.from);
      json.field("hours", gap.hours).end_object();
    }
    json.end_array().end_object();
  }
  json.end_array();
}

void write_logs(JsonWriter& json, const std::vector<ReadLog>& logs) {
  json.key("logs").begin_array();
  for (const ReadLog& log : logs) {
    json.begin_object().field("path", log.path).field("kind", log.kind);
    json.field("rows", log.rows).field("unread", log.unread);
    write_strings(json, "first_unread", log.first_unread);
    json.end_object();
  }
  json.end_array();
}

void write_since(JsonWriter& json, const ServerReport& server) {
  if (!server.since) return;
  const Since& since = *server.since;
  json.key("since").begin_object().field("is_first", since.is_first);
  json.field("case", since.case_id);
  json.key("ended");
  if (since.is_first) {
    json.null();
  } else {
    json.string(event::to_rfc3339(since.ended));
  }
  json.field("same_rules", since.same_rules).key("counts").begin_object();
  const auto counts = since.counts();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    json.field(to_string(static_cast<Change>(i)), counts[i]);
  }
  json.end_object().key("dropped").begin_array();
  for (std::size_t i = 0; i < since.dropped.size(); ++i) {
    const KeptFinding& kept = since.dropped[i];
    const FindingChange change{Change::gone, since.dropped_why[i], kept.first_found,
                               kept.last_found};
    write_finding(json, kept.finding, &change);
  }
  json.end_array().end_object();
}

void write_changed_files(JsonWriter& json, const Report& report) {
  if (report.changed_files.empty()) return;
  json.key("changed_files").begin_array();
  for (const RootChanges& root : report.changed_files) {
    json.begin_object().field("root", root.root).field("is_first", root.is_first);
    json.field("new", root.fresh).field("changed", root.changed);
    json.field("gone", root.gone).field("still there", root.same);
    json.key("named").begin_array();
    for (const RootChanges::Named& named : root.named) {
      json.begin_object().field("path", named.path);
      json.field("since", to_string(named.change)).end_object();
    }
    json.end_array().end_object();
  }
  json.end_array();
}

void write_server(JsonWriter& json, const ServerReport& server) {
  json.begin_object().field("name", server.name).field("root", server.root);
  json.field("path", server.path);
  json.field("version", server.version);
  write_verdict(json, server.verdict);
  write_patch(json, server);
  write_coverage(json, server.coverage);
  json.key("findings").begin_array();
  for (std::size_t i = 0; i < server.findings.size(); ++i) {
    write_finding(json, server.findings[i], change_of(server, i));
  }
  json.end_array();
  write_since(json, server);
  json.key("skipped").begin_array();
  for (const SkippedTest& skipped : server.skipped) {
    json.begin_object().field("test", skipped.test).field("why", skipped.why).end_object();
  }
  json.end_array();
  write_logs(json, server.logs);
  json.end_object();
}

/// What `postern quarantine plan` reads: files that prove a break-in, of one root.
void write_items(JsonWriter& json, const Report& report) {
  if (report.roots.size() != 1) return;
  json.field("root", report.roots.front()).key("items").begin_array();
  for (const ServerReport& server : report.servers) {
    for (std::size_t i = 0; i < server.findings.size(); ++i) {
      const Finding& finding = server.findings[i];
      const FindingChange* const change = change_of(server, i);
      if (change != nullptr && change->change >= Change::gone) continue;
      const Place& place = finding.place;
      // A row, a record, a key of a hive is no reason to take the file away.
      const bool is_file = place.line == 0 && place.record == 0 && place.offset == 0 &&
                           !place.path.empty() && place.path.find("!/") == std::string::npos;
      if (!is_file || finding.tier != Tier::exploited || finding.confidence < kProof) continue;
      json.begin_object().field("path", place.path).field("rule", finding.rule);
      json.field("why", finding.title);
      const auto hash = std::ranges::find(finding.details, kHashDetail, &Detail::name);
      if (hash != finding.details.end()) json.field("sha256", hash->value);
      json.end_object();
    }
  }
  json.end_array();
}

}  // namespace

std::string to_json(const Report& report) {
  JsonWriter json;
  json.begin_object();
  json.field("case", report.case_id).field("program", report.program);
  write_time(json, "began", report.began);
  write_time(json, "ended", report.ended);
  write_strings(json, "roots", report.roots);
  write_items(json, report);
  json.field("complete", report.complete);
  json.field("outcome", to_string(outcome_of(report)));
  json.field("files", report.files).field("files_unchanged", report.files_unchanged);
  json.field("octets", report.octets);
  write_changed_files(json, report);
  json.key("servers").begin_array();
  for (const ServerReport& server : report.servers) write_server(json, server);
  json.end_array();
  json.field("left_out_count", report.left_out_count).key("left_out").begin_array();
  for (const LeftOut& left_out : report.left_out) {
    json.begin_object().field("path", left_out.path).field("reason", left_out.reason);
    json.field("text", left_out.text).end_object();
  }
  json.end_array();
  write_strings(json, "rules_not_supported", report.rules_not_supported);
  json.end_object();
  return std::move(json).take();
}

}  // namespace postern::exchange
