// TcpPool: all connections of one worker: their number, their idle time, their names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/octets.h"
#include "net/event_loop.h"
#include "net/stats.h"
#include "net/tcp_connection.h"

namespace postern::net {

/// Names a connection for as long as it is open, and nothing after that: answers that come
/// late find nobody.
struct TcpConnectionId {
  std::uint32_t slot = 0;
  std::uint32_t serial = 0;

  bool operator==(const TcpConnectionId&) const = default;
};

struct TcpPoolOptions {
  std::size_t max_connections = 1000;
  /// Without a message received, an answer sent, or one still owed (RFC 7766 §6.2.3).
  milliseconds idle_timeout{10'000};
  TcpLimits limits;
};

/// Owns the connections. One client, an IPv4 address or an IPv6 /56, has an eighth of the bound or
/// ten, whichever is more (RFC 7766 §6.2.2): its next displaces its longest idle one, or is closed.
/// At the bound a new one displaces the longest idle one; if none is found, the longest inactive
/// one of the client that has most, if that has at least two more than the new one's. One thread,
/// that of `loop`.
class TcpPool final : private TcpConnection::Owner {
 public:
  class Handler {
   public:
    /// One message; to be answered by `send` or given up by `forget`, now or later.
    virtual void on_message(TcpConnectionId from, const Endpoint& peer, OctetView message) = 0;

   protected:
    ~Handler() = default;
  };

  /// `loop`, `stats` and `handler` must outlive the pool.
  TcpPool(EventLoop& loop, const TcpPoolOptions& options, TcpStats& stats, Handler& handler);
  ~TcpPool();
  TcpPool(const TcpPool&) = delete;
  TcpPool& operator=(const TcpPool&) = delete;

  /// Takes a connection from a listener.
  void accept(FileDescriptor connection, const Endpoint& peer);

  /// All three do nothing for a connection that is gone.
  void send(TcpConnectionId to, OctetView message);
  void forget(TcpConnectionId to);
  void finish(TcpConnectionId connection);

  /// See TcpConnection::may_detach and detach: inside `on_message` only.
  bool may_detach(TcpConnectionId id);
  std::optional<DetachedConnection> detach(TcpConnectionId id);

  /// Reads no more from any; each closes when what it asked is answered.
  void finish_all();

  std::size_t open_count() const { return open_count_; }
  /// Frees connections that have closed. Call between rounds of the loop: never from inside
  /// `Handler`.
  void reap();

 private:
  struct Slot;

  void on_message(TcpConnection& connection, OctetView message) override;
  void on_progress(TcpConnection& connection) override;
  void on_closed(TcpConnection& connection) override;

  TcpConnection* find(TcpConnectionId id);
  Slot& slot_of(const TcpConnection& connection);
  bool make_room(const IpAddress& client);
  bool displace_of(const IpAddress& client, bool even_busy);
  void close_idle();
  void link_last(Slot& slot);
  void unlink(Slot& slot);
  void arm_timer();

  EventLoop& loop_;
  const TcpPoolOptions options_;
  TcpStats& stats_;
  Handler& handler_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::unique_ptr<TcpConnection>> closed_;  ///< To be freed by `reap`.
  std::size_t open_count_ = 0;
  std::map<IpAddress, std::size_t> open_of_;  ///< How many each client has; none has 0.
  Slot* first_ = nullptr;  ///< Open connections by their last activity, the longest idle first.
  Slot* last_ = nullptr;
  Timer timer_;
};

}  // namespace postern::net
