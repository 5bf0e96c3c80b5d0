#include "feeds/zone_streams.h"

#include <algorithm>
#include <utility>

#include "base/thread.h"

namespace postern::feeds {
namespace {

/// A client that does not shake hands by then is gone.
constexpr milliseconds kHandshake{10'000};

}  // namespace

void ZoneStreams::drop_those_over(std::list<Stream>& dropped) {
  for (auto at = streams_.begin(); at != streams_.end();) {
    const auto next = std::next(at);
    if (at->is_over.load(std::memory_order_acquire)) dropped.splice(dropped.end(), streams_, at);
    at = next;
  }
}

bool ZoneStreams::has_room_locked(const IpAddress& client) const {
  const auto same =
      std::ranges::count_if(streams_, [&](const Stream& each) { return each.client == client; });
  return streams_.size() < kMaxStreams && static_cast<std::size_t>(same) < kMaxPerClient;
}

bool ZoneStreams::has_room(const IpAddress& client) {
  std::list<Stream> dropped;  // Joined when the lock is gone.
  const std::lock_guard lock(mutex_);
  drop_those_over(dropped);
  return has_room_locked(client);
}

std::size_t ZoneStreams::count() {
  std::list<Stream> dropped;
  const std::lock_guard lock(mutex_);
  drop_those_over(dropped);
  return streams_.size();
}

Result<std::unique_ptr<TransferStream>> ZoneStreams::stream_of(net::DetachedConnection connection,
                                                               const net::TlsServer* tls) const {
  if (tls == nullptr) {
    return TransferStream::adopt(std::move(connection.fd), std::move(connection.received));
  }
  const auto end = std::chrono::steady_clock::now() + kHandshake;
  return TransferStream::accept(std::move(connection.fd), *tls, {cancelled_, end, kHandshake});
}

void ZoneStreams::take(net::DetachedConnection connection,
                       std::shared_ptr<const net::TlsServer> tls) {
  std::list<Stream> dropped;
  const std::lock_guard lock(mutex_);
  drop_those_over(dropped);
  if (cancelled_ || !has_room_locked(connection.peer.address)) return;
  Stream& stream = streams_.emplace_back();
  stream.client = connection.peer.address;
  stream.thread = std::jthread(
      [this, &stream, tls = std::move(tls), connection = std::move(connection)]() mutable {
        enter_thread("zone stream");
        const Endpoint client = connection.peer;
        const auto conversation = stream_of(std::move(connection), tls.get());
        if (conversation) {
          serve_(**conversation, client, cancelled_);
        } else {
          failed_handshakes_.add();
        }
        stream.is_over.store(true, std::memory_order_release);
      });
}

void ZoneStreams::stop() {
  cancelled_ = true;
  std::list<Stream> all;
  {
    const std::lock_guard lock(mutex_);
    all.splice(all.end(), streams_);
  }
}

}  // namespace postern::feeds
