#include "feeds/downloads.h"

#include <utility>

#include "base/thread.h"

namespace postern::feeds {

Downloads::Downloads(Hands hands, std::function<void()> on_done)
    : hands_(hands), on_done_(std::move(on_done)) {
  for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { run(); });
}

Downloads::~Downloads() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_.store(true, std::memory_order_relaxed);
  }
  wanted_.notify_all();
  threads_.clear();
}

void Downloads::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wanted_.notify_one();
}

std::vector<Outcome> Downloads::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(outcomes_, {});
}

void Downloads::run() {
  enter_thread("download");
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wanted_.wait(lock, [this] { return !jobs_.empty() || cancelled_.load(); });
      if (cancelled_.load()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    Postponed postponed;
    auto obtained = obtain(job, cancelled_, hands_, postponed);
    Outcome outcome{job.feed, job.ticket, std::move(obtained), postponed};
    {
      const std::lock_guard lock(mutex_);
      outcomes_.push_back(std::move(outcome));
    }
    on_done_();
  }
}

}  // namespace postern::feeds
