// ZoneServer: what other name servers ask of us. NOTIFY (RFC 1996) for the zones that feeds are
// transferred from, and transfers of the zones that we publish.
//
// Start at ZoneServer::answer. Its parts: zone_request (what is asked), request_proof (TSIG).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/octets.h"
#include "dns/name.h"
#include "feeds/feeds.h"
#include "feeds/transfer.h"
#include "net/tcp_connection.h"

namespace postern::feeds {

/// A zone that is transferred from others, of which they may tell us that it has changed.
struct NotifySource {
  dns::Name zone;
  std::vector<IpAddress> primaries;
  std::optional<TransferKey> key;  ///< Then a NOTIFY must be signed with it.
};

struct ZoneServerOptions {
  std::vector<NotifySource> sources;
};

/// The sources of the feeds that are transferred.
std::vector<NotifySource> notify_sources(const std::vector<Source>& feeds);

/// A message that may be for one of these zones, from anybody.
struct ZoneQuestion {
  OctetView message;
  Endpoint client;
  bool is_udp = false;
  std::size_t udp_max_octets = 1232;  ///< The largest answer over UDP, whatever the client takes.
  bool may_take = false;              ///< Its connection can be given to `take`.
};

struct ZoneAnswer {
  enum class Outcome : std::uint8_t {
    not_ours,  ///< Of no zone that we know.
    answered,  ///< `size` octets of `out`.
    take,      ///< The connection is to be given to `take`.
  };
  Outcome outcome = Outcome::not_ours;
  std::size_t size = 0;
};

/// All members may be called from any thread.
class ZoneServer {
 public:
  /// Runs a thread of its own. All passed by reference must outlive the ZoneServer.
  static std::unique_ptr<ZoneServer> start(ZoneServerOptions options, Feeds& feeds, Log& log);
  virtual ~ZoneServer() = default;

  /// Answers into `out`, which has 65535 octets, or over UDP at least `udp_max_octets`. Returns
  /// within microseconds: a lock, some look-ups, and an HMAC or two where TSIG is spoken.
  virtual ZoneAnswer answer(const ZoneQuestion& question, std::span<std::uint8_t> out) = 0;
  /// Goes on with a connection of which `answer` said `take`: its first message is the question.
  virtual void take(net::DetachedConnection connection) = 0;
  /// After a configuration reload.
  virtual void reconfigure(ZoneServerOptions options) = 0;
  virtual void collect(Metrics& metrics) const = 0;
  virtual void stop() = 0;
};

}  // namespace postern::feeds
