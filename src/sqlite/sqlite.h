// SQLite's C handles as owned values, and its codes as our errors.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "base/octets.h"
#include "base/result.h"

namespace postern::sqlite {

/// A prepared statement. Used by one thread at a time, and gone before its Database.
/// Parameters count from 1, columns from 0.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}

  void bind(int at, std::int64_t value) { sqlite3_bind_int64(handle_.get(), at, value); }
  void bind_null(int at) { sqlite3_bind_null(handle_.get(), at); }
  /// Text and octets are not copied: they must live until the statement was reset.
  void bind(int at, std::string_view text);
  void bind(int at, OctetView octets);

  /// True where there is a row; false at the end, the statement then being reset.
  Result<bool> step();
  /// Runs a statement that gives no rows, and resets it.
  Result<void> run();
  void reset() { sqlite3_reset(handle_.get()); }

  std::int64_t integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  bool is_null(int column) const {
    return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
  }
  /// Valid until the next step or reset.
  std::string_view text(int column) const { return text_of(octets(column)); }
  OctetView octets(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// A connection. Used by one thread at a time.
class Database {
 public:
  enum class Access : std::uint8_t { read_only, read_write, create };

  static Result<Database> open(const std::string& path, Access access);

  Result<Statement> prepare(std::string_view sql);
  /// One or more statements whose rows, if any, are of no interest.
  Result<void> execute(const char* sql);
  /// The one number that `sql` (a SELECT or PRAGMA) gives; 0 where it gives no row or NULL.
  Result<std::int64_t> number(std::string_view sql);
  /// Rows changed by the last INSERT, UPDATE or DELETE.
  std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  /// True where the file that is open is no longer the one at its path: removed, renamed, replaced.
  /// One stat(2).
  bool has_lost_its_file() const;
  std::int64_t last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Makes the file if it is not there, for its owner alone: SQLite would let everyone read it.
Result<void> make_private(const std::string& path);

/// What went wrong on this connection last: `corrupt` (damaged, or no database),
/// `limit_exceeded` (disk or page cap full), `timed_out` (interrupted), `denied`
/// (permission, read-only), else `unavailable`.
Error database_error(sqlite3* handle);

}  // namespace postern::sqlite
