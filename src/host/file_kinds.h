// What a file of a swept tree is: decided by its path alone, before anything of it is read.
#pragma once

#include <cstdint>
#include <string_view>

#include "exchange/file_check.h"

namespace postern::host {

enum class FileKind : std::uint8_t {
  other,
  page,        ///< IIS may execute it.
  config,      ///< web.config, applicationHost.config.
  task,        ///< Of the task scheduler.
  compiled,    ///< What ASP.NET keeps of a page that ran.
  archive,     ///< By its name; what is one by its content alone is found when it is read.
  event_log,   ///< EVTX.
  log,         ///< Text, a row a line; packed or not.
  hive,        ///< Of the registry, in its own place.
  module,      ///< A library in the folder of IIS' modules.
  file_table,  ///< $MFT of a volume, as somebody copied it.
};

/// "page", "configuration", …
std::string_view to_string(FileKind kind);

/// `placed` is what the place is judged by (exchange::server_place). Cheap.
FileKind kind_of(std::string_view placed);

/// How far the sweep's own checks read such a file; logs and event logs are read by whoever reads
/// rows.
exchange::Wanted wanted_of(FileKind kind, std::string_view placed, std::uint64_t size);

}  // namespace postern::host
