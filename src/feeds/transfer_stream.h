// One connection to another name server, TCP or TLS, that waits: whole messages out and in.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/octets.h"
#include "base/result.h"
#include "base/time.h"
#include "net/tls_client.h"
#include "net/tls_server.h"

namespace postern::feeds {

/// How long may be waited: for all of a try, and for the other side to say something.
struct Patience {
  const std::atomic<bool>& cancelled;  ///< From any thread: ends every wait within 0.1 s.
  std::chrono::steady_clock::time_point end;
  milliseconds silence{30'000};
};

/// Waits until `fd` has one of the poll `events` ready. Errors: `timed_out` ("no answer within
/// …"), `unavailable` where cancelled.
Result<void> wait_for(int fd, short events, const Patience& patience);

/// RFC 7766 §8; over TLS RFC 9103: version 1.3, ALPN "dot", and a server that is who it should be.
/// One thread; for threads of which a wait holds up nothing else.
class TransferStream {
 public:
  /// Connects and, for TLS, shakes hands.
  static Result<std::unique_ptr<TransferStream>> connect(const net::DnsServer& primary,
                                                         const Patience& patience);
  /// A connection that another server has opened to us. `received` has come over it already.
  static std::unique_ptr<TransferStream> adopt(FileDescriptor fd, Octets received);
  /// One that another server has opened to us over TLS, whose handshake is still to come.
  static Result<std::unique_ptr<TransferStream>> accept(FileDescriptor fd,
                                                        const net::TlsServer& tls,
                                                        const Patience& patience);
  ~TransferStream();
  TransferStream(const TransferStream&) = delete;
  TransferStream& operator=(const TransferStream&) = delete;

  bool is_over_tls() const { return ssl_ != nullptr; }

  Result<void> send(OctetView message, const Patience& patience);
  /// The next message; an error also where the connection ends.
  Result<Octets> receive(const Patience& patience);

 private:
  enum class Io : std::uint8_t { done, wants_read, wants_write, over };

  explicit TransferStream(FileDescriptor fd) : fd_(std::move(fd)) {}
  Result<void> shake_hands(net::Ssl ssl, const Patience& patience);
  Io io_result(long result, std::size_t& count) const;
  Result<void> wait(Io io, const Patience& patience) const;
  Result<void> read_more(const Patience& patience);

  FileDescriptor fd_;
  std::unique_ptr<net::TlsClient> tls_;
  net::Ssl ssl_;
  Octets received_;  ///< What came and is not given out yet, from `taken_` on.
  std::size_t taken_ = 0;
};

}  // namespace postern::feeds
