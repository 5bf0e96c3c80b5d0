// What the journal counts, and how it is exported.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/metric.h"

namespace postern::journal {

/// Written by the threads named; read by any.
struct Stats {
  // By the threads that record.
  SharedCounter ordinary_dropped;  ///< No room in the lane of ordinary records.
  SharedCounter threats_diverted;  ///< No room in the threats' lane: went by the ordinary one.
  SharedCounter threats_lost;      ///< No room in either.
  // By the writer.
  Counter stored;
  Counter commits;
  Counter write_failures;
  Counter records_given_up;  ///< Still unwritten when the journal was closed.
  Counter rows_removed;
  Counter set_aside;
  std::atomic<std::uint64_t> file_octets{0};
  std::atomic<std::int64_t> last_commit_s{0};
  // By the threads that search.
  SharedCounter searches;
  SharedCounter searches_timed_out;
};

/// What is read at the moment of export.
struct QueueLengths {
  std::size_t ordinary = 0;
  std::size_t threats = 0;
};

void append_metrics(const Stats& stats, const QueueLengths& queues, Metrics& metrics);

}  // namespace postern::journal
