// The clock of the resolvers' threads.
#pragma once

#include "base/time.h"

namespace postern::resolve {

/// Now, as Request::deadline counts it. Any thread; a clock read without a system call.
inline MonoTime mono_now() {
  return std::chrono::time_point_cast<microseconds>(std::chrono::steady_clock::now());
}

}  // namespace postern::resolve
