// The state store's database: its tables, their version, and how it is opened.
//
//   exception(id, …)   one row each; ids are never given twice
//   audit(id, …)       what was changed, when, by whom; rows are added, never changed or removed
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "sqlite/sqlite.h"

namespace postern::state {

/// The version that this program writes; kept in the file's user_version.
inline constexpr std::int64_t kSchemaVersion = 1;

/// Opens the file for writing, makes it (mode 0600) or brings an older version up to date; it will
/// not grow over `max_octets`. `corrupt` where it is no database or is damaged; `invalid_input`
/// where a newer program, or another one, wrote it.
Result<sqlite::Database> open_state(const std::string& path, std::uint64_t max_octets);

}  // namespace postern::state
