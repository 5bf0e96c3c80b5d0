// Which program reads feeds and builds images in a process of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace postern::feeds {

struct BuildCommand {
  /// The path of the program, which calls `run_build_process`. Empty: there is none.
  std::string program;
  /// How it is called, its name first; `max_memory` is added.
  std::vector<std::string> words;
  std::uint64_t max_memory = 0;  ///< Octets that it may take; 0: as many as there are.
};

}  // namespace postern::feeds
