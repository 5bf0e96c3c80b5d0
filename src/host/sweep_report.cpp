#include "host/sweep_report.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "exchange/verdict.h"

namespace postern::host {
namespace {

/// Tests that need logs of which at least one must be there.
struct Needed {
  std::string_view tests;
  std::array<std::string_view, 3> kinds;
  std::string_view why;
};
constexpr std::array kNeeded = {
    Needed{"whether pages were written through the control panel (PL-12 to PL-15)",
           {"ECP", "OABGenerator", "MSExchange Management"},
           "there is no log of ECP, of the OAB generator or of MSExchange Management"},
    Needed{"what was done with Exchange's own commands (PS-04 to PS-07, K-03, F-15)",
           {"MSExchange Management", "CmdletInfra", ""},
           "there is no log of MSExchange Management or CmdletInfra"},
    Needed{"failures that attacks leave behind (PL-09, K-01)",
           {"Application", "", ""},
           "there is no Application event log"},
};

std::vector<exchange::SkippedTest> skipped_of(const exchange::LogCoverage& coverage) {
  std::vector<exchange::SkippedTest> skipped;
  for (const Needed& needed : kNeeded) {
    const bool has_any = std::ranges::any_of(needed.kinds, [&](std::string_view kind) {
      const exchange::LogDays* days = coverage.find(kind);
      return days != nullptr && !days->empty();
    });
    if (!has_any) skipped.push_back({std::string(needed.tests), std::string(needed.why)});
  }
  return skipped;
}

bool is_beneath(std::string_view path, std::string_view top) {
  return top.empty() ||
         (path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/'));
}

/// Files that could have told something. A link leads to what is looked at in its own place, or to
/// what is not of this tree; a pipe holds nothing.
std::uint64_t not_examined_of(const SweepReport& sweep, const ServerLayout& layout) {
  const auto& named = sweep.not_examined.named();
  const auto is_none = [](files::Reason reason) {
    return reason == files::Reason::link || reason == files::Reason::special ||
           reason == files::Reason::loop;
  };
  const auto counted = std::ranges::count_if(named, [&](const files::NotExamined& item) {
    return !is_none(item.reason) && is_beneath(item.path, layout.top);
  });
  return static_cast<std::uint64_t>(counted) + sweep.not_examined.count() - named.size();
}

std::string name_of(const SweepReport& sweep, const SweptServer& server) {
  if (!server.layout.name.empty()) return server.layout.name;
  return server.layout.top.empty() ? sweep.root : server.layout.top;
}

/// The day behind the last one of which there are logs: evidence says nothing of later ones.
exchange::Day end_of(const exchange::LogCoverage& coverage, exchange::Day today) {
  std::optional<exchange::Day> last;
  for (const auto& [kind, days] : coverage.kinds()) last = std::max(last, days.last());
  return last ? std::min(today, *last + std::chrono::days(1)) : today;
}

exchange::ServerReport server_report(SweptServer server, const SweepReport& sweep,
                                     exchange::Day today) {
  exchange::ServerReport out;
  out.name = name_of(sweep, server);
  out.path = server.layout.top;
  if (server.layout.patch) out.version = exchange::to_string(server.layout.patch->version);
  out.patch = std::move(server.patch);
  out.coverage = std::move(server.coverage);
  out.findings = std::move(server.findings);
  out.logs = std::move(server.logs);
  out.skipped = skipped_of(out.coverage);
  for (const std::string& note : server.layout.notes) {
    out.skipped.push_back({"the version of Exchange", note});
  }
  exchange::Evidence evidence;
  evidence.findings = out.findings;
  evidence.patch = out.patch ? &*out.patch : nullptr;
  evidence.coverage = &out.coverage;
  evidence.skipped = out.skipped;
  evidence.not_examined = not_examined_of(sweep, server.layout);
  // Where nothing of the installation is there, it is a collection of logs.
  const bool has_files = !server.layout.install.empty();
  evidence.files = has_files ? sweep.counts.examined + sweep.counts.kept : 0;
  for (const exchange::ReadLog& log : out.logs) {
    evidence.rows += log.rows;
    evidence.unread_rows += log.unread;
  }
  evidence.today = end_of(out.coverage, today);
  out.verdict = exchange::judge(evidence);
  // Few trees have it, and it only makes surer what others find: told, but no gap.
  if (has_files && !server.has_file_table) {
    out.skipped.push_back({"times of pages against those of their names (F-07)",
                           "there is no copy of $MFT, and mounts do not give them"});
  }
  return out;
}

}  // namespace

exchange::Report report_of(std::vector<SweepReport> sweeps, const CaseFacts& facts) {
  exchange::Report report;
  report.case_id = facts.case_id;
  report.program = facts.program;
  report.began = facts.began;
  report.ended = facts.ended;
  report.complete = facts.complete;
  report.rules_not_supported = facts.rules_not_supported;
  const exchange::Day today = std::chrono::floor<std::chrono::days>(facts.ended);
  for (SweepReport& sweep : sweeps) {
    report.roots.push_back(sweep.root);
    report.complete = report.complete && !sweep.stopped;
    report.files += sweep.counts.examined + sweep.counts.kept;
    report.files_unchanged += sweep.counts.kept;
    report.octets += sweep.counts.octets_read;
    report.left_out_count += sweep.not_examined.count();
    for (const files::NotExamined& item : sweep.not_examined.named()) {
      report.left_out.push_back({item.path, std::string(files::to_string(item.reason)), item.text});
    }
    for (SweptServer& server : sweep.servers) {
      report.servers.push_back(server_report(std::move(server), sweep, today));
    }
    if (sweep.findings.empty()) continue;
    SweptServer none;
    none.layout.name = fmt::format("{}: files of no server", sweep.root);
    none.findings = std::move(sweep.findings);
    report.servers.push_back(server_report(std::move(none), sweep, today));
  }
  return report;
}

}  // namespace postern::host
