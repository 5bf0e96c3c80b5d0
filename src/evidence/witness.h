// Witness: who does a deed, where and when; what a custody log says of each.
#pragma once

#include <functional>
#include <string>

#include "base/time.h"

namespace postern::evidence {

struct Witness {
  std::string who;      ///< "alice (uid 1000)".
  std::string host;     ///< The machine it was done on.
  std::string program;  ///< "postern 0.1.0".
  std::function<WallTime()> now;
};

}  // namespace postern::evidence
