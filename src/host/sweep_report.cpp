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

/// Says what earlier sweeps found that is no longer there: the verdict rests on it, too.
void tell_remembered(exchange::ServerReport& server) {
  if (!server.since) return;
  std::size_t count = 0;
  WallTime last{};
  for (std::size_t i = 0; i < server.findings.size(); ++i) {
    const exchange::FindingChange& change = server.since->changes[i];
    if (change.change < exchange::Change::gone) continue;
    if (server.findings[i].tier < exchange::Tier::attempt) continue;
    ++count;
    last = std::max(last, change.last_found);
  }
  if (count == 0) return;
  server.verdict.because.push_back(fmt::format(
      "{} of the findings {} made by earlier sweeps, the last on {}: the evidence is no "
      "longer there.",
      count, count == 1 ? "was" : "were",
      exchange::to_string(std::chrono::floor<std::chrono::days>(last))));
}

class Reporter {
 public:
  explicit Reporter(const CaseFacts& facts)
      : facts_(facts), today_(std::chrono::floor<std::chrono::days>(facts.ended)) {
    exchange::Report& report = out_.report;
    report.case_id = facts.case_id;
    report.program = facts.program;
    report.began = facts.began;
    report.ended = facts.ended;
    report.complete = facts.complete;
    report.rules_not_supported = facts.rules_not_supported;
  }

  ReportedSweep run(std::vector<SweepReport> sweeps) && {
    for (SweepReport& sweep : sweeps) {
      if (sweep.state_fault) note(*sweep.state_fault);
      add(sweep);
    }
    return std::move(out_);
  }

 private:
  SweepState* state() const { return out_.state_fault ? nullptr : facts_.state; }

  void note(const Error& error) {
    if (!out_.state_fault) out_.state_fault = error;
  }

  void add(SweepReport& sweep) {
    exchange::Report& report = out_.report;
    report.roots.push_back(sweep.root);
    report.complete = report.complete && !sweep.stopped;
    report.files += sweep.counts.examined + sweep.counts.kept;
    report.files_unchanged += sweep.counts.kept;
    report.octets += sweep.counts.octets_read;
    report.left_out_count += sweep.not_examined.count();
    for (const files::NotExamined& item : sweep.not_examined.named()) {
      report.left_out.push_back({item.path, std::string(files::to_string(item.reason)), item.text});
    }
    out_.roots.push_back(sweep.state_root);
    add_changed_files(sweep);
    for (SweptServer& server : sweep.servers) add_server(std::move(server), sweep);
    if (sweep.findings.empty()) return;
    SweptServer none;
    none.layout.name = fmt::format("{}: files of no server", sweep.root);
    none.findings = std::move(sweep.findings);
    add_server(std::move(none), sweep);
  }

  void add_changed_files(const SweepReport& sweep) {
    if (state() == nullptr || !facts_.with_since || sweep.stopped) return;
    auto changes = state()->changes(sweep.state_root);
    if (changes) {
      out_.report.changed_files.push_back(*std::move(changes));
    } else {
      note(changes.error());
    }
  }

  void add_server(SweptServer server, const SweepReport& sweep) {
    exchange::ServerReport out;
    out.root = sweep.root;
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
    add_since(sweep, out);
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
    evidence.today = end_of(out.coverage, today_);
    out.verdict = exchange::judge(evidence);
    // Few trees have it, and it only makes surer what others find: told, but no gap.
    if (has_files && !server.has_file_table) {
      out.skipped.push_back({"times of pages against those of their names (F-07)",
                             "there is no copy of $MFT, and mounts do not give them"});
    }
    tell_remembered(out);
    out_.report.servers.push_back(std::move(out));
  }

  /// Compares with the sweep before. What is to be kept is so whether the report tells it or not.
  void add_since(const SweepReport& sweep, exchange::ServerReport& server) {
    if (state() == nullptr || sweep.stopped) return;
    const std::string key = state_key(sweep.state_root, server.path);
    const auto earlier = state()->last(key);
    if (!earlier) return note(earlier.error());
    const auto fate = [&](std::string_view path) {
      return state()->fate(state_key(sweep.state_root, path));
    };
    std::vector<exchange::Finding> findings = server.findings;
    exchange::Since since =
        exchange::compare(*earlier ? &**earlier : nullptr, findings, fate, facts_.ended);
    out_.servers.push_back({key, facts_.case_id, facts_.ended, exchange::to_keep(findings, since)});
    if (!facts_.with_since) return;
    server.findings = std::move(findings);
    server.since = std::move(since);
  }

  const CaseFacts& facts_;
  exchange::Day today_;
  ReportedSweep out_;
};

}  // namespace

ReportedSweep report_of(std::vector<SweepReport> sweeps, const CaseFacts& facts) {
  return Reporter(facts).run(std::move(sweeps));
}

Result<void> keep_for_next(const ReportedSweep& sweep, SweepState& state) {
  if (sweep.state_fault) return Unexpected<Error>(*sweep.state_fault);
  if (!sweep.report.complete) return {};
  return state.complete(sweep.roots, sweep.servers);
}

}  // namespace postern::host
