#include "journal/sqlite_journal.h"

#include <atomic>
#include <random>
#include <utility>

#include "base/guarded.h"
#include "journal/lanes.h"
#include "journal/search.h"
#include "journal/stats.h"
#include "journal/writer.h"

namespace postern::journal {
namespace {

constexpr milliseconds kSearchBudget{10'000};
// Each holds some memory, and a core while it works.
constexpr std::size_t kMaxSearches = 4;

class SqliteJournal final : public Journal {
 public:
  SqliteJournal(const SqliteOptions& options, Writer::Options writer, std::unique_ptr<Store> store,
                Log& log)
      : path_(options.path),
        lanes_(options.queue_capacity, options.threat_capacity, stats_),
        writer_(std::move(writer), std::move(store), lanes_, stats_, log) {}
  ~SqliteJournal() override { cancelled_.store(true, std::memory_order_relaxed); }

  void record(const event::Query& query) override { lanes_.push(query); }
  void flush() override { writer_.flush(); }

  Result<Page> search(const Filter& filter, std::size_t limit,
                      std::optional<std::int64_t> before) override {
    return with_search([&](Search& search) { return search.search(filter, limit, before); });
  }
  Result<std::vector<TopEntry>> top(const Filter& filter, TopBy by, std::size_t limit) override {
    return with_search([&](Search& search) { return search.top(filter, by, limit); });
  }
  Result<std::vector<TimelinePoint>> timeline(const Filter& filter, seconds interval) override {
    return with_search([&](Search& search) { return search.timeline(filter, interval); });
  }

  void collect(Metrics& metrics) const override {
    append_metrics(stats_, lanes_.lengths(), metrics);
  }

 private:
  struct Searches {
    std::vector<std::unique_ptr<Search>> idle;
    std::size_t busy = 0;
    std::uint64_t epoch = 0;  // Of the file that the idle ones have open.
  };

  template <class Use>
  std::invoke_result_t<Use, Search&> with_search(Use use) {
    stats_.searches.add();
    const std::uint64_t epoch = writer_.file_epoch();
    auto search = lease();
    if (!search && search.error().code == Errc::corrupt) return damaged(search.error(), epoch);
    if (!search) return Unexpected<Error>(std::move(search).error());
    auto result = use(**search);
    const bool late = !result && result.error().code == Errc::timed_out;
    if (late) stats_.searches_timed_out.add();
    give_back(*std::move(search));
    if (!result && result.error().code == Errc::corrupt) return damaged(result.error(), epoch);
    if (late) {
      return fail(Errc::timed_out, "the search took too long; narrow it, by time best of all");
    }
    return result;
  }

  Unexpected<Error> damaged(const Error& error, std::uint64_t epoch) {
    writer_.report_damage(epoch);
    return fail(Errc::corrupt,
                path_ + " is damaged (" + error.text + "); it is renamed to " + path_ +
                    ".damaged-TIME and a new journal is begun: ask "
                    "again for what is recorded from now on, and look into the old file with "
                    "\"sqlite3 FILE .recover\"");
  }

  Result<std::unique_ptr<Search>> lease() {
    const std::uint64_t epoch = writer_.file_epoch();
    std::vector<std::unique_ptr<Search>> outdated;  // Closed outside the lock.
    bool allowed = false;
    auto idle = searches_.with([&](Searches& searches) -> std::unique_ptr<Search> {
      if (std::exchange(searches.epoch, epoch) != epoch) outdated.swap(searches.idle);
      allowed = searches.busy < kMaxSearches;
      if (!allowed) return nullptr;
      ++searches.busy;
      if (searches.idle.empty()) return nullptr;
      auto search = std::move(searches.idle.back());
      searches.idle.pop_back();
      return search;
    });
    if (idle) return idle;
    if (!allowed) {
      return fail(Errc::unavailable, "too many searches at once; try again in a moment");
    }
    auto opened = Search::open(path_, kSearchBudget, cancelled_);
    if (!opened) give_back(nullptr);
    return opened;
  }

  void give_back(std::unique_ptr<Search> search) {
    const std::uint64_t epoch = writer_.file_epoch();
    searches_.with([&](Searches& searches) {
      --searches.busy;
      if (search && searches.epoch == epoch) searches.idle.push_back(std::move(search));
    });
  }

  const std::string path_;
  std::atomic<bool> cancelled_{false};
  Stats stats_;
  Lanes lanes_;
  Writer writer_;
  // Closed before the writer's connection: only that one can fold the log into the file.
  Guarded<Searches> searches_;
};

}  // namespace

Result<std::unique_ptr<Journal>> open_sqlite(const SqliteOptions& options, Log& log) {
  std::random_device random;
  Writer::Options writer;
  writer.store.path = options.path;
  writer.store.retention.days = options.days;
  writer.store.retention.max_octets = options.max_octets;
  writer.store.seed = (std::uint64_t{random()} << 32) | random();
  writer.commit_every = options.commit_every;
  const auto now = std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
  auto store = Store::open(writer.store, now, log);
  if (!store) return Unexpected<Error>(std::move(store).error().context("journal"));
  return std::make_unique<SqliteJournal>(options, std::move(writer), std::move(*store), log);
}

}  // namespace postern::journal
