// Store: the writing side of the database, without threads: batches in, retention between them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "event/query.h"
#include "journal/dictionary.h"
#include "journal/retention.h"
#include "sqlite/sqlite.h"

namespace postern::journal {

using sqlite::Database;
using sqlite::Statement;

struct StoreOptions {
  std::string path;
  RetentionOptions retention;
  std::uint64_t seed = 0;  ///< Keys the hash of the dictionaries' caches.
  std::int64_t segment_rows = 8192;
  std::chrono::microseconds segment_span{std::chrono::hours(1)};
};

/// One thread. After any error of begin, add or commit the caller rolls back; nothing of the
/// batch is then stored, and it may be tried again.
class Store {
 public:
  /// Opens or makes the file; a damaged one is set aside. Reads no records.
  static Result<std::unique_ptr<Store>> open(const StoreOptions& options, WallTime now, Log& log);
  /// For `open`.
  Store(StoreOptions options, Database database);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  Result<void> begin();
  /// About 2.5 µs.
  Result<void> add(const event::Query& query);
  Result<void> commit();
  void rollback();

  /// A bounded step of retention; true where there is more. Not between begin and commit.
  Result<bool> tidy(WallTime now);
  /// Frees pages after `limit_exceeded`. Not between begin and commit.
  Result<void> make_room();

  /// See Database.
  bool has_lost_its_file() const { return database_.has_lost_its_file(); }
  const Retention& retention() const { return *retention_; }

 private:
  // A run of rows that retention and searches by time treat as one.
  struct Segment {
    std::int64_t first_id;
    std::int64_t last_id;
    std::int64_t min_at;
    std::int64_t max_at;
  };

  Result<void> prepare();
  Result<void> note_in_segment(std::int64_t id, std::int64_t at_us);
  Result<void> write_segment();

  StoreOptions options_;
  Database database_;
  std::optional<Dictionary> dictionary_;
  std::optional<Retention> retention_;
  Statement begin_;
  Statement commit_;
  Statement insert_;
  Statement put_segment_;
  std::int64_t next_id_ = 1;
  std::int64_t next_id_at_begin_ = 1;
  std::optional<Segment> segment_;
};

}  // namespace postern::journal
