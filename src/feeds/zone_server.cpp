#include "feeds/zone_server.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/guarded.h"
#include "base/thread.h"
#include "feeds/clocks.h"
#include "feeds/transfer_keeper.h"
#include "feeds/transfer_listener.h"
#include "feeds/zone_desk.h"
#include "feeds/zone_publisher.h"
#include "feeds/zone_streams.h"

namespace postern::feeds {
namespace {

/// How soon a changed secret file counts.
constexpr seconds kKeyReload{5};
/// How often somebody who waits for a new generation, or for an answer to a NOTIFY, looks.
constexpr milliseconds kLook{250};
/// A client that has its answer may ask again so soon (RFC 7766 §6.2.3).
constexpr milliseconds kIdle{10'000};
/// A reader that takes nothing for so long is gone; however slowly it reads, so long it may take.
constexpr milliseconds kSilence{30'000};
constexpr milliseconds kWhole{900'000};

class ZoneServerThread final : public ZoneServer {
 public:
  ZoneServerThread(ZoneServerOptions options, const PublishedPolicy& policy, Feeds& feeds, Log& log)
      : policy_(policy),
        desk_(feeds, log),
        publisher_(options, log),
        keys_(log),
        streams_([this](auto&&... stream) { serve(stream...); }),
        tls_streams_([this](auto&&... stream) { serve(stream...); }),
        options_(std::move(options)) {
    show();
    thread_ = std::jthread([this](const std::stop_token& stopping) { run(stopping); });
  }
  ~ZoneServerThread() override { stop(); }

  Result<void> listen(TransferListenerOptions options, Log& log) {
    const auto admits = [this](const IpAddress& client) { return desk_.may_have_any(client); };
    listener_ = POSTERN_TRY(TransferListener::start(std::move(options), tls_streams_, admits, log));
    return {};
  }

  ZoneAnswer answer(const ZoneQuestion& question, std::span<std::uint8_t> out) override {
    ZoneQuestion asked = question;
    const auto request = read_zone_request(question.message);
    if (!request) return {};
    asked.may_take = question.may_take && streams_.has_room(question.client.address);
    const DeskAnswer answer = desk_.answer(asked, *request, wall_seconds());
    if (answer.outcome != ZoneAnswer::Outcome::answered) return {answer.outcome, 0};
    if (answer.message.size() > out.size()) return {};
    std::ranges::copy(answer.message, out.begin());
    return {answer.outcome, answer.message.size()};
  }

  void take(net::DetachedConnection connection) override { streams_.take(std::move(connection)); }

  Result<ZoneList> list(std::string_view name) const override { return desk_.list(name); }
  std::vector<PublishedCollection> collections() const override { return desk_.collections(); }

  void reconfigure(ZoneServerOptions options) override {
    {
      const std::lock_guard lock(mutex_);
      options_ = std::move(options);
      is_new_ = true;
    }
    wake_.notify_all();
  }

  void collect(Metrics& metrics) const override {
    desk_.collect(metrics);
    publisher_.collect(metrics);
    metrics.push_back({"postern_transfer_tls_failed_total", MetricKind::counter,
                       "Connections to server.transfer_tls whose handshake came to nothing.", "",
                       static_cast<double>(tls_streams_.failed_handshakes())});
    if (listener_) listener_->collect(metrics);
  }

  void stop() override {
    thread_.request_stop();
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
    if (listener_) listener_->stop();
    streams_.stop();
    tls_streams_.stop();
  }

 private:
  /// One connection, in its own thread: question by question.
  void serve(TransferStream& stream, const Endpoint& client, const std::atomic<bool>& cancelled) {
    using std::chrono::steady_clock;
    for (;;) {
      const auto question = stream.receive({cancelled, steady_clock::now() + kIdle, kIdle});
      if (!question) return;
      const Patience patience{cancelled, steady_clock::now() + kWhole, kSilence};
      if (!desk_.converse(*question, client, stream, patience)) return;
    }
  }

  void run(const std::stop_token& stopping) {
    enter_thread("zones");
    std::unique_lock lock(mutex_);
    while (!stopping.stop_requested()) {
      const bool is_new = std::exchange(is_new_, false);
      if (is_new) publisher_.reconfigure(options_);
      lock.unlock();
      const bool has_changed = publisher_.work(policy_, mono_now(), wall_now());
      if (is_new || has_changed || mono_now() >= next_keys_) show();
      lock.lock();
      const milliseconds wait = publisher_.is_idle() ? milliseconds(kKeyReload) : kLook;
      wake_.wait_for(lock, stopping, wait, [this] { return is_new_; });
    }
  }

  void show() {
    next_keys_ = mono_now() + kKeyReload;
    auto zones = std::make_shared<ServedZones>();
    const ZoneServerOptions options = [this] {
      const std::lock_guard lock(mutex_);
      return options_;
    }();
    for (const NotifySource& source : options.sources) {
      std::vector<TransferKey> keys;
      if (source.key) keys.push_back(*source.key);
      zones->sources.push_back({source, keys_.load(keys)});
    }
    publisher_.show(keys_, *zones);
    desk_.show(std::move(zones));
  }

  const PublishedPolicy policy_;
  ZoneDesk desk_;
  ZonePublisher publisher_;  // The thread's own once it runs, but for `collect`.
  ZoneKeyLoader keys_;       // Likewise.
  ZoneStreams streams_;
  ZoneStreams tls_streams_;  // Apart: whoever fills one kind's places leaves the other's.
  std::unique_ptr<TransferListener> listener_;
  MonoTime next_keys_{};

  std::mutex mutex_;
  std::condition_variable_any wake_;
  ZoneServerOptions options_;  // Guarded by mutex_.
  bool is_new_ = false;        // Guarded by mutex_.

  std::jthread thread_;  // Last: it starts when all else is there.
};

}  // namespace

std::vector<NotifySource> notify_sources(const std::vector<Source>& feeds) {
  std::vector<NotifySource> sources;
  for (const Source& feed : feeds) {
    if (!feed.transfer) continue;
    sources.push_back({feed.transfer->zone, addresses_of(*feed.transfer), feed.transfer->tsig});
  }
  return sources;
}

Result<std::unique_ptr<ZoneServer>> ZoneServer::start(ZoneServerOptions options,
                                                      const PublishedPolicy& policy, Feeds& feeds,
                                                      Log& log) {
  TransferListenerOptions tls = options.tls;
  auto server = std::make_unique<ZoneServerThread>(std::move(options), policy, feeds, log);
  POSTERN_CHECK(server->listen(std::move(tls), log));
  return server;
}

}  // namespace postern::feeds
