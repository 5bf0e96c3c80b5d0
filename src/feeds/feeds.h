// Feeds: fetches the sources of policy on their schedules, keeps the last good copy of each,
// and has a new generation compiled and published when one changes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/metric.h"
#include "base/published.h"
#include "base/result.h"
#include "event/block_rates.h"
#include "feeds/build_command.h"
#include "feeds/taxii.h"
#include "feeds/transfer.h"
#include "intel/feed_status.h"
#include "intel/format.h"
#include "intel/gate.h"
#include "policy/comparison.h"
#include "policy/generation.h"

namespace postern::feeds {

class BlockWatch;

/// A feed to be kept up to date.
struct Source {
  policy::ZoneOptions zone;  ///< `zone.name` is the feed's name.
  intel::FeedOptions format;
  std::string text;  ///< Built in or from the configuration: neither path nor URL.
  std::string path;  ///< A local file, watched for changes.
  std::string url;   ///< http(s)://…; `mirrors` are tried after it.
  std::vector<std::string> mirrors;
  std::optional<TransferSource> transfer;  ///< A zone, by AXFR and IXFR; then no path and no URL.
  std::optional<TaxiiSource> taxii;        ///< A TAXII collection; then none of these.
  seconds refresh{3600};                   ///< ± 10 % jitter. Of a zone its SOA says it.
  std::uint64_t max_octets = 256U << 20;   ///< After decompression.
  seconds fetch_timeout{120};
  /// What becomes of its updates. Unset: what comes from afar is judged, of a local file only that
  /// it loses nearly all its rules. Of built-in texts nothing is judged.
  std::optional<intel::GateMode> gate;
};

struct Options {
  std::vector<Source> sources;        ///< In policy order.
  std::vector<policy::Group> groups;  ///< Zone indices refer to `sources`.
  std::string cache_dir;              ///< Last good copies; made if missing.
  std::string program;                ///< Tells one build of the program from another.
  /// What reads long texts and builds large images in a process of its own, without a program this
  /// process. Taken over at the start only.
  BuildCommand builder;
  std::uint64_t seed = 0;           ///< For jitter and the generation's hash key.
  seconds first_retry{30};          ///< Doubles up to `refresh`.
  milliseconds look_every{10'000};  ///< At local files, for changes that nobody tells of.
  intel::GateRules gate;
  /// The names that updates are tried on; unset: none are known.
  std::function<policy::Traffic()> traffic;
  /// Whether groups have as much blocked as ever; unset: nobody looks.
  BlockWatch* block_watch = nullptr;
  seconds watch_for{1800};  ///< After an update that came into force by itself; 0: not at all.
  /// The group that has updates which passed the gate first; empty: nobody.
  std::string canary_group;
  seconds canary_for{1800};
  /// Called once, from the feeds' thread, right before the first generation with these options
  /// comes into force: for what must not be in force without it. Unset: nothing.
  std::function<void()> before_in_force;
};

/// Looks at what groups have blocked after an update. Called from the feeds' thread.
class BlockWatch {
 public:
  virtual ~BlockWatch() = default;
  /// From this generation on, at what rules of these zones do; a watch that was on has passed.
  virtual void watch(std::uint64_t generation, const std::vector<std::string>& zones) = 0;
  /// At these zones, too, while a watch is on.
  virtual void watch_also(const std::vector<std::string>& zones) = 0;
  virtual void end_watch(event::WatchEnd end) = 0;
  /// A clause for people that names the group which has left its band, and the band; nothing where
  /// none has. Of `group` alone, where one is named.
  virtual std::optional<std::string> departure(std::string_view group = "") = 0;
  /// A person has changed what is blocked: what was usual is learnt anew, and no watch is on.
  virtual void forget() = 0;
};

/// What an update asked for may take.
enum class Acceptance : std::uint8_t {
  checked,   ///< As always: the gate judges it.
  any_size,  ///< The operator says that the list is meant to have so few rules, or so many. The
             ///< gate judges all else.
};

/// What a person decides about policy.
struct GateOrder {
  enum class Kind : std::uint8_t {
    activate,        ///< The update of `feed` that is held comes into force.
    reject,          ///< It is dropped, and the same one stays out.
    roll_back_feed,  ///< `feed` gets the rules back that it had before its last change.
    roll_back_all,   ///< All feeds get those that they had in `generation`.
  };
  Kind kind{};
  std::string feed;
  std::uint64_t generation = 0;
};

/// Runs one thread. All members may be called from any thread.
class Feeds {
 public:
  /// Reads built-in texts, local files and last good copies at once, in that order, then
  /// publishes into `target` and goes on to fetch. Before all that it publishes the rules that were
  /// in force when the program ended, as far as their feeds are still the same. Never blocks the
  /// caller on the network.
  static std::unique_ptr<Feeds> start(Options options, Published<policy::Generation>& target,
                                      Log& log);
  virtual ~Feeds() = default;

