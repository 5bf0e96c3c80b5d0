#include "net/tcp_listener.h"

#include <cerrno>
#include <utility>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/socket_address.h"

namespace postern::net {

namespace {

constexpr int kBacklog = 1024;
/// Accepted in one round, so that a flood of connections does not starve UDP.
constexpr int kAcceptsPerRound = 32;
/// How long to rest where the process is out of descriptors: level-triggered events would spin.
constexpr milliseconds kRest{100};

}  // namespace

Result<std::unique_ptr<TcpListener>> TcpListener::bind(const Endpoint& at) {
  auto fd = POSTERN_TRY(bound_socket(SOCK_STREAM, at, true));
  if (::listen(fd.get(), kBacklog) != 0) {
    return Unexpected(system_error("listen on " + at.to_text(), errno));
  }
  const Endpoint local = POSTERN_TRY(local_endpoint(fd.get()));
  return std::unique_ptr<TcpListener>(new TcpListener(std::move(fd), local));
}

TcpListener::TcpListener(FileDescriptor fd, const Endpoint& local)
    : fd_(std::move(fd)), local_(local), resume_([this] {
        if (fd_) loop_->change(fd_.get(), EPOLLIN, *this);
      }) {}

TcpListener::~TcpListener() {
  stop();
}

Result<void> TcpListener::start(EventLoop& loop, TcpStats& stats, OnAccept on_accept) {
  POSTERN_CHECK(loop.watch(fd_.get(), EPOLLIN, *this));
  loop_ = &loop;
  stats_ = &stats;
  on_accept_ = std::move(on_accept);
  return {};
}

void TcpListener::stop() {
  if (loop_ != nullptr && fd_) loop_->unwatch(fd_.get(), *this);
  fd_ = FileDescriptor();
}

void TcpListener::on_ready(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerRound; ++i) {
    SocketAddress peer;
    socklen_t size = sizeof peer;
    FileDescriptor connection(::accept4(fd_.get(), &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection) {
      // Answers are written whole; waiting for more (Nagle) would only delay them.
      (void)set_option(connection.get(), IPPROTO_TCP, TCP_NODELAY, 1, "set TCP_NODELAY");
      on_accept_(std::move(connection), peer.endpoint());
      continue;
    }
    if (errno == EAGAIN) return;
    // Errors of the connection itself (ECONNABORTED and the network's, accept(2)) concern nobody
    // else; a lack of descriptors or memory lasts.
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      stats_->accept_errors.add();
      loop_->change(fd_.get(), 0, *this);
      loop_->timers().arm(resume_, loop_->now() + kRest);
      return;
    }
  }
}

}  // namespace postern::net
