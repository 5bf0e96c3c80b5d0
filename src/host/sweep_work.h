// SweepWork: one pass over a tree: what is there, which servers, and what their files say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exchange/finding.h"
#include "exchange/judge.h"
#include "exchange/known_good.h"
#include "exchange/log_coverage.h"
#include "exchange/patch_state.h"
#include "exchange/report.h"
#include "files/not_examined.h"
#include "host/examiner.h"
#include "host/server_layout.h"
#include "host/sweep_state.h"

namespace postern::host {

/// How far it is.
struct SweepProgress {
  std::uint64_t entries = 0;  ///< Walked.
  std::uint64_t files = 0;    ///< To be looked at; 0 while the tree is walked.
  std::uint64_t files_done = 0;
  std::uint64_t octets_read = 0;
};

struct SweepOptions {
  unsigned threads = 1;
  const exchange::KnownGood* known = nullptr;
  /// Who looks at files. Each file is given to every one that wants it.
  std::vector<const ExaminerFactory*> examiners;
  /// That logs are judged by: LogExaminers' own. None: what logs tell together is not told.
  const exchange::RuleSet* rules = nullptr;
  SweepState* state = nullptr;  ///< Of earlier sweeps; none: everything is read.
  std::function<void(const SweepProgress&)> progress;  ///< Called often, on the caller's thread.
  std::function<bool()> stop;  ///< Asked often; true ends the work early, with what there is.
};

struct SweepCounts {
  std::uint64_t entries = 0;   ///< Files, folders, links.
  std::uint64_t examined = 0;  ///< Files that were looked at now,
  std::uint64_t kept = 0;      ///< or that did not change since they were.
  std::uint64_t octets_read = 0;
};

/// One server with what was found on it.
struct SweptServer {
  ServerLayout layout;
  std::optional<exchange::PatchState> patch;
  exchange::Mitigations mitigations;
  std::vector<exchange::Finding> findings;  ///< The worst first.
  exchange::LogCoverage coverage;
  std::vector<exchange::ReadLog> logs;
  bool has_file_table = false;  ///< A copy of $MFT was there to be read.
};

struct SweepReport {
  std::string root;
  std::string state_root;  ///< What the state calls it (SweepState::changes, complete).
  std::vector<SweptServer> servers;
  std::vector<exchange::Finding> findings;  ///< In files of no server.
  files::NotExaminedList not_examined;
  SweepCounts counts;
  bool stopped = false;  ///< Ended early: not all was looked at.
  /// Why the state was not used to the end. The sweep is as good; the next one reads more, and has
  /// nothing to compare with.
  std::optional<Error> state_fault;
};

/// Sweeps what is at `path`: a folder, or a file, whose folder is then the root. Reads alone; what
/// it writes is the state's. Errors are of the path itself; all else is in the report. Finds the
/// same whatever the number of threads. `SweepState::complete` is the caller's, when the report is
/// where it belongs.
Result<SweepReport> sweep(const std::string& path, const SweepOptions& options);

}  // namespace postern::host
