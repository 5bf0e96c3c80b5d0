#include "feeds/transfer_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/sha.h>
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
/// ALPN "dot", length first (RFC 9103 §7.1).
constexpr std::array<unsigned char, 4> kAlpn{3, 'd', 'o', 't'};

struct X509Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

Unexpected<Error> tls_failure(std::string_view doing) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_peek_last_error(), text.data(), text.size());
  ERR_clear_error();
  return fail(Errc::unavailable, std::string(doing) + ": " + text.data());
}

bool has_pinned_key(SSL* ssl, const std::vector<Octets>& pins) {
  const std::unique_ptr<X509, X509Free> certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate) return false;
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
  if (size <= 0) return false;
  Octets digest(SHA256_DIGEST_LENGTH);
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  OPENSSL_free(der);
  return std::ranges::find(pins, digest) != pins.end();
}

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

void TransferStream::SslFree::operator()(ssl_st* ssl) const {
  if (SSL_is_init_finished(ssl)) SSL_shutdown(ssl);
  SSL_free(ssl);
  ERR_clear_error();
}
void TransferStream::SslFree::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

TransferStream::~TransferStream() = default;

Result<std::unique_ptr<TransferStream>> TransferStream::connect(const Primary& primary,
                                                                const std::string& ca_file,
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
  if (primary.transport == Primary::Transport::tls) {
    POSTERN_CHECK(stream->start_tls(primary, ca_file));
    POSTERN_CHECK(stream->shake_hands(primary, patience));
  }
  return stream;
}

Result<void> TransferStream::start_tls(const Primary& primary, const std::string& ca_file) {
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = context_.get();
  // RFC 9103 §7: nothing older.
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_alpn_protos(context, kAlpn.data(), kAlpn.size()) != 0) {
    return tls_failure("set up TLS");
  }
  const bool has_authorities =
      ca_file.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                      : SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) == 1;
  if (!has_authorities) return tls_failure("read CA certificates " + ca_file);
  // With pins the key alone decides, after the handshake.
  SSL_CTX_set_verify(context, primary.tls_pins.empty() ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                     nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ssl_.reset(SSL_new(context));
  if (!ssl_ || SSL_set_fd(ssl_.get(), fd_.get()) != 1) return tls_failure("set up TLS");
  bool is_named = false;
  if (primary.tls_name.empty()) {
    const std::string address = primary.endpoint.address.to_text();
    is_named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), address.c_str()) == 1;
  } else {
    is_named = SSL_set_tlsext_host_name(ssl_.get(), primary.tls_name.c_str()) == 1 &&
               SSL_set1_host(ssl_.get(), primary.tls_name.c_str()) == 1;
  }
  if (!is_named) return tls_failure("set up TLS");
  SSL_set_connect_state(ssl_.get());
  return {};
}

Result<void> TransferStream::shake_hands(const Primary& primary, const Patience& patience) {
  for (;;) {
    ERR_clear_error();
    std::size_t ignored = 0;
    const Io io = io_result(SSL_do_handshake(ssl_.get()), ignored);
    if (io == Io::done) break;
    if (io == Io::over) {
      const long verified = SSL_get_verify_result(ssl_.get());
      if (verified != X509_V_OK) {
        ERR_clear_error();
        return fail(Errc::denied,
                    std::string("TLS certificate: ") + X509_verify_cert_error_string(verified));
      }
      if (ERR_peek_last_error() != 0) return tls_failure("TLS handshake");
      return fail(Errc::unavailable, "TLS handshake: the server ended the connection");
    }
    POSTERN_CHECK(wait(io, patience));
  }
  if (!primary.tls_pins.empty() && !has_pinned_key(ssl_.get(), primary.tls_pins)) {
    return fail(Errc::denied, "TLS certificate: none of the pinned keys");
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
