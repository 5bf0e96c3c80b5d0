#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/safe_text.h"
#include "event/time_text.h"
#include "exposure/report.h"

namespace postern::exposure {
namespace {

constexpr std::size_t kMaxDataShown = 160;
/// Of so few domains the reasons are shown whatever they are.
constexpr std::size_t kFewDomains = 10;

std::string_view colour_of(Exposure exposure) {
  switch (exposure) {
    case Exposure::likely:
      return "\x1b[31m";
    case Exposure::possible:
      return "\x1b[33m";
    case Exposure::unlikely:
      return "\x1b[32m";
    case Exposure::not_known:
      return "\x1b[36m";
  }
  return "";
}

std::string hosting_text(const Entry& entry) {
  std::string text(title_of(entry.hosting));
  if (entry.hosting != Hosting::gateway) return text;
  if (entry.behind == Hosting::unknown) return text + ": of what is not known";
  return fmt::format("{}: {} ({} %)", text, title_of(entry.behind), entry.behind_confidence);
}

/// What stands beside the domain in the list; the first other column alone.
std::string label_of(const Report& report, const Entry& entry) {
  for (std::size_t i = 0; i < entry.fields.size(); ++i) {
    if (i != report.domain_column) return shown(entry.fields[i], 40);
  }
  return "";
}

struct Row {
  std::vector<std::string> cells;
  const Entry* entry = nullptr;
};

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

void add_details(const Entry& entry, bool with_records, std::string& out) {
  for (const std::string& reason : entry.because) {
    out += fmt::format("    {}\n", shown(reason, 300));
  }
  if (!entry.advice.empty()) out += fmt::format("    => {}\n", entry.advice);
  if (entry.drift) {
    for (const std::string& record : entry.drift->added) {
      out += fmt::format("    + {}\n", shown(record, kMaxDataShown));
    }
    for (const std::string& record : entry.drift->removed) {
      out += fmt::format("    - {}\n", shown(record, kMaxDataShown));
    }
  }
  if (!with_records) return;
  for (const Evidence& evidence : entry.evidence) {
    out += fmt::format("    [{} {}] {} {} {} {}\n", evidence.rule, evidence.weight,
                       shown(evidence.name, 260), evidence.ttl, evidence.type,
                       shown(evidence.data, kMaxDataShown));
  }
  if (!entry.spf.record.empty()) {
    out += fmt::format("    SPF: {} look-ups, {}\n", entry.spf.lookups,
                       entry.spf.all.empty() ? "no all" : entry.spf.all);
  }
  out += fmt::format("    DMARC {}, MTA-STS {}, DNSSEC {}, DANE {}; {} questions\n",
                     entry.dmarc.empty() ? "none" : shown(entry.dmarc, 20),
                     entry.has_mta_sts ? "yes" : "no", entry.is_signed ? "yes" : "no",
                     entry.has_dane ? "yes" : "no", entry.questions);
  for (const std::string& note : entry.notes)
    out += fmt::format("    note: {}\n", shown(note, 300));
  for (const std::string& gap : entry.not_known) {
    out += fmt::format("    not known: {}\n", shown(gap, 300));
  }
}

std::vector<Row> rows_of(const Report& report) {
  const bool has_labels = std::ranges::any_of(
      report.entries, [&](const Entry& entry) { return !label_of(report, entry).empty(); });
  const bool has_drift = std::ranges::any_of(
      report.entries, [](const Entry& entry) { return entry.drift.has_value(); });
  std::vector<Row> rows;
  Row head{.cells = {"DOMAIN"}};
  if (has_labels) head.cells.emplace_back("OF");
  for (const char* name : {"EXPOSURE", "SURE", "MAIL"}) head.cells.emplace_back(name);
  if (has_drift) head.cells.emplace_back("CHANGE");
  head.cells.emplace_back("TAKEN BY");
  rows.push_back(std::move(head));
  for (const Entry& entry : report.entries) {
    if (report.only_changes && entry.drift && entry.drift->change == Change::same) continue;
    Row row{.cells = {shown(entry.domain, 80)}, .entry = &entry};
    if (has_labels) row.cells.push_back(label_of(report, entry));
    row.cells.emplace_back(to_string(entry.exposure));
    row.cells.push_back(entry.confidence == 0 ? "" : fmt::format("{} %", entry.confidence));
    row.cells.push_back(hosting_text(entry));
    if (has_drift) row.cells.emplace_back(entry.drift ? to_string(entry.drift->change) : "");
    row.cells.push_back(shown(entry.provider, 60));
    rows.push_back(std::move(row));
  }
  return rows;
}

void add_summary(const Report& report, std::string& out) {
  std::map<Exposure, std::size_t> counts;
  for (const Entry& entry : report.entries) ++counts[entry.exposure];
  std::vector<std::string> parts;
  for (const auto& [exposure, count] : counts) {
    parts.push_back(fmt::format("{} {}", count, to_string(exposure)));
  }
  out += fmt::format("\n{} domains; an Exchange server that can be reached: {}\n",
                     report.entries.size(), fmt::join(parts, ", "));
  if (report.since) {
    out += fmt::format("compared with {}\n", event::to_rfc3339(*report.since));
  }
  for (const BadLine& line : report.bad) {
    out += fmt::format("line {} was left out: {}\n", line.line, shown(line.why, 300));
  }
  for (const BadLine& line : report.notes) {
    out += fmt::format("line {}: {}\n", line.line, shown(line.why, 300));
  }
  if (!report.is_complete) out += "ended before all was asked\n";
}

}  // namespace

std::string to_text(const Report& report, const TextOptions& options) {
  const std::vector<Row> rows = rows_of(report);
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.cells.size()));
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(row.cells[i]));
    }
  }
  std::string out;
  for (const Row& row : rows) {
    const bool in_colour = options.in_colour && row.entry != nullptr;
    if (in_colour) out += colour_of(row.entry->exposure);
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      out += row.cells[i];
      if (i + 1 < row.cells.size()) {
        out += std::string(widths[i] - width_of(row.cells[i]) + 2, ' ');
      }
    }
    if (in_colour) out += "\x1b[0m";
    out += '\n';
    if (row.entry == nullptr) continue;
    const bool has_news = row.entry->drift && row.entry->drift->change == Change::changed;
    const bool wants_details = options.with_records || has_news || rows.size() <= kFewDomains + 1 ||
                               !row.entry->is_complete || row.entry->exposure == Exposure::likely ||
                               row.entry->exposure == Exposure::possible;
    if (wants_details) add_details(*row.entry, options.with_records, out);
  }
  add_summary(report, out);
  return out;
}

}  // namespace postern::exposure
