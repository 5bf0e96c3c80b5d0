// Downloads: threads that fetch and parse, so that a slow server holds up nothing else.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "feeds/obtain.h"

namespace postern::feeds {

struct Outcome {
  std::string name;
  std::uint64_t ticket = 0;
  Result<Obtained> obtained;
  Postponed postponed{};
};

/// Two threads. `submit` and `take` from one thread; `on_done` is called by the download threads
/// after each outcome and must not wait. At most one job of a feed should be under way.
class Downloads {
 public:
  static constexpr std::size_t kThreads = 2;

  Downloads(Hands hands, std::function<void()> on_done);
  Downloads(const Downloads&) = delete;
  Downloads& operator=(const Downloads&) = delete;
  /// Ends what is under way within a second.
  ~Downloads();

  void submit(Job job);
  /// All that is done since the last call.
  std::vector<Outcome> take();

 private:
  void run();

  const Hands hands_;
  const std::function<void()> on_done_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<Job> jobs_;           // Guarded by mutex_.
  std::vector<Outcome> outcomes_;  // Guarded by mutex_.
  std::vector<std::jthread> threads_;
};

}  // namespace postern::feeds
