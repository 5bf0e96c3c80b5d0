// Worker: one thread with its own loop, sockets, cache and handler.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "net/event_loop.h"
#include "net/tcp_listener.h"
#include "net/tcp_pool.h"
#include "net/udp_socket.h"
#include "server/handler.h"
#include "server/reply_mailbox.h"
#include "server/server.h"
#include "server/stats.h"

namespace postern::server {

/// The sockets of one worker for one endpoint.
struct BoundEndpoint {
  std::unique_ptr<net::UdpSocket> udp;
  std::unique_ptr<net::TcpListener> tcp;
};

/// Does the I/O that the handler decides about. `start` once; `request_stop`, `clear_cache` and
/// `stats` from any thread.
class Worker final : private net::TcpPool::Handler, private AnswerSink {
 public:
  /// What all workers share; everything must outlive them.
  struct Shared {
    const Options& options;
    const Published<Settings>& settings;
    const Published<policy::Generation>& policy;
    resolve::Resolver& resolver;
    event::QuerySink& sink;
    ZoneService* zones = nullptr;
    const Published<policy::ExceptionTable>* exceptions = nullptr;
    const Published<policy::DeviceTable>* devices = nullptr;
  };

  static Result<std::unique_ptr<Worker>> create(const Shared& shared, std::uint64_t seed,
                                                std::vector<BoundEndpoint> endpoints);
  /// Stops, and waits for the replies that the resolver still owes.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Starts the thread.
  void start();
  /// Takes no more queries; the thread ends when what is under way is answered, or after
  /// limits::kStopGrace.
  void request_stop();
  void join();
  /// Done before the next query is looked at.
  void clear_cache();

  WorkerStats stats() const;

 private:
  /// One UDP socket in the loop.
  struct UdpPort final : net::EventLoop::Handler {
    void on_ready(std::uint32_t events) override;

    Worker* worker = nullptr;
    std::uint32_t index = 0;
    std::unique_ptr<net::UdpSocket> socket;
    bool is_full = false;  ///< The kernel takes no more: nothing is read until it does.
    bool is_watched = false;
  };

  Worker(const Shared& shared, std::uint64_t seed, std::unique_ptr<ReplyMailbox> mailbox);
  Result<void> adopt(std::vector<BoundEndpoint> endpoints);
  void run();
  void begin_stop();
  bool may_end() const;
  void serve(UdpPort& port);
  void serve_batch(UdpPort& port, std::size_t count);
  void flush(UdpPort& port);
  void flush_all();
  void take_replies();
  void clear_if_asked();
  void do_requests();
  Moment moment() const { return {loop_.now(), loop_.wall_now()}; }

  void on_message(net::TcpConnectionId from, const Endpoint& peer, OctetView message) override;
  void answer(const ReturnPath& path, event::Transport transport, OctetView message) override;
  void silence(const ReturnPath& path, event::Transport transport) override;

  std::unique_ptr<ReplyMailbox> mailbox_;
  ZoneService* const zones_;
  net::EventLoop& loop_;
  net::TcpStats tcp_stats_;
  net::TcpPool pool_;
  server::Handler handler_;
  std::vector<std::unique_ptr<UdpPort>> udp_;
  std::vector<const net::UdpStats*> udp_stats_;
  std::vector<std::unique_ptr<net::TcpListener>> listeners_;
  Octets scratch_;  ///< For answers over TCP.
  std::atomic<bool> clear_requested_{false};
  std::atomic<bool> stop_requested_{false};
  bool stopping_ = false;
  MonoTime stop_at_ = MonoTime::max();
  std::thread thread_;
};

}  // namespace postern::server
