#include "host/sweep_state.h"

#include <fmt/format.h>

#include "host/finding_octets.h"

namespace postern::host {
namespace {

constexpr const char* kSchema = R"(
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
PRAGMA temp_store=MEMORY;
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files(
  path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL,
  modified_ns INTEGER NOT NULL, changed INTEGER NOT NULL, changed_ns INTEGER NOT NULL,
  inode INTEGER NOT NULL, run INTEGER NOT NULL, findings BLOB NOT NULL) WITHOUT ROWID;
)";

std::int64_t integer(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

}  // namespace

Result<SweepState> SweepState::open(const std::string& path, std::string_view rules) {
  POSTERN_CHECK(sqlite::make_private(path));
  SweepState out;
  out.database_ = POSTERN_TRY(sqlite::Database::open(path, sqlite::Database::Access::read_write));
  POSTERN_CHECK(out.database_.execute(kSchema));
  auto said = POSTERN_TRY(out.database_.prepare("SELECT value FROM meta WHERE name='rules'"));
  const bool has_rules = POSTERN_TRY(said.step());
  const bool same = has_rules && said.text(0) == rules;
  said.reset();
  if (!same) {
    POSTERN_CHECK(out.database_.execute("DELETE FROM files"));
    auto keep = POSTERN_TRY(
        out.database_.prepare("INSERT OR REPLACE INTO meta(name, value) VALUES('rules', ?)"));
    keep.bind(1, rules);
    POSTERN_CHECK(keep.run());
  }
  out.run_ = 1 + POSTERN_TRY(out.database_.number("SELECT max(run) FROM files"));
  out.find_ = POSTERN_TRY(out.database_.prepare(
      "SELECT size, modified, modified_ns, changed, changed_ns, inode, findings FROM files "
      "WHERE path=?"));
  out.put_ = POSTERN_TRY(out.database_.prepare(
      "INSERT OR REPLACE INTO files(path, size, modified, modified_ns, changed, changed_ns, inode, "
      "run, findings) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  out.mark_ = POSTERN_TRY(out.database_.prepare("UPDATE files SET run=? WHERE path=?"));
  POSTERN_CHECK(out.begin());
  return out;
}

Result<void> SweepState::begin() {
  pending_ = 0;
  return database_.execute("BEGIN");
}

Result<void> SweepState::step() {
  if (++pending_ < kBatch) return {};
  POSTERN_CHECK(database_.execute("COMMIT"));
  return begin();
}

Result<std::optional<Examination>> SweepState::find(const FileKey& file) {
  const files::Metadata& now = file.metadata;
  const OctetView path = octets_of(file.path);
  find_.bind(1, path);
  if (!POSTERN_TRY(find_.step())) return std::nullopt;
  const bool same =
      find_.integer(0) == integer(now.size) && find_.integer(1) == now.modified.seconds &&
      find_.integer(2) == now.modified.nanoseconds && find_.integer(3) == now.changed.seconds &&
      find_.integer(4) == now.changed.nanoseconds && find_.integer(5) == integer(now.inode);
  auto examination = same ? examination_from(find_.octets(6)) : Result<Examination>(Examination());
  find_.reset();
  if (!same || !examination) return std::nullopt;
  mark_.bind(1, run_);
  mark_.bind(2, path);
  POSTERN_CHECK(mark_.run());
  POSTERN_CHECK(step());
  ++kept_;
  return std::optional(*std::move(examination));
}

Result<void> SweepState::put(const FileKey& file, const Examination& examination) {
  const files::Metadata& now = file.metadata;
  const Octets octets = octets_from(examination);
  put_.bind(1, octets_of(file.path));
  put_.bind(2, integer(now.size));
  put_.bind(3, now.modified.seconds);
  put_.bind(4, std::int64_t{now.modified.nanoseconds});
  put_.bind(5, now.changed.seconds);
  put_.bind(6, std::int64_t{now.changed.nanoseconds});
  put_.bind(7, integer(now.inode));
  put_.bind(8, run_);
  put_.bind(9, OctetView(octets));
  POSTERN_CHECK(put_.run());
  return step();
}

Result<void> SweepState::finish(std::string_view root) {
  // All paths that begin so, by the order of their octets.
  auto forget = POSTERN_TRY(
      database_.prepare("DELETE FROM files WHERE run<>? AND path>=? AND substr(path, 1, ?)=?"));
  forget.bind(1, run_);
  forget.bind(2, octets_of(root));
  forget.bind(3, static_cast<std::int64_t>(root.size()));
  forget.bind(4, octets_of(root));
  POSTERN_CHECK(forget.run());
  POSTERN_CHECK(database_.execute("COMMIT"));
  return begin();
}

}  // namespace postern::host
