#include "feeds/zone_publisher.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include <sys/random.h>

#include "base/assert.h"
#include "feeds/clocks.h"
#include "feeds/files.h"

namespace postern::feeds {
namespace {

/// Of the time, what making new versions may take at most: one part in so many.
constexpr int kShare = 5;
constexpr std::uint64_t kMaxMarkOctets = 4096;

// A label that nobody can know, and so no rule can have.
dns::Name random_label() {
  std::array<std::uint8_t, 16> octets{};
  // So few come at once or not at all (getrandom(2)).
  static_cast<void>(!::getrandom(octets.data(), octets.size(), 0));
  std::string text;
  for (const std::uint8_t octet : octets) text += static_cast<char>('a' + octet % 26);
  const auto name = dns::Name::from_text(text);
  POSTERN_ASSERT(name.has_value());
  return *name;
}

bool makes_the_same(const PublishedZoneOptions& a, const PublishedZoneOptions& b) {
  return a.name == b.name && a.zone == b.zone && a.group == b.group && a.wildcards == b.wildcards &&
         a.history_octets == b.history_octets;
}

}  // namespace

ZonePublisher::ZonePublisher(const ZoneServerOptions& options, Log& log)
    : log_(log), hidden_label_(random_label()), notifier_(notify_stats_, log) {
  reconfigure(options);
}

void ZonePublisher::reconfigure(const ZoneServerOptions& options) {
  state_dir_ = options.state_dir;
  std::vector<Zone> zones;
  for (const PublishedZoneOptions& wanted : options.published) {
    const auto same = std::ranges::find_if(
        zones_, [&](const Zone& zone) { return makes_the_same(zone.options, wanted); });
    if (same == zones_.end()) {
      zones.push_back(make_zone(wanted));
      continue;
    }
    zones.push_back(std::move(*same));
    zones_.erase(same);
    zones.back().options = wanted;
  }
  for (const Zone& gone : zones_) notifier_.forget(gone.options.zone);
  zones_ = std::move(zones);
  seen_ = {};
  next_update_ = {};
}

std::string ZonePublisher::mark_path(const Zone& zone) const {
  return state_dir_ + "/" + zone.options.name + ".serial";
}

ZonePublisher::Zone ZonePublisher::make_zone(const PublishedZoneOptions& options) const {
  Zone zone;
  zone.options = options;
  std::optional<ZoneMark> mark;
  if (const auto file = read_file(mark_path(zone), kMaxMarkOctets)) {
    mark = zone_mark_from_text(file->text);
  }
  zone.made = std::make_unique<PublishedZone>(
      ZonePlan{.flat = {.zone = options.zone,
                        .group = options.group,
                        .wildcards = options.wildcards,
                        .hidden_label = hidden_label_},
               .history_octets = static_cast<std::size_t>(options.history_octets)},
      std::move(mark));
  return zone;
}

bool ZonePublisher::are_due(const PolicyMoment& moment) const {
  if (moment.generation != seen_.generation || moment.exceptions != seen_.exceptions) return true;
  if (next_end_ && moment.at >= *next_end_) return true;
  for (std::size_t i = 0; i < zones_.size(); ++i) {
    if (moment.group_named(zones_[i].options.group) != seen_groups_[i]) return true;
  }
  return false;
}

bool ZonePublisher::work(const PublishedPolicy& policy, MonoTime now, WallTime at) {
  const auto now_s =
      static_cast<std::uint64_t>(std::chrono::floor<seconds>(at).time_since_epoch().count());
  bool has_changed = false;
  if (!zones_.empty() && now >= next_update_) {
    const PolicyMoment moment{policy.generation.current(), policy.exceptions.current(), at};
    if (are_due(moment)) {
      seen_groups_.clear();
      for (Zone& zone : zones_) {
        has_changed |= update(zone, moment, now_s);
        seen_groups_.push_back(moment.group_named(zone.options.group));
      }
      seen_ = moment;
      next_end_ = moment.exceptions->next_end(at);
      const MonoTime done = mono_now();
      next_update_ = done + (done - now) * (kShare - 1);
      if (has_changed) show_stats();
    }
  }
  notifier_.work(mono_now(), now_s);
  return has_changed;
}

bool ZonePublisher::update(Zone& zone, const PolicyMoment& moment, std::uint64_t now_s) {
  const auto before = zone.made->version();
  auto updated = zone.made->update(moment, now_s);
  if (!updated) {
    if (zone.error == updated.error().text) return false;
    zone.error = updated.error().text;
    // Its group is new, and will be there with the next generation.
    if (updated.error().code == Errc::not_found) return true;
    log_.error("zones", "publish " + zone.options.name + ": " + zone.error);
    return true;
  }
  zone.error.clear();
  const auto version = zone.made->version();
  const bool has_indicators = zone.indicators != nullptr;
  if (before == version && zone.options.collection.has_value() == has_indicators) return false;
  zone.flat =
      std::make_shared<SharedFlat>(zone.made->plan().flat, version->moment, zone.made->flat());
  update_indicators(zone, now_s);
  zone.is_news |= !before || before->serial != version->serial;
  if (!zone.is_news) return true;
  std::error_code ignored;
  std::filesystem::create_directories(state_dir_, ignored);
  const auto saved =
      replace_file(mark_path(zone), to_text(ZoneMark{version->serial, version->digest}));
  if (!saved)
    log_.error("zones", "keep the serial of " + zone.options.name + ": " + saved.error().text);
  tell(zone);
  if (!version->is_exact && !zone.is_told) {
    zone.is_told = true;
    log_.warning("zones",
                 "publish " + zone.options.name + ": the lists of group " + zone.options.group +
                     " have rules on clients, answers or servers whose order one zone cannot say; "
                     "publish each list as a zone of its own (docs/decisions/0008)");
  }
  return true;
}

void ZonePublisher::update_indicators(Zone& zone, std::uint64_t now_s) const {
  if (!zone.options.collection) return zone.indicators.reset();
  if (!zone.indicators) {
    zone.indicators = std::make_unique<PublishedIndicators>(
        zone.options.zone, state_dir_ + "/" + zone.options.name + ".indicators");
  }
  std::error_code ignored;
  std::filesystem::create_directories(state_dir_, ignored);
  const auto flat = zone.flat->get();
  const auto done =
      flat ? zone.indicators->update(**flat, now_s) : Result<void>(Unexpected<Error>(flat.error()));
  if (!done) {
    log_.error("zones", "the indicators of " + zone.options.name + ": " + done.error().text);
  }
}

void ZonePublisher::tell(const Zone& zone) const {
  const ZoneVersion& version = *zone.made->version();
  std::string text = "publish " + zone.options.name + ": " + zone.options.zone.to_display() +
                     " serial " + std::to_string(version.serial) + ", " +
                     std::to_string(version.records) + " records";
  if (version.left_out > 0) {
    text += "; " + std::to_string(version.left_out) +
            " rules left out, whose names are too long for it or mean something else in it";
  }
  log_.info("zones", text);
}

void ZonePublisher::show(ZoneKeyLoader& keys, ServedZones& served) {
  for (Zone& zone : zones_) {
    ServedZones::Zone& shown = served.zones.emplace_back();
    shown.options = zone.options;
    shown.keys = keys.load(zone.options.keys);
    shown.version = zone.made->version();
    shown.flat = zone.flat;
    if (zone.indicators) shown.indicators = zone.indicators->ledger();
    if (!std::exchange(zone.is_news, false) || !shown.version) continue;
    notifier_.announce({.zone = zone.options.zone,
                        .serial = shown.version->serial,
                        .targets = zone.options.notify,
                        .key = shown.keys.known.empty() ? nullptr : shown.keys.known.front()},
                       mono_now());
  }
}

void ZonePublisher::show_stats() {
  std::vector<ShownZone> shown;
  for (const Zone& zone : zones_) {
    const auto& version = zone.made->version();
    if (!version) continue;
    ShownZone& each = shown.emplace_back();
    each.name = zone.options.name;
    each.serial = version->serial;
    each.records = version->records;
    each.left_out = version->left_out;
    for (const auto& difference : version->history) each.history_octets += difference->octets();
    if (!zone.indicators || !zone.indicators->ledger()) continue;
    each.indicators = zone.indicators->ledger()->entries().size();
    each.indicators_left_out = zone.indicators->left_out();
  }
  shown_.with([&](std::vector<ShownZone>& current) { std::swap(current, shown); });
}

void ZonePublisher::collect(Metrics& metrics) const {
  const std::vector<ShownZone> zones = shown_.copy();
  const auto each = [&](std::string_view name, std::string_view help, auto value) {
    for (const ShownZone& zone : zones) {
      metrics.push_back({name, MetricKind::gauge, help, "zone=\"" + zone.name + "\"",
                         static_cast<double>(value(zone))});
    }
  };
  each("postern_published_serial", "Serial number of the published zone.",
       [](const ShownZone& zone) { return zone.serial; });
  each("postern_published_records", "Records of the published zone, without SOA and NS.",
       [](const ShownZone& zone) { return zone.records; });
  each("postern_published_left_out", "Rules that the published zone cannot say.",
       [](const ShownZone& zone) { return zone.left_out; });
  each("postern_published_history_octets", "Memory of the changes kept for IXFR.",
       [](const ShownZone& zone) { return zone.history_octets; });
  const auto of_indicators = [&](std::string_view name, std::string_view help, auto value) {
    for (const ShownZone& zone : zones) {
      if (!zone.indicators) continue;
      metrics.push_back({name, MetricKind::gauge, help, "zone=\"" + zone.name + "\"",
                         static_cast<double>(value(zone))});
    }
  };
  of_indicators("postern_published_indicators",
                "Indicators of the published collection, with those that were taken back.",
                [](const ShownZone& zone) { return *zone.indicators; });
  of_indicators("postern_published_indicators_left_out",
                "Rules that are kept back by their marking, or that STIX cannot say.",
                [](const ShownZone& zone) { return zone.indicators_left_out; });
  constexpr std::string_view kHelp =
      "NOTIFY to secondaries of published zones: messages sent, "
      "and what came of each target and serial.";
  const auto add = [&](const char* result, const SharedCounter& counter) {
    metrics.push_back({"postern_published_notifies_total", MetricKind::counter, kHelp,
                       std::string("result=\"") + result + "\"",
                       static_cast<double>(counter.value())});
  };
  add("sent", notify_stats_.sent);
  add("heard", notify_stats_.heard);
  add("given_up", notify_stats_.given_up);
}

}  // namespace postern::feeds
