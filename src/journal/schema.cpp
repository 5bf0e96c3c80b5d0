#include "journal/schema.h"

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

namespace postern::journal {
namespace {

// These must come before the first table, or they are without effect.
constexpr char kBirth[] = "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;";

// A write is durable against kill -9 at once and against power loss at the next checkpoint.
// Deleted content is overwritten where that needs no extra I/O.
constexpr char kWriterSettings[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = FAST;"
    "PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 1000;"
    "PRAGMA journal_size_limit = 16777216;";

constexpr char kReaderSettings[] =
    "PRAGMA query_only = ON; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;";

constexpr char kVersion1[] = R"sql(
CREATE TABLE name (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE);
CREATE TABLE client (
  id INTEGER PRIMARY KEY,
  address BLOB NOT NULL,      -- 4 or 16 octets
  group_name TEXT NOT NULL,
  UNIQUE (address, group_name));
CREATE TABLE verdict (
  id INTEGER PRIMARY KEY,
  zone TEXT NOT NULL,
  action TEXT NOT NULL,
  rule BLOB NOT NULL,         -- the owner's key
  kind INTEGER NOT NULL,      -- 0 no rule, 1 the name alone, 2 the names below it too
  line INTEGER NOT NULL,
  UNIQUE (zone, action, rule, kind, line));
CREATE TABLE query (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,        -- microseconds since 1970
  trace INTEGER NOT NULL,
  client INTEGER NOT NULL,
  name INTEGER NOT NULL,
  type INTEGER NOT NULL,      -- plus the class times 65536 where that is not IN
  disposition INTEGER NOT NULL,
  facts INTEGER NOT NULL,     -- see FactBits
  flow INTEGER NOT NULL,      -- microseconds until answered times 65536, plus the client's port
  verdict INTEGER,
  generation INTEGER NOT NULL);
CREATE INDEX query_threat ON query (disposition) WHERE disposition IN (2, 3);
CREATE TABLE segment (
  first_id INTEGER PRIMARY KEY,
  last_id INTEGER NOT NULL,
  min_at INTEGER NOT NULL,
  max_at INTEGER NOT NULL);
)sql";

// kMigrations[n] turns version n into n + 1.
constexpr const char* kMigrations[] = {kVersion1};
static_assert(std::size(kMigrations) == kSchemaVersion);

Result<void> migrate(Database& database, std::int64_t from) {
  for (std::int64_t version = from; version < kSchemaVersion; ++version) {
    const std::string script = "BEGIN IMMEDIATE;" +
                               std::string(kMigrations[static_cast<std::size_t>(version)]) +
                               "PRAGMA user_version = " + std::to_string(version + 1) + "; COMMIT;";
    POSTERN_CHECK(database.execute(script.c_str()));
  }
  return {};
}

// A look at each table's first page and at the ends of the rows: damage there shows at once.
Result<void> look_over(Database& database) {
  for (const std::string_view sql :
       {"SELECT count(*) FROM sqlite_master", "SELECT max(id) FROM query",
        "SELECT min(id) FROM query", "SELECT max(first_id) FROM segment",
        "SELECT max(id) FROM name", "SELECT max(id) FROM client", "SELECT max(id) FROM verdict"}) {
    POSTERN_CHECK(database.number(sql));
  }
  return {};
}

Result<void> prepare_file(Database& database) {
  const std::int64_t version = POSTERN_TRY(database.number("PRAGMA user_version"));
  if (version > kSchemaVersion) {
    return fail(Errc::invalid_input, "a newer version of this program wrote it (schema " +
                                         std::to_string(version) + ", known up to " +
                                         std::to_string(kSchemaVersion) +
                                         "); name another file or use that version");
  }
  const std::int64_t tables = POSTERN_TRY(database.number("SELECT count(*) FROM sqlite_master"));
  if (version == 0 && tables != 0) {
    return fail(Errc::invalid_input, "a database of something else; name another file");
  }
  if (version == 0) POSTERN_CHECK(database.execute(kBirth));
  POSTERN_CHECK(database.execute(kWriterSettings));
  POSTERN_CHECK(migrate(database, version));
  return look_over(database);
}

}  // namespace

Result<Database> open_for_writing(const std::string& path) {
  POSTERN_CHECK(sqlite::make_private(path));
  Database database = POSTERN_TRY(Database::open(path, Database::Access::create));
  sqlite3_busy_timeout(database.handle(), 2000);  // Another program may be looking at the file.
  auto prepared = prepare_file(database);
  if (!prepared) return Unexpected<Error>(std::move(prepared).error().context(path));
  return database;
}

Result<Database> open_for_reading(const std::string& path) {
  Database database = POSTERN_TRY(Database::open(path, Database::Access::read_only));
  sqlite3_busy_timeout(database.handle(), 1000);
  POSTERN_CHECK(database.execute(kReaderSettings));
  return database;
}

Result<void> set_companions_aside(const std::string& path, const std::string& aside) {
  for (const char* companion : {"-wal", "-shm"}) {
    if (std::rename((path + companion).c_str(), (aside + companion).c_str()) != 0 &&
        errno != ENOENT) {
      return Unexpected<Error>(system_error("rename " + path + companion, errno));
    }
  }
  return {};
}

Result<std::string> set_aside(const std::string& path, std::int64_t unix_time_s) {
  std::string aside = path + ".damaged-" + std::to_string(unix_time_s);
  POSTERN_CHECK(set_companions_aside(path, aside));
  if (std::rename(path.c_str(), aside.c_str()) != 0 && errno != ENOENT) {
    return Unexpected<Error>(system_error("rename " + path, errno));
  }
  return aside;
}

Result<Database> open_or_begin_anew(const std::string& path, std::int64_t unix_time_s, Log& log) {
  auto database = open_for_writing(path);
  if (database || database.error().code != Errc::corrupt) return database;
  const Error damage = database.error();
  database = Unexpected<Error>(Error{});  // Closed before it is renamed.
  const std::string aside = POSTERN_TRY(set_aside(path, unix_time_s));
  log.warning("journal", damage.text + "; set aside as " + aside + ", a new journal is begun");
  return open_for_writing(path);
}

}  // namespace postern::journal
