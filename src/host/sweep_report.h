// From what was swept to what is told: the verdict of each server, and the report of all.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "exchange/report.h"
#include "host/sweep_work.h"

namespace postern::host {

/// What the sweeps themselves do not know.
struct CaseFacts {
  std::string case_id, program;
  WallTime began{}, ended{};
  bool complete = true;
  std::vector<std::string> rules_not_supported;
};

/// Findings in files of no server are those of a server without a name, where there are any.
exchange::Report report_of(std::vector<SweepReport> sweeps, const CaseFacts& facts);

}  // namespace postern::host
