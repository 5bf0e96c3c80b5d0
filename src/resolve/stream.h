// One TCP or TLS connection to an upstream server: whole messages in and out (RFC 7766 §8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/octets.h"
#include "base/result.h"
#include "net/tls_client.h"

namespace postern::resolve {

/// Never blocks. Made for edge-triggered readiness: after any event on `fd`, and after `send`,
/// call `pump`, which does all that the socket lets it do, and again while it `has_more`. One
/// thread. Holds no more than a message and a read of what has come.
class Stream {
 public:
  static constexpr std::size_t kMaxUnsentOctets = 256U << 10;  ///< Then `send` refuses.
  static constexpr std::size_t kMaxMessages = 64;              ///< From one `pump`.

  /// Begins to connect. `tls` null: plain TCP; otherwise it must outlive the stream.
  static Result<std::unique_ptr<Stream>> connect(const Endpoint& server, net::TlsClient* tls);

  int fd() const { return fd_.get(); }
  /// Takes a message to be sent as soon as that can be. False where too much is unsent.
  bool send(OctetView message);
  /// Appends messages that have come to `messages`, kMaxMessages at most. False: the connection is
  /// over, and `failure` says why; what has come before still counts.
  bool pump(std::vector<Octets>& messages);
  /// `pump` has stopped at its bound: no event will tell of what is left.
  bool has_more() const { return has_more_; }

  bool is_open() const { return state_ == State::open; }
  const std::string& failure() const { return failure_; }

 private:
  enum class State : std::uint8_t { connecting, handshaking, open, over };
  enum class Io : std::uint8_t { done, later, over };

  Stream(FileDescriptor fd, net::Ssl ssl, net::TlsClient* tls);
  bool end(std::string why);
  bool finish_connecting();
  bool shake_hands();
  bool flush();
  bool receive(std::vector<Octets>& messages);
  Io write_some(OctetView octets, std::size_t& count);
  Io read_some(std::span<std::uint8_t> room, std::size_t& count);
  Io io_result(int result, std::size_t& count);
  bool take_messages(std::vector<Octets>& messages);

  FileDescriptor fd_;
  net::Ssl ssl_;
  net::TlsClient* tls_;
  State state_ = State::connecting;
  Octets unsent_;
  std::size_t sent_ = 0;  ///< Of `unsent_`, from its front.
  Octets received_;       ///< The beginning of a message that is not whole yet.
  bool has_more_ = false;
  std::string failure_;
};

}  // namespace postern::resolve
