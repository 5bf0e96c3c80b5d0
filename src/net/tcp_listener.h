// TcpListener: accepts connections and hands them over.
#pragma once

#include <functional>
#include <memory>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/result.h"
#include "net/event_loop.h"
#include "net/stats.h"

namespace postern::net {

/// A listening socket on one loop. One thread.
class TcpListener final : public EventLoop::Handler {
 public:
  /// Takes each new connection: non-blocking, TCP_NODELAY.
  using OnAccept = std::function<void(FileDescriptor connection, const Endpoint& peer)>;

  /// Binds (SO_REUSEPORT) and listens; connections wait in the kernel until `start`.
  static Result<std::unique_ptr<TcpListener>> bind(const Endpoint& at);
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  const Endpoint& local() const { return local_; }

  /// Begins to accept on `loop`, which must outlive the listener or its `stop`. Counts in
  /// `stats`.
  Result<void> start(EventLoop& loop, TcpStats& stats, OnAccept on_accept);
  /// Accepts no more, and closes the socket.
  void stop();

  void on_ready(std::uint32_t events) override;

 private:
  TcpListener(FileDescriptor fd, const Endpoint& local);

  FileDescriptor fd_;
  Endpoint local_;
  EventLoop* loop_ = nullptr;
  TcpStats* stats_ = nullptr;
  OnAccept on_accept_;
  Timer resume_;  ///< After running out of descriptors.
};

}  // namespace postern::net
