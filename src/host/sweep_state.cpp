#include "host/sweep_state.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include "files/path.h"
#include "host/file_kinds.h"

namespace postern::host {
namespace {

using exchange::Change;
using exchange::FileFate;

/// Of the tables; a file with another one is begun anew.
constexpr std::int64_t kForm = 2;

constexpr std::chrono::seconds kMostUnwritten{1};

// `base` is the stamp that the file had in the last sweep that was completed; NULL where it had
// none. `findings` are empty where the file could not be looked at, or by other rules.
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files(
  path BLOB PRIMARY KEY, stamp TEXT NOT NULL, judged TEXT NOT NULL, run INTEGER NOT NULL,
  base TEXT, findings BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sweeps(
  server BLOB PRIMARY KEY, case_id TEXT NOT NULL, ended INTEGER NOT NULL,
  rules TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS findings(
  server BLOB NOT NULL, number INTEGER NOT NULL, first_found INTEGER NOT NULL,
  last_found INTEGER NOT NULL, octets BLOB NOT NULL,
  PRIMARY KEY(server, number)) WITHOUT ROWID;
)";

std::string stamp_of(const files::Metadata& file) {
  return fmt::format("{} {}.{} {}.{} {}", file.size, file.modified.seconds,
                     file.modified.nanoseconds, file.changed.seconds, file.changed.nanoseconds,
                     file.inode);
}

std::int64_t number_of(WallTime at) {
  return at.time_since_epoch().count();
}

WallTime time_of(std::int64_t number) {
  return WallTime(microseconds(number));
}

Result<FileDescriptor> lock(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return Unexpected<Error>(system_error("open " + path, errno));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return Unexpected<Error>(system_error("lock " + path, errno));
  return fail(Errc::unavailable,
              fmt::format("{} is in use by another sweep: wait for it, or give this one another "
                          "folder (--data)",
                          path));
}

/// All paths that begin so, by the order of their octets: `>=` lets the index find the first.
constexpr std::string_view kBeneath = "path>=?1 AND substr(path, 1, ?2)=?1";

}  // namespace

std::string state_key(std::string_view root, std::string_view path) {
  return fmt::format("{}\n{}", root, path);
}

Result<SweepState> SweepState::open(const std::string& path, std::string_view rules) {
  SweepState out;
  out.rules_ = rules;
  out.lock_ = POSTERN_TRY(lock(path + ".lock"));
  POSTERN_CHECK(sqlite::make_private(path));
  out.database_ = POSTERN_TRY(sqlite::Database::open(path, sqlite::Database::Access::read_write));
  sqlite::Database& database = out.database_;
  POSTERN_CHECK(
      database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                       "PRAGMA temp_store=MEMORY;"));
  if (POSTERN_TRY(database.number("PRAGMA user_version")) != kForm) {
    POSTERN_CHECK(
        database.execute("BEGIN; DROP TABLE IF EXISTS files; DROP TABLE IF EXISTS meta; "
                         "DROP TABLE IF EXISTS sweeps; DROP TABLE IF EXISTS findings;"));
    POSTERN_CHECK(database.execute(kSchema));
    POSTERN_CHECK(database.execute(fmt::format("PRAGMA user_version={}; COMMIT", kForm).c_str()));
  }
  POSTERN_CHECK(out.prepare());
  POSTERN_CHECK(out.begin());
  return out;
}

Result<void> SweepState::prepare() {
  auto said = POSTERN_TRY(database_.prepare("SELECT value FROM meta WHERE name='rules'"));
  const bool has_rules = POSTERN_TRY(said.step());
  const bool same = has_rules && said.text(0) == rules_;
  said.reset();
  if (!same) {
    POSTERN_CHECK(database_.execute("BEGIN; UPDATE files SET findings=x''"));
    auto keep = POSTERN_TRY(
        database_.prepare("INSERT OR REPLACE INTO meta(name, value) VALUES('rules', ?)"));
    keep.bind(1, std::string_view(rules_));
    POSTERN_CHECK(keep.run());
    POSTERN_CHECK(database_.execute("COMMIT"));
  }
  run_ = 1 + POSTERN_TRY(database_.number("SELECT max(run) FROM files"));
  find_ = POSTERN_TRY(database_.prepare("SELECT stamp, judged, findings FROM files WHERE path=?"));
  put_ = POSTERN_TRY(database_.prepare(
      "INSERT INTO files(path, stamp, judged, run, base, findings) VALUES(?, ?, ?, ?, NULL, ?) "
      "ON CONFLICT(path) DO UPDATE SET stamp=excluded.stamp, judged=excluded.judged, "
      "run=excluded.run, findings=excluded.findings"));
  mark_ = POSTERN_TRY(database_.prepare("UPDATE files SET run=? WHERE path=?"));
  fate_ = POSTERN_TRY(
      database_.prepare("SELECT stamp, base, run, length(findings) FROM files WHERE path=?"));
  return {};
}

Result<void> SweepState::begin() {
  pending_ = 0;
  begun_ = std::chrono::steady_clock::now();
  return database_.execute("BEGIN");
}

Result<void> SweepState::step() {
  const bool is_due =
      ++pending_ >= kBatch || std::chrono::steady_clock::now() - begun_ >= kMostUnwritten;
  return is_due ? flush() : Result<void>();
}

Result<void> SweepState::flush() {
  POSTERN_CHECK(database_.execute("COMMIT"));
  return begin();
}

Result<std::optional<Examination>> SweepState::find(const FileKey& file) {
  const OctetView path = octets_of(file.path);
  find_.bind(1, path);
  if (!POSTERN_TRY(find_.step())) return std::nullopt;
  const bool same = find_.text(0) == stamp_of(file.metadata) && find_.text(1) == file.judged;
  auto examination = same ? examination_from(find_.octets(2)) : Result<Examination>(Examination());
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
  return write(file, octets_from(examination));
}

Result<void> SweepState::put_unread(const FileKey& file) {
  return write(file, {});
}

Result<void> SweepState::write(const FileKey& file, OctetView findings) {
  const std::string stamp = stamp_of(file.metadata);
  put_.bind(1, octets_of(file.path));
  put_.bind(2, std::string_view(stamp));
  put_.bind(3, file.judged);
  put_.bind(4, run_);
  put_.bind(5, findings);
  POSTERN_CHECK(put_.run());
  return step();
}

Result<exchange::RootChanges> SweepState::changes(std::string_view root_path) {
  const std::string root = state_key(root_path, "");
  exchange::RootChanges out;
  out.root = root_path;
  out.is_first = true;
  std::vector<exchange::RootChanges::Named> logs;
  auto all = POSTERN_TRY(database_.prepare(
      fmt::format("SELECT path, stamp, base, run FROM files WHERE {} ORDER BY path", kBeneath)));
  all.bind(1, octets_of(root));
  all.bind(2, static_cast<std::int64_t>(root.size()));
  while (POSTERN_TRY(all.step())) {
    const std::string_view path = all.text(0).substr(root.size());
    // What is kept beside a file, of its archive.
    if (path.find('\n') != std::string_view::npos) continue;
    const bool was_there = !all.is_null(2);
    const bool is_there = all.integer(3) == run_;
    out.is_first = out.is_first && !was_there;
    if (!was_there && !is_there) continue;
    const Change change = !is_there                    ? Change::gone
                          : !was_there                 ? Change::fresh
                          : all.text(1) == all.text(2) ? Change::same
                                                       : Change::changed;
    if (change == Change::same) {
      ++out.same;
      continue;
    }
    ++(change == Change::gone ? out.gone : change == Change::fresh ? out.fresh : out.changed);
    const FileKind kind = kind_of(path);
    const bool is_log = kind == FileKind::log || kind == FileKind::event_log;
    auto& list = is_log ? logs : out.named;
    if (list.size() < exchange::RootChanges::kMaxNamed) list.push_back({std::string(path), change});
  }
  const std::size_t room = exchange::RootChanges::kMaxNamed - out.named.size();
  std::ranges::move(logs.begin(),
                    logs.begin() + static_cast<std::ptrdiff_t>(std::min(room, logs.size())),
                    std::back_inserter(out.named));
  return out;
}

FileFate SweepState::fate(std::string_view path) {
  fate_.bind(1, octets_of(path));
  const auto row = fate_.step();
  if (!row || !*row) return FileFate::unknown;
  const bool is_there = fate_.integer(2) == run_;
  const bool is_same = !fate_.is_null(1) && fate_.text(0) == fate_.text(1);
  const bool is_read = fate_.integer(3) != 0;
  fate_.reset();
  if (!is_there) return FileFate::gone;
  if (!is_read) return FileFate::not_examined;
  return is_same ? FileFate::same : FileFate::changed;
}

Result<std::optional<exchange::EarlierSweep>> SweepState::last(std::string_view server) {
  auto sweep =
      POSTERN_TRY(database_.prepare("SELECT case_id, ended, rules FROM sweeps WHERE server=?"));
  sweep.bind(1, octets_of(server));
  if (!POSTERN_TRY(sweep.step())) return std::nullopt;
  exchange::EarlierSweep out;
  out.case_id = sweep.text(0);
  out.ended = time_of(sweep.integer(1));
  out.same_rules = sweep.text(2) == rules_;
  auto findings = POSTERN_TRY(database_.prepare(
      "SELECT first_found, last_found, octets FROM findings WHERE server=? ORDER BY number"));
  findings.bind(1, octets_of(server));
  while (POSTERN_TRY(findings.step())) {
    Examination one = POSTERN_TRY(examination_from(findings.octets(2)));
    if (one.findings.size() != 1) return fail(Errc::corrupt, "no finding where one was kept");
    out.findings.push_back({std::move(one.findings.front()), time_of(findings.integer(0)),
                            time_of(findings.integer(1))});
  }
  return std::optional(std::move(out));
}

Result<void> SweepState::complete(std::span<const std::string> roots,
                                  std::span<const ServerRecord> servers) {
  // All of it or nothing: what was put until now is written by itself first.
  POSTERN_CHECK(flush());
  for (const std::string& root : roots) POSTERN_CHECK(complete_root(root));
  for (const ServerRecord& record : servers) POSTERN_CHECK(keep_server(record));
  return flush();
}

Result<void> SweepState::complete_root(const std::string& root_path) {
  const std::string root = state_key(root_path, "");
  const auto run = [&](std::string_view sql) -> Result<void> {
    auto statement = POSTERN_TRY(database_.prepare(fmt::format("{} AND {}", sql, kBeneath)));
    statement.bind(1, octets_of(root));
    statement.bind(2, static_cast<std::int64_t>(root.size()));
    return statement.run();
  };
  POSTERN_CHECK(run(fmt::format("DELETE FROM files WHERE run<>{}", run_)));
  return run("UPDATE files SET base=stamp WHERE base IS NOT stamp");
}

Result<void> SweepState::keep_server(const ServerRecord& record) {
  auto sweep = POSTERN_TRY(database_.prepare(
      "INSERT OR REPLACE INTO sweeps(server, case_id, ended, rules) VALUES(?, ?, ?, ?)"));
  sweep.bind(1, octets_of(record.server));
  sweep.bind(2, std::string_view(record.case_id));
  sweep.bind(3, number_of(record.ended));
  sweep.bind(4, std::string_view(rules_));
  POSTERN_CHECK(sweep.run());
  auto forget = POSTERN_TRY(database_.prepare("DELETE FROM findings WHERE server=?"));
  forget.bind(1, octets_of(record.server));
  POSTERN_CHECK(forget.run());
  auto keep = POSTERN_TRY(
      database_.prepare("INSERT INTO findings(server, number, first_found, last_found, octets) "
                        "VALUES(?, ?, ?, ?, ?)"));
  std::int64_t number = 0;
  for (const exchange::KeptFinding& kept : record.findings) {
    const Octets octets = octets_from({.findings = {kept.finding}, .facts = {}});
    keep.bind(1, octets_of(record.server));
    keep.bind(2, number++);
    keep.bind(3, number_of(kept.first_found));
    keep.bind(4, number_of(kept.last_found));
    keep.bind(5, OctetView(octets));
    POSTERN_CHECK(keep.run());
  }
  return {};
}

}  // namespace postern::host
