#include "journal/dictionary.h"

#include <string_view>
#include <utility>

#include "journal/name_key.h"

namespace postern::journal {
namespace {

// About 20 MB when full. The names asked in minutes, not in days: one that was forgotten
// costs a look into the table, 2 µs.
constexpr std::size_t kNamesRemembered = 131'072;
constexpr std::size_t kClientsRemembered = 16'384;
constexpr std::size_t kVerdictsRemembered = 16'384;

constexpr int kBlockShift = 9;  // 512 ids.

// Fields one after another, each with its size before it, so that no two lists are alike.
void append_field(std::string& key, std::string_view field) {
  key += static_cast<char>(field.size());
  key += field;
}

}  // namespace

void IdSet::insert(std::int64_t id) {
  Block& block = blocks_[id >> kBlockShift];
  block[static_cast<std::size_t>(id >> 6) & 7] |= 1ULL << (id & 63);
}

bool IdSet::contains(std::int64_t id) const {
  const auto block = blocks_.find(id >> kBlockShift);
  if (block == blocks_.end()) return false;
  return (block->second[static_cast<std::size_t>(id >> 6) & 7] >> (id & 63) & 1) != 0;
}

Dictionary::Dictionary(Database& database, Entry names, Entry clients, Entry verdicts)
    : database_(&database),
      names_(std::move(names)),
      clients_(std::move(clients)),
      verdicts_(std::move(verdicts)) {}

Result<Dictionary> Dictionary::open(Database& database, std::uint64_t seed) {
  Entry names{
      POSTERN_TRY(database.prepare("INSERT INTO name (key) VALUES (?1) ON CONFLICT DO NOTHING")),
      POSTERN_TRY(database.prepare("SELECT id FROM name WHERE key = ?1")),
      IdCache(kNamesRemembered, seed)};
  Entry clients{
      POSTERN_TRY(database.prepare("INSERT INTO client (address, group_name) VALUES (?1, ?2)"
                                   " ON CONFLICT DO NOTHING")),
      POSTERN_TRY(database.prepare("SELECT id FROM client WHERE address = ?1 AND group_name = ?2")),
      IdCache(kClientsRemembered, seed)};
  Entry verdicts{
      POSTERN_TRY(database.prepare("INSERT INTO verdict (zone, action, rule, kind, line)"
                                   " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING")),
      POSTERN_TRY(database.prepare("SELECT id FROM verdict WHERE zone = ?1 AND action = ?2"
                                   " AND rule = ?3 AND kind = ?4 AND line = ?5")),
      IdCache(kVerdictsRemembered, seed)};
  return Dictionary(database, std::move(names), std::move(clients), std::move(verdicts));
}

Result<std::int64_t> Dictionary::store(Entry& entry, std::string_view cache_key) {
  POSTERN_CHECK(entry.insert.run());
  std::int64_t id = database_->last_id();
  if (database_->changes() == 0) {
    if (!POSTERN_TRY(entry.select.step())) return fail(Errc::corrupt, "an index lacks an entry");
    id = entry.select.integer(0);
    entry.select.reset();
  }
  entry.ids.insert(cache_key, id);
  return id;
}

void Dictionary::note(Table table, std::int64_t id) {
  if (in_use_ != nullptr) (*in_use_)[static_cast<std::size_t>(table)].insert(id);
}

Result<std::int64_t> Dictionary::name_id(const dns::Name& name) {
  // The wire form serves as the cache's key: it is at hand, the stored key has to be made.
  const std::string_view wire = text_of(name.wire());
  std::optional<std::int64_t> id = names_.ids.find(wire);
  if (!id) {
    const NameKey key(name);
    names_.insert.bind(1, key.octets());
    names_.select.bind(1, key.octets());
    id = POSTERN_TRY(store(names_, wire));
  }
  note(Table::name, *id);
  return *id;
}

Result<std::int64_t> Dictionary::client_id(const event::Query& query) {
  std::string cache_key;
  append_field(cache_key, text_of(query.client.octets()));
  append_field(cache_key, query.group.view());
  std::optional<std::int64_t> id = clients_.ids.find(cache_key);
  if (!id) {
    for (Statement* statement : {&clients_.insert, &clients_.select}) {
      statement->bind(1, query.client.octets());
      statement->bind(2, query.group.view());
    }
    id = POSTERN_TRY(store(clients_, cache_key));
  }
  note(Table::client, *id);
  return *id;
}

Result<std::optional<std::int64_t>> Dictionary::verdict_id(const event::Query& query) {
  if (!query.has_matched && query.zone.empty() && query.action.empty()) return std::nullopt;
  const NameKey rule(query.has_matched ? query.matched : dns::Name());
  const int kind = query.has_matched ? (query.matched_wildcard ? 2 : 1) : 0;
  std::string cache_key;
  append_field(cache_key, query.zone.view());
  append_field(cache_key, query.action.view());
  append_field(cache_key, text_of(rule.octets()));
  append_field(cache_key, std::to_string(kind));
  append_field(cache_key, std::to_string(query.rule_line));
  std::optional<std::int64_t> id = verdicts_.ids.find(cache_key);
  if (!id) {
    for (Statement* statement : {&verdicts_.insert, &verdicts_.select}) {
      statement->bind(1, query.zone.view());
      statement->bind(2, query.action.view());
      statement->bind(3, rule.octets());
      statement->bind(4, kind);
      statement->bind(5, query.rule_line);
    }
    id = POSTERN_TRY(store(verdicts_, cache_key));
  }
  note(Table::verdict, *id);
  return id;
}

void Dictionary::forget() {
  names_.ids.clear();
  clients_.ids.clear();
  verdicts_.ids.clear();
}

}  // namespace postern::journal
