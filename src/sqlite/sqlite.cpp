#include "sqlite/sqlite.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file_descriptor.h"

namespace postern::sqlite {
namespace {

Errc code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::corrupt;
    case SQLITE_FULL:
      return Errc::limit_exceeded;
    case SQLITE_INTERRUPT:
      return Errc::timed_out;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return Errc::denied;
    default:
      return Errc::unavailable;
  }
}

}  // namespace

bool Database::has_lost_its_file() const {
  int has_moved = 0;
  const int code = sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
  return code == SQLITE_OK && has_moved != 0;
}

Result<void> make_private(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return Unexpected<Error>(system_error("open " + path, errno));
  return {};
}

Error database_error(sqlite3* handle) {
  if (handle == nullptr) return {Errc::unavailable, "out of memory"};
  return {code_of(sqlite3_extended_errcode(handle)), sqlite3_errmsg(handle)};
}

void Statement::bind(int at, std::string_view text) {
  sqlite3_bind_text64(handle_.get(), at, text.data() == nullptr ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int at, OctetView octets) {
  // A null pointer would bind NULL; an empty value is what is meant.
  sqlite3_bind_blob64(handle_.get(), at,
                      octets.empty() ? "" : static_cast<const void*>(octets.data()), octets.size(),
                      SQLITE_STATIC);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  Error error = database_error(sqlite3_db_handle(handle_.get()));
  reset();
  return Unexpected<Error>(std::move(error));
}

Result<void> Statement::run() {
  while (POSTERN_TRY(step())) {
  }
  return {};
}

OctetView Statement::octets(int column) const {
  const void* data = sqlite3_column_blob(handle_.get(), column);
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return {static_cast<const std::uint8_t*>(data),
          data == nullptr ? 0U : static_cast<std::size_t>(size)};
}

Result<Database> Database::open(const std::string& path, Access access) {
  const int flags = SQLITE_OPEN_NOMUTEX |
                    (access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    (access == Access::create ? SQLITE_OPEN_CREATE : 0);
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database;
  database.handle_.reset(handle);
  if (code != SQLITE_OK) return Unexpected<Error>(database_error(handle).context("open " + path));
  sqlite3_extended_result_codes(handle, 1);
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Unexpected<Error>(database_error(handle_.get()));
  return Statement(statement);
}

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Unexpected<Error>(database_error(handle_.get()));
  }
  return {};
}

Result<std::int64_t> Database::number(std::string_view sql) {
  Statement statement = POSTERN_TRY(prepare(sql));
  if (!POSTERN_TRY(statement.step())) return 0;
  return statement.integer(0);
}

}  // namespace postern::sqlite
