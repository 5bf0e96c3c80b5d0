// ZoneService: what other name servers ask of us. Requests for zones that are published or
// transferred (NOTIFY, SOA, IXFR, AXFR) go through here; who answers them is elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/ip.h"
#include "base/octets.h"
#include "net/tcp_connection.h"

namespace postern::server {

/// A message that may be for a zone of ours, before anything is known of its sender.
struct ZoneQuestion {
  OctetView message;
  Endpoint client;
  bool is_udp = false;
  /// The largest answer over UDP, whatever the client says that it takes.
  std::size_t udp_max_octets = 1232;
  /// The connection could be given to `ZoneService::take`: nothing else is under way on it.
  bool may_take = false;
};

/// All members are called by every worker, on its thread, and return within microseconds.
class ZoneService {
 public:
  enum class Outcome : std::uint8_t {
    not_ours,  ///< Of no zone that we know: to be answered as any other query.
    answered,  ///< `size` octets of `out`.
    take,      ///< The answer is long: the connection is to be given to `take`.
  };
  struct Answer {
    Outcome outcome = Outcome::not_ours;
    std::size_t size = 0;
  };

  virtual ~ZoneService() = default;
  /// Answers into `out`, which is at least as large as the answer may be. `take` only where
  /// `question.may_take`.
  virtual Answer answer(const ZoneQuestion& question, std::span<std::uint8_t> out) = 0;
  /// Goes on with a connection of which `answer` said `take`: its first message is the question.
  virtual void take(net::DetachedConnection connection) = 0;
};

}  // namespace postern::server
