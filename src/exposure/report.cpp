#include "exposure/report.h"

#include <algorithm>

#include <fmt/format.h>

namespace postern::exposure {
namespace {

/// Octets of a record's data that a report keeps: a run has up to 20,000 domains.
constexpr std::size_t kMaxDataKept = 500;

}  // namespace

Entry entry_of(const Inquiry& inquiry, const Verdict& verdict) {
  const Signs& signs = verdict.signs;
  Entry entry;
  entry.domain = inquiry.domain().to_display();
  entry.hosting = verdict.hosting;
  entry.confidence = verdict.confidence;
  entry.behind = verdict.behind;
  entry.behind_confidence = verdict.behind_confidence;
  entry.exposure = verdict.exposure;
  entry.provider = verdict.provider;
  entry.advice = verdict.advice;
  entry.because = verdict.because;
  entry.is_complete = verdict.is_complete;
  entry.dmarc = signs.dmarc_policy;
  entry.has_mta_sts = signs.has_mta_sts;
  entry.is_signed = signs.is_signed;
  entry.has_dane = signs.has_dane;
  entry.notes = signs.notes;
  entry.not_known = signs.not_known;
  entry.questions = inquiry.asked();
  for (const Sign& sign : signs.list) {
    entry.evidence.push_back({.rule = sign.rule,
                              .provider = sign.provider,
                              .role = to_string(sign.role),
                              .slot = to_string(sign.slot),
                              .weight = sign.weight,
                              .means = sign.means,
                              .name = sign.record.owner.to_display(),
                              .type = dns::to_string(sign.record.type),
                              .ttl = sign.record.ttl,
                              .data = sign.record.data.substr(0, kMaxDataKept)});
  }
  if (signs.spf.record) entry.spf.record = signs.spf.record->text.substr(0, 1'000);
  entry.spf.all = signs.spf.all;
  entry.spf.lookups = signs.spf.lookups;
  entry.spf.problems = signs.spf.problems;
  for (const SpfSender& sender : signs.spf.senders) {
    entry.spf.senders.push_back(sender.name.to_display());
  }
  return entry;
}

bool is_finding(const Report& report, const Entry& entry) {
  if (report.only_changes) {
    return entry.drift && entry.drift->change != Change::same &&
           entry.drift->change != Change::not_known;
  }
  const bool is_gone = entry.drift && entry.drift->change == Change::gone;
  return !is_gone && (entry.exposure == Exposure::likely || entry.exposure == Exposure::possible);
}

int exit_code_of(const Report& report) {
  const bool is_whole = report.is_complete && report.bad.empty() && !report.entries.empty() &&
                        std::ranges::all_of(report.entries, &Entry::is_complete);
  if (!is_whole) return 2;
  const bool has_finding = std::ranges::any_of(
      report.entries, [&](const Entry& entry) { return is_finding(report, entry); });
  return has_finding ? 1 : 0;
}

}  // namespace postern::exposure
