// Lanes: the two queues between those who answer and the one who writes.
#pragma once

#include <cstddef>

#include "base/bounded_queue.h"
#include "event/query.h"
#include "journal/packed_query.h"
#include "journal/stats.h"

namespace postern::journal {

/// Threats have a lane of their own, so that a flood of ordinary queries cannot displace them; if
/// that is full they take the ordinary lane. `push` from any thread, `pop` from one.
class Lanes {
 public:
  Lanes(std::size_t ordinary, std::size_t threats, Stats& stats)
      : ordinary_(ordinary), threats_(threats), stats_(stats) {}

  /// Never waits. Counts what found no room.
  void push(const event::Query& query);
  /// Threats first. False where both are empty.
  bool pop(PackedQuery& out);
  /// How many were popped of each so far. The popping thread only.
  const QueueLengths& popped() const { return popped_; }

  QueueLengths lengths() const { return {ordinary_.size_estimate(), threats_.size_estimate()}; }
  /// True where half of either is taken: the writer should not pause.
  bool is_filling() const;

 private:
  BoundedQueue<PackedQuery> ordinary_;
  BoundedQueue<PackedQuery> threats_;
  Stats& stats_;
  QueueLengths popped_;
};

}  // namespace postern::journal
