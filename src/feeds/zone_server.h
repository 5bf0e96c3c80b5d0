// ZoneServer: what other name servers ask of us. NOTIFY (RFC 1996) for the zones that feeds are
// transferred from, and transfers of the zones that we publish.
//
// Start at ZoneServer::answer. Its parts: zone_request (what is asked), request_proof (TSIG),
// published_zone (versions and what has changed), flat_policy (the records), zone_messages (how
// they are sent), zone_streams (the connections), notify_sender. Nothing here knows what a
// connection is made of: transfer_stream speaks TCP and TLS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/octets.h"
#include "base/published.h"
#include "dns/name.h"
#include "feeds/feeds.h"
#include "feeds/flat_policy.h"
#include "feeds/transfer.h"
#include "intel/indicator_ledger.h"
#include "net/tcp_connection.h"

namespace postern::feeds {

/// A zone that is transferred from others, of which they may tell us that it has changed.
struct NotifySource {
  dns::Name zone;
  std::vector<IpAddress> primaries;
  std::optional<TransferKey> key;  ///< Then a NOTIFY must be signed with it.
};

/// The same policy as indicators that others poll by TAXII. Who may: by name and password, or by
/// token; nobody where there is neither.
struct CollectionOptions {
  std::string title;
  std::string user;
  std::string password_file;
  std::string token_file;

  bool operator==(const CollectionOptions&) const = default;
};

/// A zone that others may transfer from us: the policy of a group.
struct PublishedZoneOptions {
  std::string name;  ///< [a-z0-9][a-z0-9._-]*: of its file, and for people.
  dns::Name zone;
  std::string group;
  Wildcards wildcards = Wildcards::rfc4592;  ///< As the secondaries read them.
  /// Who may have it: from these addresses, or any where there are none, and signed with one of the
  /// keys, if there are any. Nobody where there are neither.
  std::vector<IpPrefix> clients;
  std::vector<TransferKey> keys;
  std::vector<Endpoint> notify;  ///< Told of each new serial, signed with the first key.
  std::uint64_t history_octets = 16U << 20;
  bool tls_only = false;  ///< Without TLS nothing is said but its serial.
  std::optional<CollectionOptions> collection;

  bool operator==(const PublishedZoneOptions&) const = default;
};

/// Where secondaries may have zones over TLS (RFC 9103). Nowhere where `listen` is empty.
struct TransferListenerOptions {
  std::vector<Endpoint> listen;
  std::string certificate_file;  ///< PEM, with those between it and the authority.
  std::string key_file;          ///< PEM.
};

struct ZoneServerOptions {
  std::vector<NotifySource> sources;
  std::vector<PublishedZoneOptions> published;
  std::string state_dir;  ///< Serials that survive a restart; made if missing.
  TransferListenerOptions tls;
};

/// The sources of the feeds that are transferred.
std::vector<NotifySource> notify_sources(const std::vector<Source>& feeds);

/// A message that may be for one of these zones, from anybody.
struct ZoneQuestion {
  OctetView message;
  Endpoint client;
  bool is_udp = false;
  bool is_over_tls = false;
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

/// A published zone as a plain list, for who knows no zones: "name" for a name that is blocked,
/// "*.name" for all names below one, each on a line.
struct ZoneList {
  std::string digest;  ///< The same one, the same list.
  /// Makes the list ready, which takes about 1 µs a rule; then it comes part by part, some
  /// milliseconds each, false at the end.
  std::function<Result<std::function<bool(std::string& part)>>()> open;
};

/// A published zone as a collection of STIX indicators.
struct PublishedCollection {
  std::string id;  ///< A UUID, the same as long as the zone has its name.
  CollectionOptions options;
  std::shared_ptr<const intel::IndicatorLedger> indicators;  ///< Null: not made yet.
};

/// All that decides, as it is published for who looks. What is referred to outlives who has it.
struct PublishedPolicy {
  const Published<policy::Generation>& generation;
  const Published<policy::ExceptionTable>& exceptions;
};

/// All members may be called from any thread.
class ZoneServer {
 public:
  /// Runs a thread of its own, and one for each connection that it takes. All passed by reference
  /// must outlive the ZoneServer. Where zones are published, `policy` is looked at four times a
  /// second, and where it decides otherwise for the zone's group that costs some microseconds of
  /// CPU for each rule of the zone.
  /// Errors: an address of `ZoneServerOptions::tls` cannot be had.
  static Result<std::unique_ptr<ZoneServer>> start(ZoneServerOptions options,
                                                   const PublishedPolicy& policy, Feeds& feeds,
                                                   Log& log);
  virtual ~ZoneServer() = default;

  /// Answers into `out`, which has 65535 octets, or over UDP at least `udp_max_octets`. Returns
  /// within microseconds: a lock, some look-ups, and an HMAC or two where TSIG is spoken.
  virtual ZoneAnswer answer(const ZoneQuestion& question, std::span<std::uint8_t> out) = 0;
  /// Goes on with a connection of which `answer` said `take`: its first message is the question.
  virtual void take(net::DetachedConnection connection) = 0;
  /// Errors: `not_found`, no zone is published by that name; `unavailable`, it is not made yet.
  virtual Result<ZoneList> list(std::string_view name) const = 0;
  /// Those that are configured.
  virtual std::vector<PublishedCollection> collections() const = 0;
  /// After a configuration reload.
  virtual void reconfigure(ZoneServerOptions options) = 0;
  virtual void collect(Metrics& metrics) const = 0;
  virtual void stop() = 0;
};

}  // namespace postern::feeds
