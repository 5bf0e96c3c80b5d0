#include "server/worker.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/thread.h"

namespace postern::server {

namespace {

/// How long a destructor waits for the resolver's last replies before it gives their mailbox up.
constexpr seconds kOwedRepliesWait{15};
/// The loop looks around at least this often.
constexpr seconds kLongestWait{60};

net::TcpPoolOptions pool_options(const Options& options) {
  net::TcpPoolOptions pool;
  pool.max_connections = options.tcp_max_connections;
  pool.idle_timeout = milliseconds(options.tcp_idle_timeout_ms);
  pool.limits.max_unanswered = std::max<std::size_t>(options.tcp_max_pipelined, 1);
  return pool;
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::create(const Shared& shared, std::uint64_t seed,
                                               std::vector<BoundEndpoint> endpoints) {
  auto mailbox = POSTERN_TRY(ReplyMailbox::create());
  std::unique_ptr<Worker> worker(new Worker(shared, seed, std::move(mailbox)));
  POSTERN_CHECK(worker->adopt(std::move(endpoints)));
  return worker;
}

Worker::Worker(const Shared& shared, std::uint64_t seed, std::unique_ptr<ReplyMailbox> mailbox)
    : mailbox_(std::move(mailbox)),
      zones_(shared.zones),
      loop_(mailbox_->loop()),
      pool_(loop_, pool_options(shared.options), tcp_stats_, *this),
      handler_({.cache = shared.options.cache,
                .settings = shared.settings,
                .policy = shared.policy,
                .resolver = shared.resolver,
                .replies = *mailbox_,
                .sink = shared.sink,
                .answers = *this,
                .zones = shared.zones,
                .exceptions = shared.exceptions,
                .devices = shared.devices,
                .seed = seed}),
      scratch_(dns::kMaxMessageOctets) {
  loop_.on_wake([this] { do_requests(); });
}

Result<void> Worker::adopt(std::vector<BoundEndpoint> endpoints) {
  for (BoundEndpoint& endpoint : endpoints) {
    auto port = std::make_unique<UdpPort>();
    port->worker = this;
    port->index = static_cast<std::uint32_t>(udp_.size());
    port->socket = std::move(endpoint.udp);
    POSTERN_CHECK(loop_.watch(port->socket->fd(), EPOLLIN, *port));
    port->is_watched = true;
    udp_stats_.push_back(&port->socket->stats());
    udp_.push_back(std::move(port));
    listeners_.push_back(std::move(endpoint.tcp));
    POSTERN_CHECK(listeners_.back()->start(loop_, tcp_stats_,
                                           [this](FileDescriptor connection, const Endpoint& peer) {
                                             pool_.accept(std::move(connection), peer);
                                           }));
  }
  return {};
}

Worker::~Worker() {
  request_stop();
  join();
  // The resolver may still hold a reference to the mailbox. It has promised a reply to each
  // request; were it to break its word, a leak is better than a dangling reference.
  loop_.refresh_clock();
  const MonoTime until = loop_.now() + kOwedRepliesWait;
  while (handler_.replies_owed() > 0 && loop_.now() < until) loop_.run_once(until);
  begin_stop();
  if (handler_.replies_owed() > 0) (void)mailbox_.release();
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::request_stop() {
  stop_requested_.store(true, std::memory_order_release);
  loop_.wake();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::clear_cache() {
  clear_requested_.store(true, std::memory_order_release);
  loop_.wake();
}

WorkerStats Worker::stats() const {
  return {&handler_.stats(), &handler_.cache_stats(), &tcp_stats_, udp_stats_};
}

void Worker::run() {
  enter_thread("worker");
  while (!may_end()) {
    MonoTime until = std::min(loop_.now() + kLongestWait, stop_at_);
    if (const auto due = handler_.next_due()) until = std::min(until, *due);
    loop_.run_once(until);
    handler_.advance(moment());
    flush_all();
    pool_.reap();
    handler_.stats().tcp_open.store(pool_.open_count(), std::memory_order_relaxed);
  }
  begin_stop();
}

bool Worker::may_end() const {
  if (!stopping_) return false;
  if (loop_.now() >= stop_at_) return true;
  const bool all_sent =
      std::none_of(udp_.begin(), udp_.end(), [](const auto& port) { return port->is_full; });
  return all_sent && !handler_.has_waiters() && pool_.open_count() == 0;
}

/// Reads no more, accepts no more.
void Worker::begin_stop() {
  if (!stopping_) {
    stopping_ = true;
    stop_at_ = loop_.now() + limits::kStopGrace;
    for (const auto& listener : listeners_) listener->stop();
    pool_.finish_all();
  }
  for (const auto& port : udp_) {
    if (port->is_watched && !port->is_full) {
      loop_.unwatch(port->socket->fd(), *port);
      port->is_watched = false;
    }
  }
}

/// What other threads have asked for.
void Worker::do_requests() {
  clear_if_asked();
  take_replies();
  if (stop_requested_.load(std::memory_order_acquire)) begin_stop();
}

void Worker::clear_if_asked() {
  if (!clear_requested_.load(std::memory_order_acquire)) return;
  clear_requested_.store(false, std::memory_order_release);
  handler_.clear_cache();
}

/// Some, and the loop comes back for the others: what upstream servers send must not keep clients
/// waiting that need nothing of it.
void Worker::take_replies() {
  const MonoTime until = loop_.now() + limits::kRepliesTime;
  resolve::Reply reply;
  for (int left = limits::kRepliesPerRound; left > 0 && loop_.now() < until; --left) {
    if (!mailbox_->take(reply)) return;
    handler_.on_reply(std::move(reply), moment());
    loop_.refresh_clock();
  }
  loop_.wake();
}

void Worker::UdpPort::on_ready(std::uint32_t) {
  worker->serve(*this);
}

void Worker::serve(UdpPort& port) {
  for (int round = 0; round < limits::kUdpBatchesPerRound; ++round) {
    flush(port);
    if (port.is_full || !port.is_watched || stopping_) return;
    const std::size_t count = port.socket->receive();
    if (count == 0) return;
    if (round > 0) loop_.refresh_clock();
    serve_batch(port, count);
    // A batch that was not full has emptied the socket: epoll tells when there is more.
    if (count < net::UdpSocket::kBatch) break;
  }
  flush(port);
}

void Worker::serve_batch(UdpPort& port, std::size_t count) {
  clear_if_asked();
  net::UdpSocket& socket = *port.socket;
  const Moment now = moment();
  ReturnPath path;
  path.socket = port.index;
  for (std::size_t i = 0; i < count; ++i) {
    const OctetView octets = socket.octets(i);
    if (octets.empty()) continue;
    const std::span<std::uint8_t> room = socket.reserve();
    if (room.empty()) continue;  // Counted there.
    path.peer = socket.peer(i);
    const server::Handler::Handled handled = handler_.handle({.octets = octets,
                                                              .client = path.peer.remote.address(),
                                                              .port = path.peer.remote.port(),
                                                              .transport = event::Transport::udp},
                                                             path, now, room);
    if (handled.outcome == server::Handler::Outcome::answered)
      socket.commit(handled.size, path.peer);
  }
}

void Worker::flush(UdpPort& port) {
  const bool is_full = !port.socket->flush();
  if (is_full == port.is_full) return;
  port.is_full = is_full;
  if (port.is_watched) loop_.change(port.socket->fd(), is_full ? EPOLLOUT : EPOLLIN, port);
}

void Worker::flush_all() {
  for (const auto& port : udp_) flush(*port);
}

void Worker::on_message(net::TcpConnectionId from, const Endpoint& peer, OctetView message) {
  // Replies are not taken here: this may be called from inside an answer to one.
  clear_if_asked();
  ReturnPath path;
  path.connection = from;
  const server::Handler::Handled handled = handler_.handle({.octets = message,
                                                            .client = peer.address,
                                                            .port = peer.port,
                                                            .transport = event::Transport::tcp,
                                                            .may_take = pool_.may_detach(from)},
                                                           path, moment(), scratch_);
  if (handled.outcome == server::Handler::Outcome::answered) {
    pool_.send(from, OctetView(scratch_).first(handled.size));
  } else if (handled.outcome == server::Handler::Outcome::silent) {
    pool_.forget(from);
  } else if (handled.outcome == server::Handler::Outcome::given_away) {
    if (auto connection = pool_.detach(from)) zones_->take(*std::move(connection));
  }
  if (handled.close) pool_.finish(from);
}

void Worker::answer(const ReturnPath& path, event::Transport transport, OctetView message) {
  if (transport != event::Transport::udp) {
    pool_.send(path.connection, message);
    return;
  }
  net::UdpSocket& socket = *udp_[path.socket]->socket;
  const std::span<std::uint8_t> room = socket.reserve();
  if (room.size() < message.size()) return;  // The kernel's buffer is full: counted there.
  std::memcpy(room.data(), message.data(), message.size());
  socket.commit(message.size(), path.peer);
}

void Worker::silence(const ReturnPath& path, event::Transport transport) {
  if (transport != event::Transport::udp) pool_.forget(path.connection);
}

}  // namespace postern::server
