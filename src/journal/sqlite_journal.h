// The embedded journal: SQLite behind a bounded queue and one writer thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "journal/journal.h"

namespace postern::journal {

struct SqliteOptions {
  std::string path;                       ///< The database file; made if missing.
  std::uint32_t days = 180;               ///< Records older than this are removed.
  std::uint64_t max_octets = 4ULL << 30;  ///< The file's cap: the oldest records make room.
  std::size_t queue_capacity = 65'536;    ///< Ordinary records waiting to be written.
  std::size_t threat_capacity = 65'536;   ///< Threats waiting, in a lane of their own.
  milliseconds commit_every{500};         ///< So that kill -9 loses at most a second.
};

/// Opens or makes the database; never reads the records. An unreadable or damaged file is set
/// aside (renamed) and a new one begun, with a warning.
Result<std::unique_ptr<Journal>> open_sqlite(const SqliteOptions& options, Log& log);

}  // namespace postern::journal
