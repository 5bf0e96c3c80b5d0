// ZoneDesk: who may ask for which zone, and what the answer is. The ZoneServer without its threads.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/guarded.h"
#include "base/log.h"
#include "base/metric.h"
#include "feeds/published_zone.h"
#include "feeds/transfer_stream.h"
#include "feeds/zone_keys.h"
#include "feeds/zone_request.h"
#include "feeds/zone_server.h"

namespace postern::feeds {

/// The nodes of a version, made for the first who wants them and gone with the last. Any thread.
class SharedFlat {
 public:
  /// `kept`: where there is one anyway.
  SharedFlat(FlatPlan plan, PolicyMoment moment, std::shared_ptr<const FlatPolicy> kept)
      : plan_(std::move(plan)), moment_(std::move(moment)), kept_(std::move(kept)) {}

  /// Waits for who makes it, or makes it: about 1 µs a rule.
  Result<std::shared_ptr<const FlatPolicy>> get();

 private:
  const FlatPlan plan_;
  const PolicyMoment moment_;
  const std::shared_ptr<const FlatPolicy> kept_;
  std::mutex mutex_;
  std::weak_ptr<const FlatPolicy> made_;  // Guarded by mutex_.
};

/// What is answered from. Never changes once it is shown.
struct ServedZones {
  struct Source {
    NotifySource zone;
    ZoneKeys keys;
  };
  struct Zone {
    PublishedZoneOptions options;
    ZoneKeys keys;
    std::shared_ptr<const ZoneVersion> version;  ///< Null: none is made yet.
    std::shared_ptr<SharedFlat> flat;
    std::shared_ptr<const intel::IndicatorLedger> indicators;  ///< Null: none are made.
  };
  std::vector<Source> sources;
  std::vector<Zone> zones;
};

struct DeskAnswer {
  ZoneAnswer::Outcome outcome = ZoneAnswer::Outcome::not_ours;
  Octets message;
  bool is_refused = false;
};

/// All members may be called from any thread.
class ZoneDesk {
 public:
  ZoneDesk(Feeds& feeds, Log& log);

  void show(std::shared_ptr<const ServedZones> zones);
  /// One message for one message, or `take`: the answer is longer.
  DeskAnswer answer(const ZoneQuestion& question, const ZoneRequest& request, std::uint64_t now_s);
  /// Sends the whole answer to `message`. Errors where the connection is of no more use, as that
  /// of somebody who is refused.
  Result<void> converse(OctetView message, const Endpoint& client, TransferStream& stream,
                        const Patience& patience);
  /// Whether some published zone may be for this address; keys are asked for later.
  bool may_have_any(const IpAddress& client) const;
  /// As ZoneServer::list.
  Result<ZoneList> list(std::string_view name) const;
  /// As ZoneServer::collections.
  std::vector<PublishedCollection> collections() const;
  void collect(Metrics& metrics) const;

 private:
  struct Stats {
    SharedCounter notifies, notifies_refused;
    SharedCounter soas, ixfrs, axfrs, refused;
  };

  DeskAnswer take_notify(const ServedZones& zones, const ZoneQuestion& question,
                         const ZoneRequest& request, std::uint64_t now_s);
  DeskAnswer take_notify_of(const ServedZones::Source& source, const ZoneQuestion& question,
                            const ZoneRequest& request, std::uint64_t now_s);
  DeskAnswer answer_of(const ServedZones::Zone& zone, const ZoneQuestion& question,
                       const ZoneRequest& request, std::uint64_t now_s);
  /// Who a zone is sent to.
  struct Peer {
    const Endpoint& client;
    TransferStream& stream;
    const Patience& patience;
  };
  Result<void> send_zone(const ServedZones::Zone& zone, OctetView message,
                         const ZoneRequest& request, const Peer& peer);

  Feeds& feeds_;
  Log& log_;
  Stats stats_;
  Guarded<std::shared_ptr<const ServedZones>> served_;
};

}  // namespace postern::feeds
