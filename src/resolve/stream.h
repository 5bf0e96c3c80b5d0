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
#include "resolve/tls_client.h"

namespace postern::resolve {

/// Never blocks. Made for edge-triggered readiness: after any event on `fd`, and after `send`,
/// call `pump`, which does all that the socket lets it do. One thread.
class Stream {
 public:
  static constexpr std::size_t kMaxUnsentOctets = 256U << 10;  ///< Then `send` refuses.

  /// Begins to connect. `tls` null: plain TCP; otherwise it must outlive the stream.
  static Result<std::unique_ptr<Stream>> connect(const Endpoint& server, TlsClient* tls);

  int fd() const { return fd_.get(); }
  /// Takes a message to be sent as soon as that can be. False where too much is unsent.
  bool send(OctetView message);
  /// Appends the messages that have come to `messages`. False: the connection is over, and
  /// `failure` says why; what has come before still counts.
  bool pump(std::vector<Octets>& messages);

  bool is_open() const { return state_ == State::open; }
  const std::string& failure() const { return failure_; }

 private:
  enum class State : std::uint8_t { connecting, handshaking, open, over };
  enum class Io : std::uint8_t { done, later, over };

  Stream(FileDescriptor fd, Ssl ssl, TlsClient* tls);
  bool end(std::string why);
  bool finish_connecting();
  bool shake_hands();
  bool flush();
  bool receive(std::vector<Octets>& messages);
  Io write_some(OctetView octets, std::size_t& count);
  Io read_some(std::span<std::uint8_t> room, std::size_t& count);
  Io io_result(int result, std::size_t& count);
  void take_messages(std::vector<Octets>& messages);

  FileDescriptor fd_;
  Ssl ssl_;
  TlsClient* tls_;
  State state_ = State::connecting;
  Octets unsent_;
  std::size_t sent_ = 0;  ///< Of `unsent_`, from its front.
  Octets received_;       ///< The beginning of a message that is not whole yet.
  std::string failure_;
};

}  // namespace postern::resolve
