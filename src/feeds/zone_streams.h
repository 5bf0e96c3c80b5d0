// ZoneStreams: connections on which whole zones are sent, each in a thread of its own, so that a
// slow reader holds up nobody else.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "base/ip.h"
#include "base/metric.h"
#include "feeds/transfer_stream.h"
#include "net/tcp_connection.h"

namespace postern::feeds {

/// All members may be called from any thread.
class ZoneStreams {
 public:
  /// So many secondaries fetch at once; the others are told to come again.
  static constexpr std::size_t kMaxStreams = 16;
  /// Of these from one address, so that none has all.
  static constexpr std::size_t kMaxPerClient = 4;

  /// Speaks with one client until it is done; `cancelled` ends its waits. Called in the stream's
  /// thread.
  using Serve = std::function<void(TransferStream& stream, const Endpoint& client,
                                   const std::atomic<bool>& cancelled)>;

  explicit ZoneStreams(Serve serve) : serve_(std::move(serve)) {}
  ~ZoneStreams() { stop(); }

  bool has_room(const IpAddress& client);
  /// Closes the connection where there is no room. With `tls` its handshake is still to come.
  void take(net::DetachedConnection connection,
            std::shared_ptr<const net::TlsServer> tls = nullptr);
  /// Handshakes of TLS that came to nothing.
  std::uint64_t failed_handshakes() const { return failed_handshakes_.value(); }
  std::size_t count();
  void stop();

 private:
  struct Stream {
    IpAddress client;
    std::atomic<bool> is_over{false};
    std::jthread thread;
  };

  Result<std::unique_ptr<TransferStream>> stream_of(net::DetachedConnection connection,
                                                    const net::TlsServer* tls) const;
  void drop_those_over(std::list<Stream>& dropped);
  bool has_room_locked(const IpAddress& client) const;

  const Serve serve_;
  std::atomic<bool> cancelled_{false};
  SharedCounter failed_handshakes_;
  std::mutex mutex_;
  std::list<Stream> streams_;  // Guarded by mutex_.
};

}  // namespace postern::feeds
