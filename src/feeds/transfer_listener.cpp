#include "feeds/transfer_listener.h"

#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/thread.h"
#include "feeds/clocks.h"
#include "net/socket_address.h"

namespace postern::feeds {
namespace {

constexpr int kBacklog = 64;
constexpr milliseconds kSlice{100};  // How soon a stop is seen.
/// How soon changed files count.
constexpr seconds kReload{5};

}  // namespace

Result<std::unique_ptr<TransferListener>> TransferListener::start(TransferListenerOptions options,
                                                                  ZoneStreams& streams,
                                                                  Admits admits, Log& log) {
  using Made = TransferListener;
  std::unique_ptr<Made> made(new Made(std::move(options), streams, std::move(admits), log));
  const TransferListenerOptions& wanted = made->options_;
  if (wanted.listen.empty()) return made;
  made->stamp_ = made->stamp();
  // Names are to be answered whatever becomes of transfers.
  auto tls = net::TlsServer::create(wanted.certificate_file, wanted.key_file);
  if (tls) {
    made->use(*std::move(tls));
  } else {
    log.error("zones",
              "no transfers over TLS until the certificate can be used, which is looked "
              "for every few seconds: " +
                  tls.error().text);
  }
  for (const Endpoint& at : wanted.listen) {
    FileDescriptor fd = POSTERN_TRY(net::bound_socket(SOCK_STREAM, at, false));
    if (::listen(fd.get(), kBacklog) != 0) {
      return Unexpected<Error>(system_error("listen on " + at.to_text(), errno));
    }
    made->listeners_.push_back(std::move(fd));
  }
  made->thread_ =
      std::jthread([self = made.get()](const std::stop_token& stopping) { self->run(stopping); });
  return made;
}

void TransferListener::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void TransferListener::run(const std::stop_token& stopping) {
  enter_thread("transfers");
  std::vector<pollfd> waiting;
  for (const FileDescriptor& each : listeners_) waiting.push_back({each.get(), POLLIN, 0});
  MonoTime next_refresh = mono_now() + kReload;
  while (!stopping.stop_requested()) {
    const int ready =
        ::poll(waiting.data(), waiting.size(), static_cast<int>(milliseconds(kSlice).count()));
    if (mono_now() >= next_refresh) {
      refresh();
      next_refresh = mono_now() + kReload;
    }
    for (std::size_t i = 0; ready > 0 && i < waiting.size(); ++i) {
      if (waiting[i].revents != 0) accept_from(listeners_[i]);
    }
  }
}

void TransferListener::accept_from(const FileDescriptor& listener) {
  net::SocketAddress peer;
  socklen_t size = sizeof peer;
  FileDescriptor fd(::accept4(listener.get(), &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) {
    // What concerns the connection alone (accept(2)) is over; a lack of descriptors lasts.
    const bool is_lack = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    // sleep: without it a lack of descriptors would be a busy loop.
    if (is_lack) std::this_thread::sleep_for(kSlice);
    return;
  }
  // Before anything is done for it: whoever may not have a zone takes nobody's place.
  if (tls_ == nullptr || !admits_(peer.endpoint().address)) return refused_.add();
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  streams_.take({std::move(fd), peer.endpoint(), {}}, tls_);
}

void TransferListener::collect(Metrics& metrics) const {
  metrics.push_back({"postern_transfer_tls_refused_total", MetricKind::counter,
                     "Connections to server.transfer_tls from addresses that may have no zone, or "
                     "while there is no certificate.",
                     "", static_cast<double>(refused_.value())});
  if (options_.listen.empty()) return;
  metrics.push_back({"postern_transfer_tls_ready", MetricKind::gauge,
                     "1 where zones can be had over server.transfer_tls; 0 while its certificate "
                     "cannot be used.",
                     "", is_ready_.load(std::memory_order_relaxed) ? 1.0 : 0.0});
}

void TransferListener::use(std::shared_ptr<const net::TlsServer> tls) {
  tls_ = std::move(tls);
  is_ready_.store(true, std::memory_order_relaxed);
}

std::string TransferListener::stamp() const {
  std::string text;
  for (const std::string* file : {&options_.certificate_file, &options_.key_file}) {
    struct stat info{};
    if (::stat(file->c_str(), &info) != 0) continue;
    text += std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + "." +
            std::to_string(info.st_size) + "." + std::to_string(info.st_ino) + "." +
            std::to_string(info.st_ctim.tv_sec) + " ";  // Who may read it.
  }
  return text;
}

void TransferListener::refresh() {
  std::string now = stamp();
  if (now == stamp_) return;
  stamp_ = std::move(now);
  auto read = net::TlsServer::create(options_.certificate_file, options_.key_file);
  if (!read) {
    log_.error("zones", (tls_ != nullptr ? "the certificate of before stays in use for transfers: "
                                         : "still no transfers over TLS: ") +
                            read.error().text);
    return;
  }
  use(*std::move(read));
  log_.info("zones", "read the certificate " + options_.certificate_file + " anew");
}

}  // namespace postern::feeds
