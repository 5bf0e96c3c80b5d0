#include <atomic>

#include "api/api.h"
#include "api/limits.h"
#include "base/bounded_queue.h"

namespace postern::api {
namespace {

class LiveQueue final : public LiveTail {
 public:
  void record(const event::Query& query) override {
    if (!watched_.load(std::memory_order_relaxed)) return;
    Lane& lane = query.is_threat() ? threats_ : others_;
    if (!lane.queue.push_with([&](event::Query& slot) { slot = query; })) lane.dropped.add();
  }

  void watch(bool watched) override {
    watched_.store(watched, std::memory_order_relaxed);
    if (watched) return;
    event::Query old;  // A later watcher must not be shown what an earlier one left.
    while (pop(old)) {
    }
  }

  bool pop(event::Query& next) override {
    return threats_.queue.try_pop(next) || others_.queue.try_pop(next);
  }
  Dropped dropped() const override { return {threats_.dropped.value(), others_.dropped.value()}; }

 private:
  struct Lane {
    BoundedQueue<event::Query> queue{kLiveLaneRecords};
    SharedCounter dropped;
  };

  std::atomic<bool> watched_{false};
  Lane threats_;
  Lane others_;
};

}  // namespace

std::unique_ptr<LiveTail> LiveTail::create() {
  return std::make_unique<LiveQueue>();
}

}  // namespace postern::api
