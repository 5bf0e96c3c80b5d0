#include "resolve/stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "dns/message.h"
#include "net/socket_address.h"

namespace postern::resolve {
namespace {

constexpr std::size_t kReadOctets = 16U << 10;

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace

Result<std::unique_ptr<Stream>> Stream::connect(const Endpoint& server, net::TlsClient* tls) {
  const net::SocketAddress address(server);
  FileDescriptor fd(::socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return Unexpected<Error>(system_error("make a socket", errno));
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd.get(), &address.any, address.size()) != 0 && errno != EINPROGRESS) {
    return Unexpected<Error>(system_error("connect", errno));
  }
  net::Ssl ssl = tls == nullptr ? nullptr : tls->connect(fd.get());
  if (tls != nullptr && !ssl) return fail(Errc::unavailable, "start TLS");
  return std::unique_ptr<Stream>(new Stream(std::move(fd), std::move(ssl), tls));
}

Stream::Stream(FileDescriptor fd, net::Ssl ssl, net::TlsClient* tls)
    : fd_(std::move(fd)), ssl_(std::move(ssl)), tls_(tls) {}

bool Stream::send(OctetView message) {
  if (unsent_.size() + message.size() + 2 > kMaxUnsentOctets) return false;
  std::array<std::uint8_t, 2> size{};
  store_u16(size.data(), static_cast<std::uint16_t>(message.size()));
  unsent_.insert(unsent_.end(), size.begin(), size.end());
  unsent_.insert(unsent_.end(), message.begin(), message.end());
  return true;
}

bool Stream::pump(std::vector<Octets>& messages) {
  if (state_ == State::over) return false;
  if (state_ == State::connecting && !finish_connecting()) return state_ != State::over;
  if (state_ == State::handshaking && !shake_hands()) return state_ != State::over;
  return flush() && receive(messages);
}

bool Stream::end(std::string why) {
  state_ = State::over;
  failure_ = std::move(why);
  return false;
}

bool Stream::finish_connecting() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return end("connect: " + errno_text(error));
  sockaddr_storage peer;
  socklen_t peer_size = sizeof peer;
  if (::getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0)
    return false;  // Not yet.
  state_ = ssl_ ? State::handshaking : State::open;
  return true;
}

bool Stream::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    if (!tls_->accepts(ssl_.get())) return end("TLS certificate: none of the pinned keys");
    state_ = State::open;
    return true;
  }
  const int why = SSL_get_error(ssl_.get(), result);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return false;
  return end(net::TlsClient::failure_of(ssl_.get()));
}

Stream::Io Stream::io_result(int result, std::size_t& count) {
  count = result > 0 ? static_cast<std::size_t>(result) : 0;
  if (result > 0) return Io::done;
  if (ssl_) {
    const int why = SSL_get_error(ssl_.get(), result);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? Io::later : Io::over;
  }
  return result < 0 && (errno == EAGAIN || errno == EINTR) ? Io::later : Io::over;
}

Stream::Io Stream::write_some(OctetView octets, std::size_t& count) {
  ERR_clear_error();
  const int result =
      ssl_ ? SSL_write(ssl_.get(), octets.data(), static_cast<int>(octets.size()))
           : static_cast<int>(::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL));
  return io_result(result, count);
}

Stream::Io Stream::read_some(std::span<std::uint8_t> room, std::size_t& count) {
  ERR_clear_error();
  const int result = ssl_ ? SSL_read(ssl_.get(), room.data(), static_cast<int>(room.size()))
                          : static_cast<int>(::recv(fd_.get(), room.data(), room.size(), 0));
  return io_result(result, count);
}

bool Stream::flush() {
  while (sent_ < unsent_.size()) {
    std::size_t count = 0;
    const Io io = write_some(OctetView(unsent_).subspan(sent_), count);
    if (io == Io::over) return end("the connection broke while sending");
    if (io == Io::later) return true;
    sent_ += count;
  }
  unsent_.clear();
  sent_ = 0;
  return true;
}

bool Stream::receive(std::vector<Octets>& messages) {
  has_more_ = false;
  for (;;) {
    // First what the last call has left.
    if (!take_messages(messages)) return end("the server sent what is no DNS message");
    if (messages.size() >= kMaxMessages) {
      has_more_ = true;
      return true;
    }
    const std::size_t had = received_.size();
    received_.resize(had + kReadOctets);
    std::size_t count = 0;
    const Io io = read_some(std::span(received_).subspan(had), count);
    received_.resize(had + count);
    if (io == Io::over) return end("the server closed the connection");
    if (io == Io::later) return true;
  }
}

/// False where there is a message too short to be one.
bool Stream::take_messages(std::vector<Octets>& messages) {
  std::size_t at = 0;
  while (messages.size() < kMaxMessages && received_.size() - at >= 2) {
    const std::size_t size = load_u16(&received_[at]);
    if (size < dns::kHeaderOctets) return false;
    if (received_.size() - at - 2 < size) break;
    const auto begin = received_.begin() + static_cast<std::ptrdiff_t>(at) + 2;
    messages.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(size));
    at += 2 + size;
  }
  received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(at));
  return true;
}

}  // namespace postern::resolve
