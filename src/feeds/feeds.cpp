#include "feeds/feeds.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

#include <curl/curl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "base/assert.h"
#include "base/file_descriptor.h"
#include "base/guarded.h"
#include "base/thread.h"
#include "feeds/builder.h"
#include "feeds/downloads.h"
#include "feeds/keeper.h"
#include "feeds/stats.h"
#include "feeds/transfer_keeper.h"
#include "feeds/watcher.h"

namespace postern::feeds {
namespace {

Now now() {
  return {std::chrono::time_point_cast<microseconds>(std::chrono::steady_clock::now()),
          std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now())};
}

struct Update {
  std::string name;  // Empty: all.
  Acceptance acceptance = Acceptance::checked;
};

struct Notify {
  dns::Name zone;
  std::optional<std::uint32_t> serial;
};

using GenerationPtr = std::shared_ptr<const policy::Generation>;

// Something that the feeds' thread does for another one, which waits for it.
template <class T>
class Order {
 public:
  using Work = std::function<Result<T>(Keeper&)>;
  explicit Order(Work work) : work_(std::move(work)) {}

  /// False: nobody waits for it any more, and it is not to be done.
  bool begin() {
    const std::lock_guard lock(mutex_);
    is_begun_ = !is_given_up_;
    return is_begun_;
  }
  Result<T> carry_out(Keeper& keeper) const { return work_(keeper); }
  void done(Result<T> result) {
    {
      const std::lock_guard lock(mutex_);
      result_ = std::move(result);
    }
    changed_.notify_all();
  }
  /// What has not begun within `longest` is given up; what has, is waited for once more as long.
  Result<T> wait(milliseconds longest) {
    std::unique_lock lock(mutex_);
    const auto is_done = [this] { return result_.has_value(); };
    if (changed_.wait_for(lock, longest, is_done)) return *result_;
    is_given_up_ = !is_begun_;
    if (is_given_up_) {
      return fail(Errc::unavailable,
                  "feeds are being read, and nothing was changed; \"postern feed list\" shows when "
                  "that is done: then try again");
    }
    if (changed_.wait_for(lock, longest, is_done)) return *result_;
    return fail(Errc::unavailable,
                "it takes long and goes on; \"postern feed list\" shows what has come of it");
  }

 private:
  const Work work_;
  std::mutex mutex_;  // Guards all below.
  std::condition_variable changed_;
  bool is_begun_ = false;
  bool is_given_up_ = false;
  std::optional<Result<T>> result_;
};

// What other threads want of the feeds' thread.
struct Mailbox {
  std::vector<std::shared_ptr<Order<std::string>>> orders;
  std::vector<std::shared_ptr<Order<GenerationPtr>>> generations;
  std::vector<Update> updates;   // One of each name.
  std::vector<Notify> notifies;  // The last one of each zone.
  std::vector<Options> options;  // At most one: the newest.
  std::uint64_t given = 1;       // How many options there were so far.
};

/// How long whoever decides something waits for it to be so.
constexpr seconds kOrder{25};

/// How long a start waits for what changed meanwhile to be read, where the rules of before protect.
constexpr seconds kReadingAtStart{2};

class FeedsThread final : public Feeds {
 public:
  FeedsThread(Options options, Published<policy::Generation>& target, Log& log)
      : wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        target_(target),
        look_every_(options.look_every),
        builder_(options.builder),
        keeper_(std::move(options), target, {turns_, builder_}, log) {
    POSTERN_ASSERT(wakeup_);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    show_state();
    thread_ = std::jthread([this](const std::stop_token& stopping) { run(stopping); });
  }
  ~FeedsThread() override {
    stop();
    curl_global_cleanup();
  }

  void wait_until_local_sources_are_in_force() override {
    std::unique_lock lock(loaded_mutex_);
    if (loaded_changed_.wait_for(lock, kReadingAtStart, [this] { return loaded_ > 0; })) return;
    loaded_changed_.wait(lock, [this] { return loaded_ > 0 || is_restored_; });
  }

  Result<bool> wait_until_reconfigured(milliseconds longest) override {
    const std::uint64_t given = mailbox_.with([](const Mailbox& mailbox) { return mailbox.given; });
    std::unique_lock lock(loaded_mutex_);
    if (!loaded_changed_.wait_for(lock, longest, [&] { return loaded_ >= given; })) return false;
    if (refused_) return Unexpected<Error>(*refused_);
    return true;
  }

  std::vector<intel::FeedStatus> unreadable() const override {
    return shown_.with([](const Shown& shown) {
      std::vector<intel::FeedStatus> result;
      for (const ShownFeed& feed : shown.feeds) {
        if (feed.is_local && !feed.status.last_error.empty()) result.push_back(feed.status);
      }
      return result;
    });
  }

