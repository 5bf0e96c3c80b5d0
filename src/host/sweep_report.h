// From what was swept to what is told: the verdict of each server, and the report of all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "exchange/report.h"
#include "host/sweep_state.h"
#include "host/sweep_work.h"

namespace postern::host {

/// What the sweeps themselves do not know.
struct CaseFacts {
  std::string case_id, program;
  WallTime began{}, ended{};
  bool complete = true;
  std::vector<std::string> rules_not_supported;
  /// What is known of the sweeps before; nullptr: nothing.
  SweepState* state = nullptr;
  /// Whether the report is to say what became of findings and files since. Only then does the
  /// verdict rest on what earlier sweeps found and is no longer there, too.
  bool with_since = false;
};

/// A report, and what is to be kept for the next one.
struct ReportedSweep {
  exchange::Report report;
  std::vector<std::string> roots;
  std::vector<ServerRecord> servers;
  std::optional<Error> state_fault;  ///< The first: nothing can be compared, or kept.
};

/// Findings in files of no server are those of a server without a name, where there are any.
ReportedSweep report_of(std::vector<SweepReport> sweeps, const CaseFacts& facts);

/// Makes it the last sweep of its servers: when the report is where it belongs, not before. One
/// that is not complete is never made so.
Result<void> keep_for_next(const ReportedSweep& sweep, SweepState& state);

}  // namespace postern::host
