// Writer: the thread that takes records from the lanes and stores them in batches.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "journal/lanes.h"
#include "journal/packed_query.h"
#include "journal/stats.h"
#include "journal/store.h"

namespace postern::journal {

/// Owns the store and its thread. What cannot be written waits in a batch and is tried again every
/// second, however long it takes; the lanes fill meanwhile and count what they drop. A file that
/// turns out to be damaged is set aside and a new one begun; one that is removed or replaced while
/// it is in use is followed by the one that is at its path then.
class Writer {
 public:
  struct Options {
    StoreOptions store;
    milliseconds commit_every{500};
  };
  static constexpr std::size_t kBatchRows = 8192;
  /// Even with the longest names a batch fits into half of RetentionOptions::kMinOctets.
  static constexpr std::size_t kBatchOctets = 1U << 20;

  /// Starts the thread. `store` is open; `lanes`, `stats` and `log` must outlive this.
  Writer(Options options, std::unique_ptr<Store> store, Lanes& lanes, Stats& stats, Log& log);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  /// Stores what is waiting, if that can be done, and ends the thread.
  ~Writer();

  /// Waits until all that was in the lanes before the call was stored, or a try to do so failed.
  /// Any thread.
  void flush();
  /// Says that a search of the file of that epoch met damage: the file is set aside as if the
  /// writer had met it. Any thread; returns at once.
  void report_damage(std::uint64_t epoch);
  /// Grows whenever another file took the place of one that was damaged or removed: connections
  /// from before look at the old one.
  std::uint64_t file_epoch() const { return file_epoch_.load(std::memory_order_acquire); }

 private:
  void run();
  void pause();
  void wake();
  void drain();
  void take_batch();
  bool batch_is_full() const {
    return batch_.size() >= kBatchRows || batch_octets_ >= kBatchOctets;
  }
  bool batch_is_due() const;
  bool write_batch();
  Result<void> store_batch();
  Result<void> reopen();
  void let_go_of_a_lost_file();
  void take_damage_report();
  void failed(const Error& error);
  void recovered();
  void tidy();
  void finish();

  const Options options_;
  Lanes& lanes_;
  Stats& stats_;
  Log& log_;
  FileDescriptor wakeup_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> file_epoch_{0};
  static constexpr std::uint64_t kNoEpoch = ~std::uint64_t{0};
  std::atomic<std::uint64_t> damaged_epoch_{kNoEpoch};  // As a search reported.

  std::mutex flush_mutex_;
  std::condition_variable flush_done_;
  std::uint64_t flushes_asked_ = 0;  // Guarded by flush_mutex_.
  std::uint64_t flushes_done_ = 0;   // Guarded by flush_mutex_.

  // The thread's own.
  std::unique_ptr<Store> store_;  // Null after damage, until a new file could be made.
  std::vector<PackedQuery> batch_;
  std::size_t batch_octets_ = 0;
  MonoTime batch_began_{};
  bool failing_ = false;
  bool damaged_ = false;
  std::uint64_t rows_removed_seen_ = 0;  // Of this store.
  MonoTime next_try_{};
  MonoTime next_tidy_{};
  MonoTime failing_since_{};

  std::jthread thread_;  // Last: it starts when all else is there.
};

}  // namespace postern::journal
