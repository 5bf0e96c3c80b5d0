// ReplyMailbox: how the resolver's replies reach a worker's thread.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bounded_queue.h"
#include "base/metric.h"
#include "base/result.h"
#include "net/event_loop.h"
#include "resolve/resolver.h"

namespace postern::server {

/// A bounded queue and the loop that it wakes. `deliver` from any thread; the rest on the worker's.
/// Holds the loop, since a reply may come after everything else of a worker is gone.
class ReplyMailbox final : public resolve::ReplySink {
 public:
  static Result<std::unique_ptr<ReplyMailbox>> create();

  /// Has room for as many replies as a worker can be owed; one beyond is lost, and counted.
  void deliver(resolve::Reply reply) override;
  bool take(resolve::Reply& reply) { return queue_.try_pop(reply); }

  net::EventLoop& loop() { return *loop_; }
  std::uint64_t lost() const { return lost_.value(); }

 private:
  explicit ReplyMailbox(std::unique_ptr<net::EventLoop> loop);

  BoundedQueue<resolve::Reply> queue_;
  std::unique_ptr<net::EventLoop> loop_;
  SharedCounter lost_;
};

}  // namespace postern::server
