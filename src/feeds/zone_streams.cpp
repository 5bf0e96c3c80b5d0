#include "feeds/zone_streams.h"

#include <algorithm>
#include <utility>

#include "base/thread.h"

namespace postern::feeds {

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

void ZoneStreams::take(net::DetachedConnection connection) {
  const std::lock_guard lock(mutex_);
  if (cancelled_ || !has_room_locked(connection.peer.address)) return;
  Stream& stream = streams_.emplace_back();
  stream.client = connection.peer.address;
  stream.thread = std::jthread([this, &stream, connection = std::move(connection)]() mutable {
    enter_thread("zone stream");
    const Endpoint client = connection.peer;
    const auto conversation =
        TransferStream::adopt(std::move(connection.fd), std::move(connection.received));
    serve_(*conversation, client, cancelled_);
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
