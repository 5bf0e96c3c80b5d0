#include "survey/survey_state.h"

#include <utility>

namespace postern::survey {
namespace {

constexpr const char* kSchema = R"(
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
CREATE TABLE IF NOT EXISTS domains(
  name TEXT PRIMARY KEY, at INTEGER NOT NULL, snapshot BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lists(source TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS members(
  source TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY(source, name)) WITHOUT ROWID;
)";

std::int64_t stored(WallTime at) {
  return at.time_since_epoch().count();
}

}  // namespace

Result<SurveyState> SurveyState::open(const std::string& path) {
  POSTERN_CHECK(sqlite::make_private(path));
  SurveyState out;
  out.database_ = POSTERN_TRY(sqlite::Database::open(path, sqlite::Database::Access::read_write));
  POSTERN_CHECK(out.database_.execute(kSchema));
  out.find_ = POSTERN_TRY(out.database_.prepare("SELECT snapshot FROM domains WHERE name=?"));
  out.put_ = POSTERN_TRY(
      out.database_.prepare("INSERT OR REPLACE INTO domains(name, at, snapshot) VALUES(?, ?, ?)"));
  return out;
}

Result<std::optional<exposure::Snapshot>> SurveyState::find(std::string_view domain) {
  find_.bind(1, domain);
  if (!POSTERN_TRY(find_.step())) return std::nullopt;
  auto snapshot = exposure::snapshot_from_text(text_of(find_.octets(0)));
  find_.reset();
  if (!snapshot) return std::nullopt;
  return std::optional(*std::move(snapshot));
}

Result<void> SurveyState::put(std::string_view domain, const exposure::Snapshot& snapshot,
                              WallTime at) {
  const std::string text = exposure::to_text(snapshot);
  put_.bind(1, domain);
  put_.bind(2, stored(at));
  put_.bind(3, octets_of(text));
  return put_.run();
}

Result<std::vector<std::string>> SurveyState::members(std::string_view source) {
  auto select =
      POSTERN_TRY(database_.prepare("SELECT name FROM members WHERE source=? ORDER BY name"));
  select.bind(1, source);
  std::vector<std::string> out;
  while (POSTERN_TRY(select.step())) out.emplace_back(select.text(0));
  return out;
}

Result<std::optional<WallTime>> SurveyState::last_run(std::string_view source) {
  auto select = POSTERN_TRY(database_.prepare("SELECT at FROM lists WHERE source=?"));
  select.bind(1, source);
  if (!POSTERN_TRY(select.step())) return std::nullopt;
  return std::optional(WallTime(microseconds(select.integer(0))));
}

Result<void> SurveyState::finish(std::string_view source, const std::vector<std::string>& domains,
                                 WallTime at) {
  POSTERN_CHECK(database_.execute("BEGIN IMMEDIATE"));
  auto forget = POSTERN_TRY(database_.prepare("DELETE FROM members WHERE source=?"));
  forget.bind(1, source);
  POSTERN_CHECK(forget.run());
  auto add = POSTERN_TRY(database_.prepare("INSERT INTO members(source, name) VALUES(?, ?)"));
  for (const std::string& domain : domains) {
    add.bind(1, source);
    add.bind(2, domain);
    POSTERN_CHECK(add.run());
  }
  auto mark =
      POSTERN_TRY(database_.prepare("INSERT OR REPLACE INTO lists(source, at) VALUES(?, ?)"));
  mark.bind(1, source);
  mark.bind(2, stored(at));
  POSTERN_CHECK(mark.run());
  return database_.execute("COMMIT");
}

}  // namespace postern::survey
