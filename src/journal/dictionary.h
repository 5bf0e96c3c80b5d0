// Dictionary: names, clients and verdicts as small numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "event/query.h"
#include "journal/id_cache.h"
#include "sqlite/sqlite.h"

namespace postern::journal {

using sqlite::Database;
using sqlite::Statement;

/// The small tables.
enum class Table : std::uint8_t { name, client, verdict };
inline constexpr std::size_t kTableCount = 3;

/// A set of ids: 512 of them to a block, blocks made as needed. Ids in use are mostly near
/// each other, so an id costs a few bits.
class IdSet {
 public:
  void insert(std::int64_t id);
  bool contains(std::int64_t id) const;
  void clear() { blocks_.clear(); }

 private:
  using Block = std::array<std::uint64_t, 8>;
  std::unordered_map<std::int64_t, Block> blocks_;
};

/// Ids that rows refer to, gathered while unused entries are sought.
using IdsInUse = std::array<IdSet, kTableCount>;

/// Gives ids, adding what is new to the tables. Used inside the writer's transaction; after a
/// rollback `forget` must be called, since ids given in it are void. One thread.
class Dictionary {
 public:
  static Result<Dictionary> open(Database& database, std::uint64_t seed);

  Result<std::int64_t> name_id(const dns::Name& name);
  Result<std::int64_t> client_id(const event::Query& query);
  /// Nothing where no zone had a say in the query.
  Result<std::optional<std::int64_t>> verdict_id(const event::Query& query);

  /// Drops what is remembered; the tables stay.
  void forget();
  /// From now on (null: no more) every id that is given is put into `in_use` too.
  void note_ids_in(IdsInUse* in_use) { in_use_ = in_use; }

 private:
  struct Entry {
    Statement insert;
    Statement select;
    IdCache ids;
  };
  Dictionary(Database& database, Entry names, Entry clients, Entry verdicts);

  // The parameters must be bound to both statements of the entry.
  Result<std::int64_t> store(Entry& entry, std::string_view cache_key);
  void note(Table table, std::int64_t id);

  Database* database_;
  Entry names_;
  Entry clients_;
  Entry verdicts_;
  IdsInUse* in_use_ = nullptr;
};

}  // namespace postern::journal
