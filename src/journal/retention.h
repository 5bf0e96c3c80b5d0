// Retention: removes what is too old or has no room any more, a bounded piece at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/time.h"
#include "journal/dictionary.h"
#include "sqlite/sqlite.h"

namespace postern::journal {

using sqlite::Database;
using sqlite::Statement;

/// How much is kept.
struct RetentionOptions {
  std::uint32_t days = 180;
  std::uint64_t max_octets = 4ULL << 30;    ///< At least kMinOctets is taken.
  std::int64_t sweep_after_rows = 500'000;  ///< Removed rows after which names are cleaned.

  static constexpr std::uint64_t kMinOctets = 8ULL << 20;
};

/// Works on the writer's connection, outside its transactions, on its thread.
///
/// Rows go by whole segments, oldest first. Pages that get free are used again, so the file
/// stops growing a little below the cap; a file over the cap (which was lowered) shrinks. Entries
/// of the small tables that no row refers to any more are found by reading the rows through once,
/// in pieces, now and then.
class Retention {
 public:
  static Result<Retention> open(Database& database, Dictionary& dictionary,
                                const RetentionOptions& options);

  /// One step: at most a segment of rows, or a few thousand entries, some 10 ms. True where
  /// there is more to do now. `open_segment` is the first id of the one being written; it stays.
  Result<bool> step(WallTime now, std::optional<std::int64_t> open_segment);

  /// As many steps as make room for the next batch, after a write met a full file.
  /// May remove the open segment too: the writer must begin another.
  Result<void> make_room();

  std::uint64_t rows_removed() const { return rows_removed_; }
  std::uint64_t entries_removed() const { return entries_removed_; }
  /// The size of the file as of the last step.
  std::uint64_t file_octets() const;

 private:
  enum class Phase : std::uint8_t { idle, reading, removing };

  struct Segment {
    std::int64_t first_id;
    std::int64_t last_id;
  };

  Retention(Database& database, Dictionary& dictionary, const RetentionOptions& options);

  Result<void> measure();
  bool over(std::int64_t pages) const { return page_count_ - free_pages_ > pages; }
  Result<std::optional<Segment>> oldest(std::int64_t before_us, std::optional<std::int64_t> open);
  Result<void> remove(const Segment& segment);
  Result<bool> step_for_room(std::optional<std::int64_t> open_segment);
  bool sweep_is_due(std::int64_t rows) const { return removed_since_sweep_ >= rows; }
  Result<void> begin_sweep();
  Result<void> step_sweep();
  Result<void> read_rows();
  Result<void> remove_entries();

  Database* database_;
  Dictionary* dictionary_;
  RetentionOptions options_;
  std::int64_t cap_pages_;
  std::int64_t headroom_pages_;
  std::int64_t page_count_ = 0;
  std::int64_t free_pages_ = 0;
  std::uint64_t rows_removed_ = 0;
  std::uint64_t entries_removed_ = 0;
  std::int64_t removed_since_sweep_ = 0;

  Phase phase_ = Phase::idle;
  std::unique_ptr<IdsInUse> in_use_;  // Also noted in by the dictionary: does not move.
  std::array<std::int64_t, kTableCount> last_id_{};  // Entries made later are not looked at.
  std::int64_t next_row_ = 0;
  std::int64_t last_row_ = 0;
  std::size_t table_ = 0;
  std::int64_t next_entry_ = 0;
};

}  // namespace postern::journal
