#include "feeds/zone_server.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/guarded.h"
#include "base/thread.h"
#include "dns/writer.h"
#include "feeds/transfer_keeper.h"
#include "feeds/zone_keys.h"
#include "feeds/zone_request.h"

namespace postern::feeds {
namespace {

/// How soon a changed secret file counts.
constexpr seconds kKeyReload{5};

std::uint64_t wall_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<seconds>(now).count());
}

constexpr Refusal kNoPrimary{.text = "not a primary of this zone"};
constexpr Refusal kNoKey{dns::Rcode::servfail, dns::EdeCode::not_ready,
                         "the TSIG key of this zone cannot be read"};

/// What is answered from. Never changes once it is shown.
struct ServedZones {
  struct Source {
    NotifySource zone;
    ZoneKeys keys;
  };
  std::vector<Source> sources;
};

struct ZoneStats {
  SharedCounter notifies, notifies_refused;
};

std::size_t copy_out(const Octets& message, std::span<std::uint8_t> out) {
  if (message.size() > out.size()) return 0;
  std::ranges::copy(message, out.begin());
  return message.size();
}

/// One request on its way to its answer. On the stack.
class Conversation {
 public:
  Conversation(const ZoneQuestion& question, const ZoneRequest& request)
      : question_(question), request_(request), buffer_(dns::kMaxMessageOctets) {}

  Octets refuse(const Refusal& refusal) {
    const std::size_t size = write_refusal(question_.message, &request_, refusal, buffer_);
    buffer_.resize(size);
    return std::move(buffer_);
  }
  Octets acknowledge() {
    dns::MessageWriter writer(buffer_, buffer_.size());
    writer.header(request_.header.id, static_cast<std::uint16_t>(dns::flag::qr | dns::flag::aa |
                                                                 (request_.header.flags & 0x7800)));
    (void)writer.echo_question(question_.message, request_.question_end);
    if (request_.edns) (void)writer.opt(1232, dns::Rcode::noerror, false, {});
    buffer_.resize(writer.size());
    return std::move(buffer_);
  }

 private:
  const ZoneQuestion& question_;
  const ZoneRequest& request_;
  Octets buffer_;
};

class ZoneServerThread final : public ZoneServer {
 public:
  ZoneServerThread(ZoneServerOptions options, Feeds& feeds, Log& log)
      : feeds_(feeds), log_(log), keys_(log), options_(std::move(options)) {
    show(options_);
    thread_ = std::jthread([this](const std::stop_token& stopping) { run(stopping); });
  }
  ~ZoneServerThread() override { stop(); }

  ZoneAnswer answer(const ZoneQuestion& question, std::span<std::uint8_t> out) override {
    const auto request = read_zone_request(question.message);
    if (!request) return {};
    if (request->kind == ZoneRequest::Kind::notify) return take_notify(question, *request, out);
    return {};
  }

  void take(net::DetachedConnection) override {}

  void reconfigure(ZoneServerOptions options) override {
    {
      const std::lock_guard lock(mutex_);
      options_ = std::move(options);
      is_new_ = true;
    }
    wake_.notify_all();
  }

  void collect(Metrics& metrics) const override {
    const auto add = [&](const char* result, const SharedCounter& counter) {
      metrics.push_back({"postern_notifies_total", MetricKind::counter,
                         "NOTIFY messages for zones that feeds are transferred from, by result.",
                         std::string("result=\"") + result + "\"",
                         static_cast<double>(counter.value())});
    };
    add("taken", stats_.notifies);
    add("refused", stats_.notifies_refused);
  }

  void stop() override {
    thread_.request_stop();
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::shared_ptr<const ServedZones> zones() const { return served_.copy(); }

  ZoneAnswer take_notify(const ZoneQuestion& question, const ZoneRequest& request,
                         std::span<std::uint8_t> out) {
    const auto zones = this->zones();
    Conversation conversation(question, request);
    bool is_known = false;
    for (const ServedZones::Source& source : zones->sources) {
      if (source.zone.zone != request.zone) continue;
      is_known = true;
      const auto& primaries = source.zone.primaries;
      if (std::ranges::find(primaries, question.client.address) == primaries.end()) continue;
      return take_notify_of(source, question, request, out);
    }
    if (!is_known) return {};
    stats_.notifies_refused.add();
    return answered(conversation.refuse(kNoPrimary), out);
  }

  ZoneAnswer take_notify_of(const ServedZones::Source& source, const ZoneQuestion& question,
                            const ZoneRequest& request, std::span<std::uint8_t> out) {
    Conversation conversation(question, request);
    const std::uint64_t now_s = wall_seconds();
    RequestProof proof = source.keys.proof_of(question.message, now_s);
    std::optional<Refusal> refusal = proof.refusal();
    if (source.keys.is_closed()) refusal = kNoKey;
    if (!refusal && !feeds_.notify(request.zone, question.client.address, request.serial)) {
      refusal = kNoPrimary;
    }
    (refusal ? stats_.notifies_refused : stats_.notifies).add();
    Octets message = refusal ? conversation.refuse(*refusal) : conversation.acknowledge();
    proof.finish(message, now_s);
    return answered(message, out);
  }

  static ZoneAnswer answered(const Octets& message, std::span<std::uint8_t> out) {
    return {ZoneAnswer::Outcome::answered, copy_out(message, out)};
  }

  void run(const std::stop_token& stopping) {
    enter_thread("zones");
    std::unique_lock lock(mutex_);
    while (!stopping.stop_requested()) {
      wake_.wait_for(lock, stopping, kKeyReload, [this] { return is_new_; });
      is_new_ = false;
      const ZoneServerOptions options = options_;
      lock.unlock();
      show(options);
      lock.lock();
    }
  }

  void show(const ZoneServerOptions& options) {
    auto zones = std::make_shared<ServedZones>();
    for (const NotifySource& source : options.sources) {
      std::vector<TransferKey> keys;
      if (source.key) keys.push_back(*source.key);
      zones->sources.push_back({source, keys_.load(keys)});
    }
    served_.with([&](std::shared_ptr<const ServedZones>& served) { served = std::move(zones); });
  }

  Feeds& feeds_;
  Log& log_;
  ZoneStats stats_;
  ZoneKeyLoader keys_;
  Guarded<std::shared_ptr<const ServedZones>> served_;

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

std::unique_ptr<ZoneServer> ZoneServer::start(ZoneServerOptions options, Feeds& feeds, Log& log) {
  return std::make_unique<ZoneServerThread>(std::move(options), feeds, log);
}

}  // namespace postern::feeds
