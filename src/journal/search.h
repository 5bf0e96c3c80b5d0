// Search: Filters as SQL, on one read-only connection with a time budget.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "journal/journal.h"
#include "sqlite/sqlite.h"

namespace postern::journal {

using sqlite::Database;
using sqlite::Statement;

/// Timelines have at most this many points; a longer one is `limit_exceeded`.
inline constexpr std::size_t kMaxTimelinePoints = 10'000;
/// `top` gives at most this many.
inline constexpr std::size_t kMaxTopEntries = 1'000;

/// One read-only connection. Used by one thread at a time; not moved once made. Sees what was
/// committed when a call began, and never holds the writer up. A call that takes longer than
/// the budget, or during which `cancelled` becomes true, ends with `timed_out`.
class Search {
 public:
  static Result<std::unique_ptr<Search>> open(const std::string& path, milliseconds budget,
                                              const std::atomic<bool>& cancelled);
  /// For `open`.
  Search(Database database, milliseconds budget, const std::atomic<bool>& cancelled);
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  /// See Journal. About 0.1 µs for each row looked at, newest first, until the page is full.
  Result<Page> search(const Filter& filter, std::size_t limit, std::optional<std::int64_t> before);
  /// Counts every row that the filter lets pass. Of more than a million different keys the
  /// rarest are forgotten while counting, so that memory stays bounded.
  Result<std::vector<TopEntry>> top(const Filter& filter, TopBy by, std::size_t limit);
  /// Intervals without records are left out.
  Result<std::vector<TimelinePoint>> timeline(const Filter& filter, seconds interval);

 private:
  struct Plan;

  static int watch(void* self);
  void start_clock();
  Result<Plan> plan(const Filter& filter, std::optional<std::int64_t> before);
  Result<void> plan_time(const Filter& filter, Plan& plan);
  Result<void> plan_names(const Filter& filter, Plan& plan);

  Database database_;
  const milliseconds budget_;
  const std::atomic<bool>& cancelled_;
  MonoTime deadline_{};
};

}  // namespace postern::journal
