#include "feeds/stats.h"

#include <string>

namespace postern::feeds {
namespace {

double seconds_of(WallTime at) {
  return std::chrono::duration<double>(at.time_since_epoch()).count();
}

}  // namespace

void append_metrics(const Shown& shown, const policy::Generation& generation, Metrics& metrics) {
  const auto number = [](auto value) { return static_cast<double>(value); };
  // Names of feeds have no character that would need escaping.
  const auto each = [&](std::string_view name, MetricKind kind, std::string_view help, auto value) {
    for (const ShownFeed& feed : shown.feeds) {
      metrics.push_back({name, kind, help, "feed=\"" + feed.status.name + "\"", value(feed)});
    }
  };
  each("postern_feed_rules", MetricKind::gauge, "Rules of the feed in force.",
       [&](const ShownFeed& feed) { return number(feed.status.rules); });
  each("postern_feed_lines_skipped", MetricKind::gauge,
       "Lines of the copy in force that could not be read.",
       [&](const ShownFeed& feed) { return number(feed.status.lines_skipped); });
  each("postern_feed_last_success_timestamp_seconds", MetricKind::gauge,
       "When the feed was last known to be up to date; 0 for never.", [&](const ShownFeed& feed) {
         return feed.status.last_success ? seconds_of(*feed.status.last_success) : 0;
       });
  each("postern_feed_failures_total", MetricKind::counter,
       "Tries to read the feed that failed or gave a copy that was refused.",
       [&](const ShownFeed& feed) { return number(feed.failures); });
  each("postern_feed_healthy", MetricKind::gauge, "1 where the last try of the feed succeeded.",
       [&](const ShownFeed& feed) {
         return number(feed.status.health == intel::Health::good ? 1 : 0);
       });
  each("postern_feed_expired", MetricKind::gauge,
       "1 where a transferred zone is past its SOA's expire: no primary was reached for so long.",
       [&](const ShownFeed& feed) { return number(feed.is_expired ? 1 : 0); });
  each("postern_feed_held", MetricKind::gauge,
       "1 where the gate holds back an update of the feed until a person decides.",
       [&](const ShownFeed& feed) {
         return number(feed.status.held && feed.status.held->state == "waiting" ? 1 : 0);
       });
  metrics.push_back({"postern_feed_unpack_waits_total", MetricKind::counter,
                     "Packed copies that waited for others: they are unpacked one at a time, so "
                     "that their memory does not add up.",
                     "", number(shown.unpack_waits)});
  const auto gauge = [&](std::string_view name, std::string_view help, double value) {
    metrics.push_back({name, MetricKind::gauge, help, "", value});
  };
  gauge("postern_generation_number", "The policy generation in force.",
        number(generation.number()));
  gauge("postern_generation_rules", "Rules of all feeds in force.",
        number(generation.rule_count()));
  gauge("postern_generation_memory_octets", "Memory that the generation in force takes.",
        number(generation.memory_octets()));
  gauge("postern_generation_built_timestamp_seconds", "When the generation in force was built.",
        seconds_of(generation.built_at()));
  gauge("postern_generation_compile_seconds", "How long building it took.",
        std::chrono::duration<double>(shown.compile_time).count());
}

}  // namespace postern::feeds
