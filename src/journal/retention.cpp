#include "journal/retention.h"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "journal/schema.h"

namespace postern::journal {
namespace {

constexpr std::int64_t kMaxHeadroomPages = 2048;  // 16 MB: many commits.
constexpr std::int64_t kVacuumPages = 256;
constexpr std::int64_t kRowsAStep = 65'536;    // Reading 50 ns each.
constexpr std::int64_t kEntriesAStep = 8'192;  // Removing 2 µs each.
constexpr int kMaxRoomSteps = 10'000;

constexpr std::array<std::string_view, kTableCount> kTables = {"name", "client", "verdict"};

// A transaction that ends with this object: undone unless `commit` was called.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database) {
    POSTERN_CHECK(database.execute("BEGIN IMMEDIATE"));
    return Transaction(database);
  }
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction() {
    if (database_ != nullptr) static_cast<void>(database_->execute("ROLLBACK"));
  }

  Result<void> commit() {
    POSTERN_CHECK(database_->execute("COMMIT"));
    database_ = nullptr;
    return {};
  }

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace

Retention::Retention(Database& database, Dictionary& dictionary, const RetentionOptions& options)
    : database_(&database), dictionary_(&dictionary), options_(options) {
  const std::uint64_t octets = std::max(options.max_octets, RetentionOptions::kMinOctets);
  cap_pages_ = static_cast<std::int64_t>(octets / static_cast<std::uint64_t>(kPageOctets));
  headroom_pages_ = std::min(cap_pages_ / 4, kMaxHeadroomPages);
}

Result<Retention> Retention::open(Database& database, Dictionary& dictionary,
                                  const RetentionOptions& options) {
  Retention retention(database, dictionary, options);
  POSTERN_CHECK(retention.measure());
  return retention;
}

std::uint64_t Retention::file_octets() const {
  return static_cast<std::uint64_t>(page_count_ * kPageOctets);
}

Result<void> Retention::measure() {
  page_count_ = POSTERN_TRY(database_->number("PRAGMA page_count"));
  free_pages_ = POSTERN_TRY(database_->number("PRAGMA freelist_count"));
  // The hard bound behind the soft one. SQLite takes no less than the file has already.
  POSTERN_CHECK(database_->number("PRAGMA max_page_count = " + std::to_string(cap_pages_)));
  return {};
}

Result<bool> Retention::step(WallTime now, std::optional<std::int64_t> open_segment) {
  POSTERN_CHECK(measure());
  const WallTime cutoff = now - std::chrono::days(options_.days);
  if (const auto segment = POSTERN_TRY(oldest(cutoff.time_since_epoch().count(), open_segment))) {
    POSTERN_CHECK(remove(*segment));
    return true;
  }
  if (over(cap_pages_ - headroom_pages_) && POSTERN_TRY(step_for_room(open_segment))) return true;
  if (page_count_ > cap_pages_ && free_pages_ > 0) {
    const std::string sql = "PRAGMA incremental_vacuum(" + std::to_string(kVacuumPages) + ")";
    POSTERN_CHECK(database_->execute(sql.c_str()));
    return true;
  }
  if (phase_ == Phase::idle && sweep_is_due(options_.sweep_after_rows)) {
    POSTERN_CHECK(begin_sweep());
  }
  if (phase_ == Phase::idle) return false;
  POSTERN_CHECK(step_sweep());
  return phase_ != Phase::idle;
}

Result<void> Retention::make_room() {
  for (int i = 0; i < kMaxRoomSteps; ++i) {
    POSTERN_CHECK(measure());
    if (!over(cap_pages_ / 2)) return {};  // Half of the least cap holds any batch.
    if (!POSTERN_TRY(step_for_room(std::nullopt))) break;
  }
  return fail(Errc::limit_exceeded, "nothing left to remove");
}

// Rows first. If a quarter went already and the file is still full, it is full of names.
Result<bool> Retention::step_for_room(std::optional<std::int64_t> open_segment) {
  const std::int64_t rows =
      POSTERN_TRY(database_->number("SELECT max(last_id) - min(first_id) FROM segment"));
  const std::int64_t quarter = std::max(rows / 4, std::int64_t{1});
  if (phase_ == Phase::idle && sweep_is_due(std::min(options_.sweep_after_rows, quarter))) {
    POSTERN_CHECK(begin_sweep());
  }
  if (phase_ != Phase::idle) {
    POSTERN_CHECK(step_sweep());
    return true;
  }
  const auto segment = POSTERN_TRY(oldest(std::numeric_limits<std::int64_t>::max(), open_segment));
  if (!segment) return false;
  POSTERN_CHECK(remove(*segment));
  return true;
}

Result<std::optional<Retention::Segment>> Retention::oldest(std::int64_t before_us,
                                                            std::optional<std::int64_t> open) {
  Statement select = POSTERN_TRY(database_->prepare(
      "SELECT first_id, last_id FROM segment WHERE max_at < ?1 AND first_id <> ?2"
      " ORDER BY first_id LIMIT 1"));
  select.bind(1, before_us);
  select.bind(2, open.value_or(-1));
  if (!POSTERN_TRY(select.step())) return std::nullopt;
  return Segment{select.integer(0), select.integer(1)};
}

Result<void> Retention::remove(const Segment& segment) {
  Transaction transaction = POSTERN_TRY(Transaction::begin(*database_));
  Statement rows = POSTERN_TRY(database_->prepare("DELETE FROM query WHERE id BETWEEN ?1 AND ?2"));
  rows.bind(1, segment.first_id);
  rows.bind(2, segment.last_id);
  POSTERN_CHECK(rows.run());
  const std::int64_t removed = database_->changes();
  Statement entry = POSTERN_TRY(database_->prepare("DELETE FROM segment WHERE first_id = ?1"));
  entry.bind(1, segment.first_id);
  POSTERN_CHECK(entry.run());
  POSTERN_CHECK(transaction.commit());
  rows_removed_ += static_cast<std::uint64_t>(removed);
  removed_since_sweep_ += removed;
  return {};
}

Result<void> Retention::begin_sweep() {
  removed_since_sweep_ = 0;
  for (std::size_t table = 0; table < kTableCount; ++table) {
    last_id_[table] =
        POSTERN_TRY(database_->number("SELECT max(id) FROM " + std::string(kTables[table])));
  }
  next_row_ = POSTERN_TRY(database_->number("SELECT min(id) FROM query"));
  last_row_ = POSTERN_TRY(database_->number("SELECT max(id) FROM query"));
  in_use_ = std::make_unique<IdsInUse>();
  dictionary_->note_ids_in(in_use_.get());
  phase_ = Phase::reading;
  return {};
}

Result<void> Retention::step_sweep() {
  return phase_ == Phase::reading ? read_rows() : remove_entries();
}

Result<void> Retention::read_rows() {
  Statement select = POSTERN_TRY(
      database_->prepare("SELECT name, client, verdict FROM query WHERE id >= ?1 AND id < ?2"));
  select.bind(1, next_row_);
  select.bind(2, next_row_ + kRowsAStep);
  while (POSTERN_TRY(select.step())) {
    for (std::size_t table = 0; table < kTableCount; ++table) {
      const int column = static_cast<int>(table);
      if (!select.is_null(column)) (*in_use_)[table].insert(select.integer(column));
    }
  }
  next_row_ += kRowsAStep;
  if (next_row_ <= last_row_) return {};
  // An id that is remembered but about to be removed must not be given any more.
  dictionary_->forget();
  phase_ = Phase::removing;
  table_ = 0;
  next_entry_ = 0;
  return {};
}

Result<void> Retention::remove_entries() {
  const std::string table(kTables[table_]);
  std::vector<std::int64_t> unused;
  Statement select = POSTERN_TRY(database_->prepare(
      "SELECT id FROM " + table + " WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3"));
  select.bind(1, next_entry_);
  select.bind(2, last_id_[table_]);
  select.bind(3, kEntriesAStep);
  bool at_end = true;
  while (POSTERN_TRY(select.step())) {
    at_end = false;
    next_entry_ = select.integer(0);
    if (!(*in_use_)[table_].contains(next_entry_)) unused.push_back(next_entry_);
  }
  if (!unused.empty()) {
    Transaction transaction = POSTERN_TRY(Transaction::begin(*database_));
    Statement remove = POSTERN_TRY(database_->prepare("DELETE FROM " + table + " WHERE id = ?1"));
    for (const std::int64_t id : unused) {
      remove.bind(1, id);
      POSTERN_CHECK(remove.run());
    }
    POSTERN_CHECK(transaction.commit());
    entries_removed_ += unused.size();
  }
  if (!at_end) return {};
  next_entry_ = 0;
  if (++table_ < kTableCount) return {};
  dictionary_->note_ids_in(nullptr);
  in_use_.reset();
  phase_ = Phase::idle;
  return {};
}

}  // namespace postern::journal
