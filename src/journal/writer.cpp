#include "journal/writer.h"

#include <algorithm>
#include <string>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>

#include "base/assert.h"
#include "base/thread.h"
#include "journal/schema.h"

namespace postern::journal {
namespace {

constexpr milliseconds kLongestPause{50};
constexpr milliseconds kBusyPause{1};
constexpr seconds kRetryAfter{1};
constexpr seconds kTidyEvery{10};
constexpr milliseconds kTidyTime{50};  // After a batch: retention outruns any writer.

MonoTime mono_now() {
  return std::chrono::time_point_cast<microseconds>(std::chrono::steady_clock::now());
}

WallTime wall_now() {
  return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
}

std::int64_t unix_now_s() {
  return std::chrono::floor<seconds>(wall_now()).time_since_epoch().count();
}

}  // namespace

Writer::Writer(Options options, std::unique_ptr<Store> store, Lanes& lanes, Stats& stats, Log& log)
    : options_(std::move(options)),
      lanes_(lanes),
      stats_(stats),
      log_(log),
      wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      store_(std::move(store)) {
  POSTERN_ASSERT(wakeup_);
  batch_.reserve(kBatchRows);
  thread_ = std::jthread([this] { run(); });
}

Writer::~Writer() {
  stopping_.store(true, std::memory_order_release);
  wake();
}

void Writer::wake() {
  const std::uint64_t one = 1;
  // It can fail only where the counter is full: then the thread is awake anyway.
  static_cast<void>(!::write(wakeup_.get(), &one, sizeof one));
}

void Writer::flush() {
  std::unique_lock lock(flush_mutex_);
  const std::uint64_t mine = ++flushes_asked_;
  wake();
  flush_done_.wait(lock, [&] { return flushes_done_ >= mine; });
}

void Writer::report_damage(std::uint64_t epoch) {
  damaged_epoch_.store(epoch, std::memory_order_release);
  wake();
}

void Writer::run() {
  enter_thread("journal");
  while (!stopping_.load(std::memory_order_acquire)) {
    std::uint64_t asked = 0;
    bool flush_wanted = false;
    {
      const std::lock_guard lock(flush_mutex_);
      asked = flushes_asked_;
      flush_wanted = asked != flushes_done_;
    }
    if (flush_wanted) {
      drain();
      const std::lock_guard lock(flush_mutex_);
      flushes_done_ = asked;
      flush_done_.notify_all();
    }
    take_damage_report();
    take_batch();
    if (batch_is_due()) write_batch();
    tidy();
    pause();
  }
  finish();
}

// Records are not announced one by one: a system call each would cost more than writing them.
void Writer::pause() {
  if (batch_is_full() && !failing_) return;
  const milliseconds longest = std::min(kLongestPause, options_.commit_every);
  const auto length = lanes_.is_filling() && !failing_ ? kBusyPause : longest;
  pollfd waiting{wakeup_.get(), POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(length.count())) > 0) {
    std::uint64_t count = 0;
    static_cast<void>(!::read(wakeup_.get(), &count, sizeof count));
  }
}

// Stores all that is waiting now, and what comes with it, unless that fails.
void Writer::drain() {
  const QueueLengths waiting = lanes_.lengths();
  const std::size_t ordinary = lanes_.popped().ordinary + waiting.ordinary;
  const std::size_t threats = lanes_.popped().threats + waiting.threats;
  next_try_ = {};
  for (;;) {
    take_batch();
    if (batch_.empty() || !write_batch()) return;
    if (lanes_.popped().ordinary >= ordinary && lanes_.popped().threats >= threats) return;
  }
}

void Writer::take_batch() {
  PackedQuery record;
  while (!batch_is_full() && lanes_.pop(record)) {
    if (batch_.empty()) batch_began_ = mono_now();
    batch_octets_ += record.octets();
    batch_.push_back(std::move(record));
  }
}

bool Writer::batch_is_due() const {
  if (batch_.empty() || mono_now() < next_try_) return false;
  return batch_is_full() || mono_now() - batch_began_ >= options_.commit_every;
}

