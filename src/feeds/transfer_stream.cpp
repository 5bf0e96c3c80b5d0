#include "feeds/transfer_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <sys/socket.h>

#include "net/socket_address.h"

namespace postern::feeds {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kReadOctets = 64U << 10;
constexpr milliseconds kSlice{100};  // How soon a cancelled wait ends.
}  // namespace

Result<void> wait_for(int fd, short events, const Patience& patience) {
  const auto end = std::min(patience.end, steady_clock::now() + patience.silence);
  for (;;) {
    if (patience.cancelled.load(std::memory_order_relaxed)) {
      return fail(Errc::unavailable, "stopped");
    }
    const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
    if (left <= milliseconds(0)) {
      const bool is_silence = end < patience.end;
      return fail(Errc::timed_out, is_silence ? "no answer within " +
                                                    std::to_string(patience.silence.count()) + " ms"
                                              : "the transfer takes too long");
    }
    pollfd waiting{fd, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min(left, kSlice).count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return Unexpected<Error>(system_error("wait", errno));
  }
}

TransferStream::~TransferStream() = default;

Result<std::unique_ptr<TransferStream>> TransferStream::connect(const net::DnsServer& primary,
                                                                const Patience& patience) {
  const net::SocketAddress address(primary.endpoint);
  FileDescriptor fd(::socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return Unexpected<Error>(system_error("make a socket", errno));
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd.get(), &address.any, address.size()) != 0) {
    if (errno != EINPROGRESS) return Unexpected<Error>(system_error("connect", errno));
    POSTERN_CHECK(wait_for(fd.get(), POLLOUT, patience));
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return Unexpected<Error>(system_error("connect", error));
  }
  std::unique_ptr<TransferStream> stream(new TransferStream(std::move(fd)));
  if (primary.transport == net::DnsServer::Transport::tls) {
    // RFC 9103 §7: nothing older.
    stream->tls_ = POSTERN_TRY(net::TlsClient::create(primary, net::TlsClient::Oldest::tls_1_3));
    POSTERN_CHECK(stream->shake_hands(stream->tls_->connect(stream->fd_.get()), patience));
    if (!stream->tls_->accepts(stream->ssl_.get())) {
      return fail(Errc::denied, "TLS certificate: none of the pinned keys");
    }
  }
  return stream;
}

Result<std::unique_ptr<TransferStream>> TransferStream::accept(FileDescriptor fd,
                                                               const net::TlsServer& tls,
                                                               const Patience& patience) {
  std::unique_ptr<TransferStream> stream(new TransferStream(std::move(fd)));
  POSTERN_CHECK(stream->shake_hands(tls.accept(stream->fd_.get()), patience));
  if (!net::TlsServer::accepts(stream->ssl_.get())) {
    return fail(Errc::denied, "TLS: the client does not say that it speaks \"dot\"");
  }
  return stream;
}

std::unique_ptr<TransferStream> TransferStream::adopt(FileDescriptor fd, Octets received) {
  std::unique_ptr<TransferStream> stream(new TransferStream(std::move(fd)));
  stream->received_ = std::move(received);
  return stream;
}

Result<void> TransferStream::shake_hands(net::Ssl ssl, const Patience& patience) {
  ssl_ = std::move(ssl);
  if (!ssl_) return fail(Errc::unavailable, "set up TLS");
  for (;;) {
    ERR_clear_error();
    std::size_t ignored = 0;
    const Io io = io_result(SSL_do_handshake(ssl_.get()), ignored);
    if (io == Io::done) break;
    if (io == Io::over) {
      const bool is_denied = SSL_get_verify_result(ssl_.get()) != X509_V_OK;
      return fail(is_denied ? Errc::denied : Errc::unavailable,
                  net::TlsClient::failure_of(ssl_.get()));
    }
    POSTERN_CHECK(wait(io, patience));
  }
  return {};
}

TransferStream::Io TransferStream::io_result(long result, std::size_t& count) const {
  count = result > 0 ? static_cast<std::size_t>(result) : 0;
  if (result > 0) return Io::done;
  if (!ssl_) {
    return result < 0 && (errno == EAGAIN || errno == EINTR) ? Io::wants_read : Io::over;
  }
  switch (SSL_get_error(ssl_.get(), static_cast<int>(result))) {
    case SSL_ERROR_WANT_READ:
      return Io::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return Io::wants_write;
    default:
      return Io::over;
  }
}

Result<void> TransferStream::wait(Io io, const Patience& patience) const {
  return wait_for(fd_.get(), io == Io::wants_write ? POLLOUT : POLLIN, patience);
}

Result<void> TransferStream::send(OctetView message, const Patience& patience) {
  Octets octets(2 + message.size());
  store_u16(octets.data(), static_cast<std::uint16_t>(message.size()));
  std::ranges::copy(message, octets.begin() + 2);
  for (std::size_t sent = 0; sent < octets.size();) {
    const OctetView rest = OctetView(octets).subspan(sent);
    ERR_clear_error();
    std::size_t count = 0;
    const long result =
        ssl_ ? SSL_write(ssl_.get(), rest.data(), static_cast<int>(rest.size()))
             : static_cast<long>(::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL));
    const Io io = io_result(result, count);
    if (io == Io::over) return fail(Errc::unavailable, "the connection broke while sending");
    if (io != Io::done) {
      POSTERN_CHECK(wait(ssl_ ? io : Io::wants_write, patience));
    }
    sent += count;
  }
  return {};
}

Result<Octets> TransferStream::receive(const Patience& patience) {
  for (;;) {
    const std::size_t had = received_.size() - taken_;
    const std::size_t size = had < 2 ? 0 : load_u16(&received_[taken_]);
    if (had >= 2 && had - 2 >= size) {
      const auto begin = received_.begin() + static_cast<std::ptrdiff_t>(taken_ + 2);
      Octets message(begin, begin + static_cast<std::ptrdiff_t>(size));
      taken_ += 2 + size;
      return message;
    }
    received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
    POSTERN_CHECK(read_more(patience));
  }
}

Result<void> TransferStream::read_more(const Patience& patience) {
  const std::size_t had = received_.size();
  received_.resize(had + kReadOctets);
  std::uint8_t* const room = &received_[had];
  std::size_t count = 0;
  Result<void> waited;
  Io io = Io::over;
  do {
    ERR_clear_error();
    const long result = ssl_ ? SSL_read(ssl_.get(), room, static_cast<int>(kReadOctets))
                             : static_cast<long>(::recv(fd_.get(), room, kReadOctets, 0));
    io = io_result(result, count);
    if (io == Io::wants_read || io == Io::wants_write) waited = wait(io, patience);
  } while (io != Io::done && io != Io::over && waited);
  received_.resize(had + count);
  if (!waited) return waited;
  if (io == Io::over) {
    return fail(Errc::unavailable, had == 0 ? "the server closed the connection"
                                            : "the connection ended inside a message");
  }
  return {};
}

}  // namespace postern::feeds
