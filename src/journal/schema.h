// The journal's database: its tables, their version, and what to do with a damaged file.
//
//   name(id, key)        each name asked, once; key as in name_key.h
//   client(id, address, group_name)   each address in each group, once
//   verdict(id, …)       each (zone, action, rule, line) that decided, once
//   query(id, …)         one row a query; ids grow in the order of storing
//   segment(…)           for every few thousand rows: their ids and their times
//
// There is no index over the rows but the one of threats: an index costs five times the
// inserting. What is sought is found in the small tables first, and segments say which
// rows can be of a time.
#pragma once

#include <cstdint>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "sqlite/sqlite.h"

namespace postern::journal {

using sqlite::Database;
using sqlite::Statement;

/// The version that this program writes; kept in the file's user_version.
inline constexpr std::int64_t kSchemaVersion = 1;
inline constexpr std::int64_t kPageOctets = 8192;

/// The bits of query.facts, from the lowest.
struct FactBits {
  static constexpr int kTransport = 0;  ///< 3 bits.
  static constexpr int kSource = 3;     ///< 3 bits.
  static constexpr int kSecurity = 6;   ///< 2 bits.
  static constexpr int kInChain = 8;    ///< 1 bit.
  static constexpr int kRcode = 9;      ///< 12 bits.
  static constexpr int kEde = 21;       ///< The code plus one; 0 where there is none.
};

/// Opens the file for writing, makes it (mode 0600) or brings an older version up to date.
/// Reads no records: takes the same time however many there are. `corrupt` where it is no
/// database or visibly damaged; `invalid_input` where a newer program wrote it.
Result<Database> open_for_writing(const std::string& path);

/// The same for searching. Waits for nothing, writes nothing.
Result<Database> open_for_reading(const std::string& path);

/// Renames what SQLite keeps beside the file (-wal, -shm) to "ASIDE-wal" and "ASIDE-shm", if it is
/// there: it must not be taken for a part of another file that comes to `path`.
Result<void> set_companions_aside(const std::string& path, const std::string& aside);

/// Renames the file and its companions (-wal, -shm) to "PATH.damaged-UNIXTIME". Returns the
/// new name.
Result<std::string> set_aside(const std::string& path, std::int64_t unix_time_s);

/// open_for_writing; where that finds damage, says so, sets the file aside and begins anew.
Result<Database> open_or_begin_anew(const std::string& path, std::int64_t unix_time_s, Log& log);

}  // namespace postern::journal
