#include "state/schema.h"

#include <iterator>
#include <utility>

namespace postern::state {
namespace {

// A change that was told to be done is on the disk: there are few.
constexpr char kSettings[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST;"
    "PRAGMA journal_size_limit = 1048576;";

constexpr char kVersion1[] = R"sql(
CREATE TABLE exception (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  covers_below INTEGER NOT NULL,
  allows INTEGER NOT NULL,
  audience INTEGER NOT NULL,       -- policy::Audience::Kind
  audience_name TEXT NOT NULL,     -- of a tenant or group; of clients their prefix
  since INTEGER NOT NULL,          -- microseconds since 1970
  until INTEGER NOT NULL,
  owner TEXT NOT NULL,
  reason TEXT NOT NULL,
  UNIQUE (name, covers_below, allows, audience, audience_name));
CREATE INDEX exception_until ON exception (until);
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,             -- microseconds since 1970
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  before TEXT,
  after TEXT,
  reason TEXT NOT NULL);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
)sql";

// kMigrations[n] turns version n into n + 1.
constexpr const char* kMigrations[] = {kVersion1};
static_assert(std::size(kMigrations) == kSchemaVersion);

Result<void> prepare(sqlite::Database& database, std::uint64_t max_octets) {
  const std::int64_t version = POSTERN_TRY(database.number("PRAGMA user_version"));
  if (version > kSchemaVersion) {
    return fail(Errc::invalid_input, "a newer version of this program wrote it (schema " +
                                         std::to_string(version) + ", known up to " +
                                         std::to_string(kSchemaVersion) + "); use that version");
  }
  const std::int64_t tables = POSTERN_TRY(database.number("SELECT count(*) FROM sqlite_master"));
  if (version == 0 && tables != 0) {
    return fail(Errc::invalid_input, "a database of something else; move it away");
  }
  POSTERN_CHECK(database.execute(kSettings));
  const std::int64_t page = POSTERN_TRY(database.number("PRAGMA page_size"));
  const auto pages = static_cast<std::int64_t>(max_octets) / page;
  POSTERN_CHECK(database.number("PRAGMA max_page_count = " + std::to_string(pages)));
  for (std::int64_t at = version; at < kSchemaVersion; ++at) {
    const std::string script = "BEGIN IMMEDIATE;" +
                               std::string(kMigrations[static_cast<std::size_t>(at)]) +
                               "PRAGMA user_version = " + std::to_string(at + 1) + "; COMMIT;";
    POSTERN_CHECK(database.execute(script.c_str()));
  }
  // Small enough to be read through: damage shows now, not when somebody is in need.
  sqlite::Statement check = POSTERN_TRY(database.prepare("PRAGMA quick_check(1)"));
  if (POSTERN_TRY(check.step()) && check.text(0) != "ok") {
    return fail(Errc::corrupt, "damaged: " + std::string(check.text(0)));
  }
  return {};
}

}  // namespace

Result<sqlite::Database> open_state(const std::string& path, std::uint64_t max_octets) {
  if (!path.empty()) POSTERN_CHECK(sqlite::make_private(path));
  auto database = POSTERN_TRY(sqlite::Database::open(path, sqlite::Database::Access::create));
  sqlite3_busy_timeout(database.handle(), 2000);  // Another program may be looking at the file.
  auto prepared = prepare(database, max_octets);
  if (!prepared) return Unexpected<Error>(std::move(prepared).error().context(path));
  return database;
}

}  // namespace postern::state
