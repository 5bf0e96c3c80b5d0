#include "event/json_writer.h"
#include "event/time_text.h"
#include "exposure/report.h"

namespace postern::exposure {
namespace {

using event::JsonWriter;

void write_list(JsonWriter& json, std::string_view name, const std::vector<std::string>& list) {
  json.key(name).begin_array();
  for (const std::string& item : list) json.string(item);
  json.end_array();
}

void write_lines(JsonWriter& json, std::string_view name, const std::vector<BadLine>& lines) {
  json.key(name).begin_array();
  for (const BadLine& line : lines) {
    json.begin_object().field("line", line.line).field("why", line.why).end_object();
  }
  json.end_array();
}

void write_drift(JsonWriter& json, const Drift& drift) {
  json.key("drift").begin_object();
  json.field("change", to_string(drift.change));
  if (drift.before) {
    json.key("before").begin_object();
    json.field("class", drift.before->hosting);
    json.field("behind", drift.before->behind);
    json.field("exposure", drift.before->exposure);
    json.field("provider", drift.before->provider).end_object();
  }
  write_list(json, "added", drift.added);
  write_list(json, "removed", drift.removed);
  json.end_object();
}

void write_evidence(JsonWriter& json, const Evidence& evidence) {
  json.begin_object();
  json.field("rule", evidence.rule).field("provider", evidence.provider);
  json.field("role", evidence.role).field("looks_at", evidence.slot);
  json.field("weight", evidence.weight).field("means", evidence.means);
  json.field("name", evidence.name).field("type", evidence.type);
  json.field("ttl", evidence.ttl).field("data", evidence.data);
  json.end_object();
}

void write_spf(JsonWriter& json, const SpfSummary& spf) {
  json.key("spf").begin_object();
  json.field("record", spf.record).field("all", spf.all).field("lookups", spf.lookups);
  write_list(json, "senders", spf.senders);
  write_list(json, "problems", spf.problems);
  json.end_object();
}

void write_entry(JsonWriter& json, const Report& report, const Entry& entry) {
  json.begin_object();
  json.field("domain", entry.domain);
  if (entry.line != 0) {
    json.field("line", entry.line);
    json.key("columns").begin_object();
    for (std::size_t i = 0; i < entry.fields.size() && i < report.header.size(); ++i) {
      json.field(report.header[i], entry.fields[i]);
    }
    json.end_object();
  }
  json.field("class", to_string(entry.hosting)).field("confidence", entry.confidence);
  if (entry.hosting == Hosting::gateway) {
    json.field("behind", to_string(entry.behind));
    json.field("behind_confidence", entry.behind_confidence);
  }
  json.field("exposure", to_string(entry.exposure)).field("provider", entry.provider);
  json.field("complete", entry.is_complete).field("advice", entry.advice);
  write_list(json, "because", entry.because);
  if (entry.drift) write_drift(json, *entry.drift);
  json.key("records").begin_array();
  for (const Evidence& evidence : entry.evidence) write_evidence(json, evidence);
  json.end_array();
  write_spf(json, entry.spf);
  json.field("dmarc", entry.dmarc).field("mta_sts", entry.has_mta_sts);
  json.field("dnssec", entry.is_signed).field("dane", entry.has_dane);
  write_list(json, "notes", entry.notes);
  write_list(json, "not_known", entry.not_known);
  json.field("questions", entry.questions);
  json.end_object();
}

}  // namespace

std::string to_json(const Report& report) {
  JsonWriter json;
  json.begin_object();
  json.field("program", report.program);
  json.field("began", event::to_rfc3339(report.began));
  json.field("ended", event::to_rfc3339(report.ended));
  json.field("resolver", report.resolver);
  write_list(json, "packs", report.packs);
  if (report.since) json.field("since", event::to_rfc3339(*report.since));
  json.field("complete", report.is_complete && exit_code_of(report) != 2);
  json.field("exit_code", exit_code_of(report));
  json.key("domains").begin_array();
  for (const Entry& entry : report.entries) {
    const bool is_same = entry.drift && entry.drift->change == Change::same;
    if (!report.only_changes || !is_same) write_entry(json, report, entry);
  }
  json.end_array();
  write_lines(json, "bad_lines", report.bad);
  write_lines(json, "notes", report.notes);
  json.end_object();
  return std::move(json).take();
}

}  // namespace postern::exposure