  Result<void> update(const std::string& name, Acceptance acceptance) override {
    if (name.empty() && acceptance == Acceptance::any_size) {
      return fail(Errc::invalid_input,
                  "a copy of any size is accepted of one feed at a time: name it");
    }
    const bool known = name.empty() || shown_.with([&](const Shown& shown) {
      return std::any_of(shown.feeds.begin(), shown.feeds.end(),
                         [&](const ShownFeed& feed) { return feed.status.name == name; });
    });
    if (!known) return fail(Errc::not_found, "there is no feed \"" + name + "\"");
    mailbox_.with([&](Mailbox& mailbox) {
      auto& updates = mailbox.updates;
      const auto asked = std::ranges::find(updates, name, &Update::name);
      if (asked == updates.end()) {
        updates.push_back({name, acceptance});
      } else if (acceptance == Acceptance::any_size) {
        asked->acceptance = acceptance;
      }
    });
    wake();
    return {};
  }

  Result<std::string> order(const GateOrder& order) override {
    return wait_for<std::string>(&Mailbox::orders,
                                 [order](Keeper& keeper) { return keeper.order(order, now()); });
  }

  Result<GenerationPtr> candidate(const std::string& name) override {
    return wait_for<GenerationPtr>(
        &Mailbox::generations, [name](Keeper& keeper) { return keeper.candidate(name, now()); });
  }

  Result<GenerationPtr> generation_at(WallTime at) override {
    return wait_for<GenerationPtr>(&Mailbox::generations,
                                   [at](Keeper& keeper) { return keeper.generation_at(at); });
  }

  Result<std::string> gate_report(const std::string& name) const override {
    return shown_.with([&](const Shown& shown) -> Result<std::string> {
      const auto at = std::ranges::find_if(
          shown.feeds, [&](const ShownFeed& feed) { return feed.status.name == name; });
      if (at == shown.feeds.end()) {
        return fail(Errc::not_found, "there is no feed \"" + name + "\"");
      }
      if (at->gate_report == nullptr) {
        return fail(Errc::not_found,
                    "no update of the feed " + name + " was judged since the server started");
      }
      return *at->gate_report;
    });
  }

  std::vector<std::uint64_t> kept_generations() const override {
    return shown_.with([](const Shown& shown) { return shown.kept_generations; });
  }

  Result<void> notify(const dns::Name& zone, const IpAddress& source,
                      std::optional<std::uint32_t> serial) override {
    bool is_known = false;
    const bool is_primary = shown_.with([&](const Shown& shown) {
      for (const ShownFeed& feed : shown.feeds) {
        if (feed.zone != zone) continue;
        is_known = true;
        if (std::ranges::find(feed.primaries, source) != feed.primaries.end()) return true;
      }
      return false;
    });
    if (!is_known) return fail(Errc::not_found, "no feed is the zone " + zone.to_display());
    if (!is_primary) {
      return fail(Errc::denied, source.to_text() + " is no primary of " + zone.to_display());
    }
    mailbox_.with([&](Mailbox& mailbox) {
      std::erase_if(mailbox.notifies, [&](const Notify& notify) { return notify.zone == zone; });
      mailbox.notifies.push_back({zone, serial});
    });
    wake();
    return {};
  }

  void reconfigure(Options options) override {
    mailbox_.with([&](Mailbox& mailbox) {
      mailbox.options.clear();
      mailbox.options.push_back(std::move(options));
      ++mailbox.given;
    });
    wake();
  }

  std::vector<intel::FeedStatus> status() const override {
    return shown_.with([](const Shown& shown) {
      std::vector<intel::FeedStatus> result;
      for (const ShownFeed& feed : shown.feeds) result.push_back(feed.status);
      return result;
    });
  }

  void collect(Metrics& metrics) const override {
    append_metrics(shown_.copy(), *target_.current(), metrics);
  }

  void stop() override {
    const std::lock_guard lock(stop_mutex_);
    if (!thread_.joinable()) return;
    builder_.stop();
    thread_.request_stop();
    wake();
    thread_.join();
  }

 private:
  template <class T>
  Result<T> wait_for(std::vector<std::shared_ptr<Order<T>>> Mailbox::* list,
                     typename Order<T>::Work work) {
    const auto made = std::make_shared<Order<T>>(std::move(work));
    mailbox_.with([&](Mailbox& mailbox) { (mailbox.*list).push_back(made); });
    wake();
    return made->wait(kOrder);
  }

  void run(const std::stop_token& stopping) {
    enter_thread("feeds");
    watcher_.watch(keeper_.paths());  // First: what changes while it is read is heard of.
    const bool is_restored = keeper_.restore_image(now());
    show_state();
    {
      const std::lock_guard lock(loaded_mutex_);
      is_restored_ = is_restored;
    }
    keeper_.load_all(now());
    show_state();
    say_loaded(1);
    Downloads downloads({turns_, builder_}, [this] { wake(); });
    while (!stopping.stop_requested()) {
      const std::uint64_t given = read_mailbox();
      work(downloads);
      show_state();
      say_loaded(given);
      pause();
    }
  }

  void say_loaded(std::uint64_t given) {
    {
      const std::lock_guard lock(loaded_mutex_);
      loaded_ = given;
    }
    loaded_changed_.notify_all();
  }

