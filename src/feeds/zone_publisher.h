// ZonePublisher: makes new versions of the published zones when the policy has changed, and tells
// the secondaries.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/published.h"
#include "base/time.h"
#include "feeds/notify_sender.h"
#include "feeds/published_indicators.h"
#include "feeds/published_zone.h"
#include "feeds/zone_desk.h"
#include "feeds/zone_keys.h"
#include "feeds/zone_server.h"

namespace postern::feeds {

/// One thread, but for `collect`.
class ZonePublisher {
 public:
  ZonePublisher(const ZoneServerOptions& options, Log& log);

  /// A zone that is the same keeps its versions.
  void reconfigure(const ZoneServerOptions& options);
  /// Makes versions where the policy is another than before, and sends NOTIFY. True where something
  /// is to be shown that was not before.
  bool work(const PublishedPolicy& policy, MonoTime now, WallTime at);
  /// Nothing to look for: no zone is published.
  bool is_idle() const { return zones_.empty(); }
  /// Adds the zones as they are.
  void show(ZoneKeyLoader& keys, ServedZones& served);
  /// From any thread.
  void collect(Metrics& metrics) const;

 private:
  struct Zone {
    PublishedZoneOptions options;
    std::unique_ptr<PublishedZone> made;
    std::shared_ptr<SharedFlat> flat;
    std::unique_ptr<PublishedIndicators> indicators;  // Where the zone is a collection too.
    std::string error;                                // Of the last update.
    bool is_told = false;                             // That it is not exact.
    bool is_news = false;                             // Its secondaries are to be told.
  };
  struct ShownZone {
    std::string name;
    std::uint32_t serial = 0;
    std::size_t records = 0;
    std::size_t left_out = 0;
    std::size_t history_octets = 0;
    std::optional<std::size_t> indicators;
    std::size_t indicators_left_out = 0;
  };

  void update_indicators(Zone& zone, std::uint64_t now_s) const;
  /// False where all is as it was.
  bool update(Zone& zone, const PolicyMoment& moment, std::uint64_t now_s);
  bool are_due(const PolicyMoment& moment) const;
  void tell(const Zone& zone) const;
  std::string mark_path(const Zone& zone) const;
  Zone make_zone(const PublishedZoneOptions& options) const;
  void show_stats();

  Log& log_;
  std::string state_dir_;
  dns::Name hidden_label_;
  std::vector<Zone> zones_;
  PolicyMoment seen_;
  std::vector<std::optional<std::uint16_t>> seen_groups_;  // In force then, of `zones_`.
  std::optional<WallTime> next_end_;                       // Of an exception.
  MonoTime next_update_{};
  NotifyStats notify_stats_;
  NotifySender notifier_;
  Guarded<std::vector<ShownZone>> shown_;
};

}  // namespace postern::feeds
