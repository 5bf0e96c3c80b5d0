// Commands of the sweep: they need no running server and no configuration.
#pragma once

#include "app/command_line.h"

namespace postern::app {

/// Exit codes of `sweep`.
inline constexpr int kExitNoFinding = 0;
inline constexpr int kExitFindings = 1;    ///< Something was found that is worth a look.
inline constexpr int kExitIncomplete = 2;  ///< It could not be done, or not to its end.

int run_sweep(const Arguments& arguments);
int run_sweep_import(const Arguments& arguments);
/// 0: all found and no false alarm; 1: some were missed, or falsely called; 2: could not be done.
int run_sweep_eval(const Arguments& arguments);

}  // namespace postern::app