  void work(Downloads& downloads) {
    watcher_.read_events(now().mono);
    if (watcher_.take_lost_folder() || now().mono >= next_look_) look_at_files();
    for (const std::string& path : watcher_.take_settled(now().mono)) {
      keeper_.file_changed(path, now());
    }
    for (Outcome& outcome : downloads.take()) keeper_.take(std::move(outcome), now());
    std::vector<Job> jobs = keeper_.take_due(now());
    for (Job& job : jobs) downloads.submit(std::move(job));
    keeper_.publish(now());
    keeper_.look_at_watch(now());
    keeper_.free_retired(now());
  }

  // Finds what the watcher cannot hear of: folders made later or replaced, links that lead
  // elsewhere, folders on a network.
  void look_at_files() {
    next_look_ = now().mono + look_every_;
    watcher_.watch(keeper_.paths());
    for (const std::string& path : keeper_.changed_files()) watcher_.note(path, now().mono);
  }

  // Gives how many options there were so far.
  std::uint64_t read_mailbox() {
    Mailbox mail = mailbox_.with([](Mailbox& mailbox) {
      Mailbox empty;
      empty.given = mailbox.given;
      return std::exchange(mailbox, std::move(empty));
    });
    for (Options& options : mail.options) {
      auto done = keeper_.reconfigure(std::move(options), now());
      {
        const std::lock_guard lock(loaded_mutex_);
        refused_ = done ? std::nullopt : std::optional(std::move(done).error());
      }
      watcher_.watch(keeper_.paths());
      keeper_.look_at_files(now());  // They may have changed before they were watched.
    }
    for (const Update& update : mail.updates) keeper_.want(update.name, update.acceptance, now());
    for (const Notify& notify : mail.notifies) keeper_.notify(notify.zone, notify.serial, now());
    for (const auto& order : mail.orders) {
      if (!order->begin()) continue;
      auto result = order->carry_out(keeper_);
      show_state();  // Who asked may look at once.
      order->done(std::move(result));
    }
    for (const auto& order : mail.generations) {
      if (order->begin()) order->done(order->carry_out(keeper_));
    }
    return mail.given;
  }

  // Until something happens or is due.
  void pause() {
    std::optional<MonoTime> next = keeper_.next_due();
    if (const auto settled = watcher_.next_settled())
      next = next ? std::min(*next, *settled) : *settled;
    if (!keeper_.paths().empty()) next = next ? std::min(*next, next_look_) : next_look_;
    int wait_ms = -1;
    if (next) {
      const auto wait = std::chrono::ceil<milliseconds>(*next - now().mono).count();
      constexpr std::int64_t kLongest = 3'600'000;
      wait_ms = static_cast<int>(std::clamp<std::int64_t>(wait, 0, kLongest));
    }
    pollfd waiting[] = {{wakeup_.get(), POLLIN, 0}, {watcher_.fd(), POLLIN, 0}};
    if (::poll(waiting, 2, wait_ms) <= 0 || waiting[0].revents == 0) return;
    std::uint64_t count = 0;
    static_cast<void>(!::read(wakeup_.get(), &count, sizeof count));
  }

  void wake() {
    const std::uint64_t one = 1;
    // It can fail only where the counter is full: then the thread is awake anyway.
    static_cast<void>(!::write(wakeup_.get(), &one, sizeof one));
  }

  void show_state() {
    Shown shown;
    shown.compile_time = keeper_.compile_time();
    shown.unpack_waits = turns_.waits();
    shown.kept_generations = keeper_.kept_generations();
    for (const FeedState& feed : keeper_.feeds()) {
      ShownFeed shown_feed{.status = feed.status,
                           .failures = feed.failures,
                           .zone = {},
                           .primaries = {},
                           .is_expired = feed.is_expired,
                           .is_local = !is_remote(feed.source),
                           .gate_report = feed.report};
      if (const auto& transfer = feed.source.transfer) {
        shown_feed.zone = transfer->zone;
        shown_feed.primaries = addresses_of(*transfer);
      }
      shown.feeds.push_back(std::move(shown_feed));
    }
    shown_.with([&](Shown& current) { std::swap(current, shown); });
  }

  FileDescriptor wakeup_;
  Published<policy::Generation>& target_;
  Guarded<Mailbox> mailbox_;
  Guarded<Shown> shown_;
  std::mutex loaded_mutex_;
  std::condition_variable loaded_changed_;
  std::uint64_t loaded_ = 0;      // How many of the options given; guarded by loaded_mutex_.
  std::optional<Error> refused_;  // Why the last of them are not in force. Under the same mutex.
  bool is_restored_ =
      false;  // What was in force at the last end is so again. Under the same mutex.
  std::mutex stop_mutex_;

  // The thread's own once it runs.
  const milliseconds look_every_;
  MonoTime next_look_{};
  UnpackTurns turns_;
  Builder builder_;
  Keeper keeper_;
  Watcher watcher_;

  std::jthread thread_;  // Last: it starts when all else is there.
};

}  // namespace

std::unique_ptr<Feeds> Feeds::start(Options options, Published<policy::Generation>& target,
                                    Log& log) {
  return std::make_unique<FeedsThread>(std::move(options), target, log);
}

}  // namespace postern::feeds
