#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/safe_text.h"
#include "exposure/report.h"

namespace postern::exposure {
namespace {

std::string joined(const std::vector<std::string>& list) {
  return fmt::format("{}", fmt::join(list, "; "));
}

std::string rules_of(const Entry& entry) {
  std::vector<std::string> rules;
  for (const Evidence& evidence : entry.evidence) rules.push_back(evidence.rule);
  return fmt::format("{}", fmt::join(rules, " "));
}

void add_row(std::string& out, const std::vector<std::string>& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += ',';
    out += csv_field(fields[i]);
  }
  out += "\r\n";
}

}  // namespace

std::string to_csv(const Report& report) {
  std::string out;
  // The list's own columns but for that of the domains, whose names are written as they were read.
  std::vector<std::string> row = {"domain"};
  for (std::size_t i = 0; i < report.header.size(); ++i) {
    if (i != report.domain_column) row.push_back(report.header[i]);
  }
  for (const char* name : {"class", "confidence", "behind", "exposure", "provider", "change",
                           "because", "advice", "rules", "added", "removed", "not_known"}) {
    row.emplace_back(name);
  }
  add_row(out, row);
  for (const Entry& entry : report.entries) {
    if (report.only_changes && entry.drift && entry.drift->change == Change::same) continue;
    row = {entry.domain};
    for (std::size_t i = 0; i < report.header.size(); ++i) {
      if (i == report.domain_column) continue;
      row.push_back(i < entry.fields.size() ? entry.fields[i] : "");
    }
    const bool is_gateway = entry.hosting == Hosting::gateway;
    row.emplace_back(to_string(entry.hosting));
    row.push_back(std::to_string(entry.confidence));
    row.emplace_back(is_gateway ? to_string(entry.behind) : "");
    row.emplace_back(to_string(entry.exposure));
    row.push_back(entry.provider);
    row.emplace_back(entry.drift ? to_string(entry.drift->change) : "");
    row.push_back(joined(entry.because));
    row.push_back(entry.advice);
    row.push_back(rules_of(entry));
    row.push_back(entry.drift ? joined(entry.drift->added) : "");
    row.push_back(entry.drift ? joined(entry.drift->removed) : "");
    row.push_back(joined(entry.not_known));
    add_row(out, row);
  }
  return out;
}

}  // namespace postern::exposure
