#include "net/tcp_connection.h"

#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "base/assert.h"

namespace postern::net {

namespace {

/// Read at a time; the rest comes in the next round, after the other connections' turn.
constexpr std::size_t kReadOctets = 16 * 1024;
/// Buffers above this are given back once they are empty: most connections carry little.
constexpr std::size_t kKeptOctets = 4096;

void release_if_large(Octets& octets) {
  octets.clear();
  if (octets.capacity() > kKeptOctets) octets.shrink_to_fit();
}

}  // namespace

TcpConnection::TcpConnection(FileDescriptor fd, const Endpoint& peer, const Setup& setup)
    : fd_(std::move(fd)),
      peer_(peer),
      loop_(setup.loop),
      limits_(setup.limits),
      stats_(setup.stats),
      owner_(setup.owner),
      tag_(setup.tag) {}

TcpConnection::~TcpConnection() {
  if (watched_) loop_.unwatch(fd_.get(), *this);
}

Result<void> TcpConnection::start() {
  POSTERN_CHECK(loop_.watch(fd_.get(), EPOLLIN, *this));
  wanted_ = EPOLLIN;
  watched_ = true;
  return {};
}

bool TcpConnection::may_read() const {
  return !finishing_ && unanswered_ < limits_.max_unanswered &&
         unsent() < limits_.max_unsent_octets;
}

void TcpConnection::on_ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) write_some();
  if (is_open() && (events & EPOLLIN) != 0 && may_read()) read_some();
  // Both directions are gone, and there is nothing left to read: nobody waits for answers.
  if (is_open() && (events & (EPOLLHUP | EPOLLERR)) != 0) {
    close();
    return;
  }
  settle();
}

void TcpConnection::read_some() {
  std::array<std::uint8_t, kReadOctets> buffer;
  const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (size < 0) {
    if (errno != EAGAIN && errno != EINTR) close();
    return;
  }
  if (size == 0) {
    // The peer sends no more, but may wait for what it asked (RFC 7766 §6.2.4).
    finishing_ = true;
    return;
  }
  const OctetView got{buffer.data(), static_cast<std::size_t>(size)};
  if (input_.empty()) {
    const std::size_t used = take_messages(got);
    if (is_open()) input_.assign(got.begin() + static_cast<std::ptrdiff_t>(used), got.end());
    return;
  }
  input_.insert(input_.end(), got.begin(), got.end());
  resume();
}

void TcpConnection::resume() {
  const std::size_t used = take_messages(input_);
  if (!is_open()) return;
  if (used == input_.size()) {
    release_if_large(input_);
  } else {
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(used));
  }
}

std::size_t TcpConnection::take_messages(OctetView octets) {
  std::size_t used = 0;
  taking_ = true;
  while (is_open() && may_read() && octets.size() - used >= 2) {
    const std::size_t size = load_u16(&octets[used]);
    if (size > limits_.max_frame_octets) {
      stats_.oversized_frames.add();
      close();
      break;
    }
    if (octets.size() - used - 2 < size) break;
    ++unanswered_;
    stats_.frames.add();
    const OctetView message = octets.subspan(used + 2, size);
    untaken_ = octets.subspan(used);
    used += 2 + size;
    owner_.on_message(*this, message);
  }
  taking_ = false;
  untaken_ = {};
  if (used > 0 && is_open()) owner_.on_progress(*this);
  return used;
}

void TcpConnection::send(OctetView message) {
  if (!is_open()) return;
  POSTERN_ASSERT(unanswered_ > 0 && message.size() <= 0xffff);
  --unanswered_;
  if (unsent() + 2 + message.size() > limits_.max_buffer_octets) {
    stats_.slow_readers.add();
    close();
    return;
  }
  std::array<std::uint8_t, 2> size;
  store_u16(size.data(), static_cast<std::uint16_t>(message.size()));
  output_.insert(output_.end(), size.begin(), size.end());
  output_.insert(output_.end(), message.begin(), message.end());
  if (!taking_) settle();
}

void TcpConnection::forget() {
  if (!is_open()) return;
  POSTERN_ASSERT(unanswered_ > 0);
  --unanswered_;
  if (!taking_) settle();
}

void TcpConnection::finish() {
  finishing_ = true;
  if (!taking_) settle();
}

void TcpConnection::write_some() {
  if (!is_open() || unsent() == 0) return;
  const ssize_t size = ::send(fd_.get(), &output_[output_begin_], unsent(), MSG_NOSIGNAL);
  if (size < 0) {
    if (errno != EAGAIN && errno != EINTR) close();
    return;
  }
  output_begin_ += static_cast<std::size_t>(size);
  if (unsent() == 0) {
    release_if_large(output_);
    output_begin_ = 0;
  } else if (output_begin_ > limits_.max_unsent_octets) {
    output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(output_begin_));
    output_begin_ = 0;
  }
  owner_.on_progress(*this);
}

/// After any change: writes, takes what had to wait, and asks for the events that matter now.
void TcpConnection::settle() {
  if (!is_open()) return;
  write_some();
  // What waits in `input_` has no event of its own.
  while (is_open() && !input_.empty() && may_read()) {
    const std::size_t before = input_.size();
    resume();
    write_some();
    if (!is_open() || input_.size() == before) break;
  }
  if (!is_open()) return;
  if (finishing_ && is_idle()) {
    close();
    return;
  }
  std::uint32_t wanted = may_read() ? EPOLLIN : 0U;
  if (unsent() > 0) wanted |= EPOLLOUT;
  if (wanted == wanted_ || !watched_) return;
  loop_.change(fd_.get(), wanted, *this);
  wanted_ = wanted;
}

std::optional<DetachedConnection> TcpConnection::detach() {
  if (!is_open() || !may_detach()) return std::nullopt;
  leave_loop();
  DetachedConnection detached{std::move(fd_), peer_, {untaken_.begin(), untaken_.end()}};
  fd_ = FileDescriptor();
  stats_.closed.add();
  owner_.on_closed(*this);
  return detached;
}

void TcpConnection::leave_loop() {
  if (watched_) loop_.unwatch(fd_.get(), *this);
  watched_ = false;
}

void TcpConnection::close() {
  if (!is_open()) return;
  leave_loop();
  fd_ = FileDescriptor();
  stats_.closed.add();
  owner_.on_closed(*this);
}

}  // namespace postern::net