  /// Waits until all that needs no network is in force (or failed). For `serve` to say it is ready.
  /// At most two seconds where all of it is in force as it was when the program ended.
  virtual void wait_until_local_sources_are_in_force() = 0;
  /// Fetches or rereads now: one feed, or all where `name` is empty. Returns at once. `any_size`
  /// holds for the next try of that feed, whatever comes of it. Errors: `not_found`, there is no
  /// such feed; `invalid_input`, `any_size` without a name.
  virtual Result<void> update(const std::string& name, Acceptance acceptance) = 0;
  /// Carries it out, and waits until that is done: a rollback takes some milliseconds, more where
  /// the rules have to be compiled. Gives a sentence about what was done. Errors: `not_found`, no
  /// such feed, generation or held update; `unavailable`, it could not begin
  /// within 25 s, and then it is not done later either, or it takes longer than that.
  virtual Result<std::string> order(const GateOrder& order) = 0;
  /// What the gate said of the update that is held, or else of the last one, as JSON (GateReport of
  /// docs/reference/openapi.yaml). Errors: `not_found`.
  virtual Result<std::string> gate_report(const std::string& feed) const = 0;
  /// The generation that would be in force with the held update of that feed. Waits, as `order`.
  virtual Result<std::shared_ptr<const policy::Generation>> candidate(const std::string& feed) = 0;
  /// The rules that were in force then, for the groups and options of now. Waits, as `order`.
  /// Errors: `not_found`, they are not kept any more.
  virtual Result<std::shared_ptr<const policy::Generation>> generation_at(WallTime at) = 0;
  /// The generations that `roll_back_all` may go back to, the newest one first: that in force.
  virtual std::vector<std::uint64_t> kept_generations() const = 0;
  /// A NOTIFY for `zone` has come from `source`, perhaps with the zone's new serial (RFC 1996): the
  /// zone is looked at soon if that is news. Returns at once. Errors: `not_found`, no feed is
  /// transferred from such a zone; `denied`, `source` is none of its primaries.
  virtual Result<void> notify(const dns::Name& zone, const IpAddress& source,
                              std::optional<std::uint32_t> serial) = 0;
  /// New sources and groups after a configuration reload; unchanged sources keep their content.
  /// Returns at once.
  virtual void reconfigure(Options options) = 0;
  /// Waits until what `reconfigure` was given is in force; false where that takes longer, an error
  /// where it cannot be, and all is as before.
  virtual Result<bool> wait_until_reconfigured(milliseconds longest) = 0;
  /// The sources on this machine whose last reading failed, with the reason as `last_error`.
  virtual std::vector<intel::FeedStatus> unreadable() const = 0;
  virtual std::vector<intel::FeedStatus> status() const = 0;
  virtual void collect(Metrics& metrics) const = 0;
  virtual void stop() = 0;
};

}  // namespace postern::feeds
