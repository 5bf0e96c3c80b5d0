// Whose memory a crash dump holds: F-09.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/octets.h"

namespace postern::exchange {

/// A minidump by its magic. `modules` are file names in lower case.
struct MemoryDump {
  std::vector<std::string> modules;
  bool of_lsass = false;      ///< The modules are those of the process that keeps passwords.
  bool modules_seen = false;  ///< False where the list lies beyond the octets given.
};

/// Reads the head of a file (64 KiB to a few MiB: the list of modules is usually near the front).
/// Nothing where it is no minidump. At most 512 modules are read.
std::optional<MemoryDump> memory_dump(OctetView head);

}  // namespace postern::exchange
