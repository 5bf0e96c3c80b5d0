// Plays a scenario against server::Handler, with its cache and policy, in simulated time.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "scenario.h"

namespace postern::scenario {

/// An expectation that was not met.
struct Failure {
  std::size_t line = 0;
  std::string text;  ///< "wanted …; came …".
};

/// In order of lines; empty where all went as expected. Reads no clock and waits for nothing.
std::vector<Failure> play(const Scenario& scenario);

}  // namespace postern::scenario