// False where the batch is still to be stored.
bool Writer::write_batch() {
  let_go_of_a_lost_file();
  Result<void> done = reopen();
  if (done) done = store_batch();
  if (!done && done.error().code == Errc::limit_exceeded && store_) {
    // The file's own cap, or a full disk: in the first case there is now room.
    if (store_->make_room()) done = store_batch();
  }
  if (!done) {
    failed(done.error());
    return false;
  }
  stats_.stored.add(batch_.size());
  stats_.commits.add();
  stats_.last_commit_s.store(unix_now_s(), std::memory_order_relaxed);
  batch_.clear();
  batch_octets_ = 0;
  if (failing_) recovered();
  return true;
}

Result<void> Writer::store_batch() {
  Result<void> done = store_->begin();
  for (const PackedQuery& record : batch_) {
    if (!done) break;
    done = store_->add(record.unpack());
  }
  if (done) done = store_->commit();
  if (!done) store_->rollback();
  return done;
}

// After damage: the old file goes, a new one comes.
Result<void> Writer::reopen() {
  if (damaged_) {
    store_.reset();
    const std::string aside = POSTERN_TRY(set_aside(options_.store.path, unix_now_s()));
    log_.warning("journal", "damaged; set aside as " + aside + ", a new journal is begun");
    stats_.set_aside.add();
    damaged_ = false;
  }
  if (store_) return {};
  store_ = POSTERN_TRY(Store::open(options_.store, wall_now(), log_));
  rows_removed_seen_ = 0;
  file_epoch_.fetch_add(1, std::memory_order_release);
  return {};
}

// What goes into a file without a name can never be found.
void Writer::let_go_of_a_lost_file() {
  if (!store_ || !store_->has_lost_its_file()) return;
  const std::string& path = options_.store.path;
  log_.warning("journal", path + " was removed or replaced while in use; what was in it is gone, " +
                              "records go into the file that is there from now on");
  store_.reset();
  const std::string aside = path + ".removed-" + std::to_string(unix_now_s());
  if (const auto done = set_companions_aside(path, aside); !done) {
    log_.warning("journal", done.error().text);
  }
}

void Writer::take_damage_report() {
  const std::uint64_t epoch = damaged_epoch_.exchange(kNoEpoch, std::memory_order_acq_rel);
  if (epoch != file_epoch() || !store_) return;  // Of a file that is no longer in use.
  damaged_ = true;
  if (const auto done = reopen(); !done) failed(done.error());
}

void Writer::failed(const Error& error) {
  stats_.write_failures.add();
  next_try_ = mono_now() + kRetryAfter;
  if (error.code == Errc::corrupt) damaged_ = true;
  if (failing_) return;  // Said once.
  failing_ = true;
  failing_since_ = mono_now();
  log_.warning("journal", "cannot write " + options_.store.path + ": " + error.text +
                              "; trying again every second, answering goes on");
}

void Writer::recovered() {
  failing_ = false;
  const auto length = std::chrono::duration_cast<seconds>(mono_now() - failing_since_);
  log_.info("journal", "writing again after " + std::to_string(length.count()) + " s");
}

void Writer::tidy() {
  const MonoTime now = mono_now();
  if (!store_ || failing_ || now < next_tidy_) return;
  bool more = true;
  while (more && mono_now() - now < kTidyTime) {
    const auto step = store_->tidy(wall_now());
    if (!step) {
      failed(step.error());
      return;
    }
    more = *step;
  }
  const Retention& retention = store_->retention();
  stats_.rows_removed.add(retention.rows_removed() - rows_removed_seen_);
  rows_removed_seen_ = retention.rows_removed();
  stats_.file_octets.store(retention.file_octets(), std::memory_order_relaxed);
  if (!more) next_tidy_ = now + kTidyEvery;
}

void Writer::finish() {
  drain();
  // Whoever waits for a flush must not wait for ever.
  {
    const std::lock_guard lock(flush_mutex_);
    flushes_done_ = flushes_asked_;
    flush_done_.notify_all();
  }
  if (batch_.empty()) return;
  PackedQuery record;
  std::size_t lost = batch_.size();
  while (lanes_.pop(record)) ++lost;
  stats_.records_given_up.add(lost);
  log_.error("journal", std::to_string(lost) + " records could not be written and are lost");
}

}  // namespace postern::journal
