#include "feeds/clocks.h"

#include <chrono>

namespace postern::feeds {

std::uint64_t wall_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<seconds>(now).count());
}

WallTime wall_now() {
  return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
}

MonoTime mono_now() {
  return std::chrono::time_point_cast<microseconds>(std::chrono::steady_clock::now());
}

}  // namespace postern::feeds
