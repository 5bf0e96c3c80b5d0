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
    if (!queue_.push_with([&](event::Query& slot) { slot = query; })) dropped_.add();
  }

  void watch(bool watched) override {
    watched_.store(watched, std::memory_order_relaxed);
    if (watched) return;
    event::Query old;  // A later watcher must not be shown what an earlier one left.
    while (queue_.try_pop(old)) {
    }
  }

  bool pop(event::Query& oldest) override { return queue_.try_pop(oldest); }
  std::uint64_t dropped() const override { return dropped_.value(); }

 private:
  std::atomic<bool> watched_{false};
  BoundedQueue<event::Query> queue_{kLiveQueueRecords};
  SharedCounter dropped_;
};

}  // namespace

std::unique_ptr<LiveTail> LiveTail::create() {
  return std::make_unique<LiveQueue>();
}

}  // namespace postern::api
