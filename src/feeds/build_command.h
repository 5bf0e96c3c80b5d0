// Which program reads feeds and builds images in a process of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace postern::feeds {

struct BuildCommand {
  /// The program and its arguments, to which `max_memory` is added; it calls `run_build_process`.
  /// None: there is no such program.
  std::vector<std::string> words;
  std::uint64_t max_memory = 0;  ///< Octets that it may take; 0: as many as there are.
};

}  // namespace postern::feeds
