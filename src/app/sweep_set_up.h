// What commands of the sweep share: the folder with imported data, and the rules that these make.
#pragma once

#include <string>
#include <vector>

#include "app/command_line.h"
#include "base/result.h"
#include "exchange/judge.h"
#include "host/sweep_data.h"

namespace postern::app {

/// By --data; else sweep in the state folder.
std::string sweep_data_folder(const Arguments& arguments);

/// Our own rules on rows, and those that were imported.
struct SweepRules {
  exchange::RuleSet set;
  std::vector<std::string> not_supported;  ///< "NAME: why".
};
Result<SweepRules> sweep_rules(const host::SweepData& data);

}  // namespace postern::app
