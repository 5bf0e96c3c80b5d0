// Keeper: the feeds as they are now; takes in what was read or fetched, and publishes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/published.h"
#include "base/result.h"
#include "base/time.h"
#include "feeds/downloads.h"
#include "feeds/feeds.h"
#include "feeds/files.h"
#include "feeds/gate_report.h"
#include "feeds/held_store.h"
#include "feeds/image_store.h"
#include "feeds/obtain.h"
#include "feeds/store.h"
#include "feeds/transfer_timers.h"

namespace postern::feeds {

/// Both clocks, read once for all that happens together.
struct Now {
  MonoTime mono;
  WallTime wall;
};

/// An update that the canary group has first.
struct Canary {
  std::shared_ptr<const HeldRules> rules;
  Content content;  ///< Where it is in an image of such ones.
  MonoTime until{};
};

/// One feed: what it is, what is in force of it, and when it is tried again.
struct FeedState {
  Source source;
  std::string digest;  ///< Of where it comes from.
  Content content;     ///< In force, or about to be at the next `publish`.
  CopyFacts facts;     ///< Of the copy that `content` is; empty where none is kept.
  intel::FeedStatus status;
  std::optional<FileStamp> stamp;  ///< Of the local file as last looked at; none: it was not there.
  std::optional<MonoTime> due;     ///< None for built-in texts and votes that are in force.
  std::uint32_t failures_in_row = 0;
  std::uint64_t failures = 0;
  std::optional<std::uint64_t> fetching;  ///< The ticket of the download under way.
  bool is_wanted = false;  ///< Someone asked for it: even if nothing seems to have changed.
  Acceptance acceptance = Acceptance::checked;  ///< Of the next try.
  std::optional<TransferTimers> timers;       ///< Of a transferred zone; they say when it is `due`.
  bool is_expired = false;                    ///< Its SOA's expire has passed without contact.
  bool accepts_any_size = false;              ///< Of the try under way.
  std::optional<Held> held;                   ///< An update that is not in force for all.
  std::optional<Canary> canary;               ///< The same, where a group has it.
  std::shared_ptr<const std::string> report;  ///< Of the last update that was judged; may be null.
};

/// A copy of a feed that is to come into force.
struct Arrival {
  Content content{};
  CopyFacts facts{};
  std::optional<SharedMemory> text{};  ///< Sealed.
  UnpackTurns::Turn turn{};            ///< Of the text.
  bool is_judged = true;  ///< By the gate; not what was in force before, or a person wants.
  bool accepts_any_size = false;
  bool is_tried = false;  ///< The canary group has had it.
};

struct BuildPlan;

/// How often a replaced generation is looked at: do workers still read it?
inline constexpr seconds kRetiredCheck{1};

/// At first it is waited for them so long: busy ones have the new one at their next query, and two
/// whole images are in memory no longer than that.
inline constexpr milliseconds kHandOver{20};

/// How often it is looked whether groups have as much blocked as ever, while an update is watched.
inline constexpr seconds kWatchCheck{2};

/// How soon after a generation another one may come only because rules have begun or ceased to
/// hold.
inline constexpr seconds kValidityPause{30};

/// One thread; no waiting on the network. A copy that is refused, or a generation that cannot be
/// compiled, leaves all as it was, with the reason in the feed's status.
class Keeper {
 public:
  Keeper(Options options, Published<policy::Generation>& target, Hands hands, Log& log);

  /// What was in force when the process ended is so again, as far as its feeds are the same. True
  /// where that is all that needs no network: `load_all` may then take its time.
  bool restore_image(const Now& now);
  /// Reads every source that needs no network, then publishes.
  void load_all(const Now& now);
  /// Takes over other sources and groups; what is the same keeps its content. A feed whose source
  /// is another keeps the old rules (`stale`) until the new source gives a good copy. If the new
  /// ones cannot be compiled, the old ones stay, and the error says why.
  Result<void> reconfigure(Options options, const Now& now);
  /// Makes one feed, or all where `name` is empty, due at once; its next try takes what
  /// `acceptance` says.
  void want(const std::string& name, Acceptance acceptance, const Now& now);
  /// A primary says that a zone has changed: see `TransferTimers::on_notify`.
  void notify(const dns::Name& zone, std::optional<std::uint32_t> serial, const Now& now);
  /// Reads a local file again.
  void file_changed(const std::string& path, const Now& now);
  /// Reads the local files that are due and names the downloads that are.
  std::vector<Job> take_due(const Now& now);
  void take(Outcome outcome, const Now& now);
  /// What a person decides: Feeds::order.
  Result<std::string> order(const GateOrder& order, const Now& now);
  /// Feeds::candidate and Feeds::generation_at.
  Result<std::shared_ptr<const policy::Generation>> candidate(const std::string& name,
                                                              const Now& now);
  Result<std::shared_ptr<const policy::Generation>> generation_at(WallTime at);
  /// Takes updates back under which a group's blocked part has left its band; puts in force for all
  /// what the canary group has had for long enough.
  void look_at_watch(const Now& now);
  /// Compiles, has the gate judge what comes from afar, and publishes if something has changed
  /// since the last time.
  void publish(const Now& now);

  /// Reads those local files again that are not as they were when last read.
  void look_at_files(const Now& now);
  /// The paths of those files. A stat(2) each.
  std::vector<std::string> changed_files() const;

  /// Frees the generations that no worker reads any more: here, because freeing a million rules
  /// takes milliseconds that a worker does not have.
  void free_retired(const Now& now);

  std::optional<MonoTime> next_due() const;
  std::vector<std::string> paths() const;
  const std::vector<FeedState>& feeds() const { return feeds_; }
  /// Whose images are on disk, the newest first.
  std::vector<std::uint64_t> kept_generations() const { return images_.numbers(); }
  /// How long the last compilation took.
  microseconds compile_time() const { return compile_time_; }

 private:
  // What a feed was before a new copy came, and what is to be kept on disk once it is in force.
  struct Change {
    std::string name{};
    Content before{};
    CopyFacts facts_before{};
    std::optional<SharedMemory> text{};
    UnpackTurns::Turn turn{};  // Of the text.
    bool is_judged = false;
    bool accepts_any_size = false;
    bool is_tried = false;
  };
  // What `compile` gives.
  struct Compiled {
    std::shared_ptr<const policy::Generation> generation;
    HeldImages images;
    bool has_built = false;  // One of them.
  };

  FeedState make_state(Source source);
  static void inherit(FeedState& feed, const FeedState& old);
  FeedState* find(const std::string& name);
  void load(FeedState& feed, const Now& now);
  void load_last_good(FeedState& feed, const Now& now);
  void resume(FeedState& feed, WallTime checked_at, const Now& now);
  // Whether the rules of that very text are at hand, and would be the same now.
  bool has_text(const FeedState& feed, std::string_view sha256) const;
  void read_local(FeedState& feed, const Now& now);
  Result<void> read_file_of(FeedState& feed, const Now& now);
  std::uint64_t rules_before(const FeedState& feed) const;
  bool take_acceptance(FeedState& feed);
  Job job_of(FeedState& feed, const Now& now);
  void accept(FeedState& feed, Arrival arrival);
  bool is_held_already(FeedState& feed, const Arrival& arrival);
  static bool knows_held(const FeedState& feed);
  void succeeded(FeedState& feed, const Now& now);
  void failed(FeedState& feed, const Error& error, const Now& now);
  void schedule(FeedState& feed, const Now& now);
  static void postpone(FeedState& feed, const Postponed& postponed, const Now& now);
  const Content* content_before(const FeedState& feed) const;
  Result<HeldImage> build_image(const BuildPlan& plan, const Now& now);
  void keep_in_image(const HeldImage& image, const BuildPlan& plan);
  policy::PolicyFrame frame(const HeldImages& images, const Now& now) const;
  Result<Compiled> compile(const Now& now);
  Result<void> compile_and_publish(const Now& now);
  std::vector<GateReport> judge_changes(const policy::Generation& candidate);
  bool was_in_force(const FeedState& feed) const;
  void set_aside(FeedState& feed, Held held);
  void forget_held(FeedState& feed);
  bool has_canary_group(const FeedState& feed) const;
  std::vector<std::string> updates_to_try();
  void begin_canary(const std::string& name, std::shared_ptr<const std::string> report,
                    const Now& now);
  bool forget_canary(FeedState& feed);
  Result<HeldImage> build_canaries(const HeldImage& ground, const Now& now);
  void frame_canaries(policy::PolicyFrame& frame, std::uint16_t image) const;
  void drop_canary(FeedState& feed);
  void look_at_canaries(const Now& now);
  void give_up_unbuilt_canaries(const Error& why, const Now& now);
  void withdraw_canaries(const std::string& departure, const Now& now);
  void hold(const GateReport& report, const Now& now);
  Held make_held(const FeedState& feed, HeldState state, const Now& now) const;
  void drop_held(FeedState& feed, std::string_view why);
  void drop_waiting(FeedState& feed, std::string_view why);
  void keep_others_out(FeedState& feed, const Held& activated, const Now& now);
  void show_held(FeedState& feed) const;
  Result<std::pair<Arrival, HeldImages>> held_arrival(const FeedState& feed);
  Result<std::string> activate(FeedState& feed, const Now& now);
  Result<std::string> reject(FeedState& feed, const Now& now);
  Result<std::string> roll_back(FeedState& feed, const Now& now);
  Result<std::string> roll_back_all(std::uint64_t generation, const Now& now);
  bool take_back(FeedState& feed, const HeldImages& images, const intel::GateFinding& why,
                 const Now& now);
  void use_images(const HeldImages& images);
  Result<void> put_back_in_force(const Now& now);
  void begin_watch(const Now& now);
  void start_watch(const Now& now);
  void look_from_now(const Now& now);
  void keep_watched_images();
  void stop_watching();
  void watch_canaries();
  bool has_canaries() const;
  void take_back_watched(const std::string& departure, const Now& now);
  void keep_images(const HeldImages& images);
  void settle();
  void await_hand_over();
  void put_in_force(std::shared_ptr<const policy::Generation> generation, const Now& now);
  std::uint64_t next_key();
  void keep_copies();
  void save_copy(const FeedState& feed, const SharedMemory& text);
  void save_facts(const FeedState& feed);
  void restore_timers(FeedState& feed, WallTime checked_at, const Now& now);
  TransferRequest request_of(const FeedState& feed) const;
  void expire_old(const Now& now);
  void watch_validity(const policy::Generation& generation, const Now& now);
  void check_validity(const Now& now);
  void expire(FeedState& feed);
  static void begin_timers(FeedState& feed, seconds first_retry);
  double chance();

  Options options_;
  Published<policy::Generation>& target_;
  const Hands hands_;
  Log& log_;
  CopyStore store_;
  ImageStore images_;
  HeldStore held_store_;
  std::vector<FeedState> feeds_;
  std::vector<Change> changes_;
  // Published once, kept until nobody else holds them.
  std::vector<std::shared_ptr<const policy::Generation>> retired_;
  MonoTime look_at_retired_{};            // When next; only while there are any.
  std::optional<MonoTime> validity_due_;  // When rules in force may begin or cease to hold.
  MonoTime validity_not_before_{};
  bool must_publish_ = false;
  bool has_published_ = false;
  bool is_frame_new_ = false;  // Other options or groups: to be published whatever the feeds do.
  bool is_restored_ = false;   // An image is in force from the start.
  bool is_loading_ = false;    // Under `load_all`: what did not change meanwhile need not be read.
  std::uint64_t generation_ = 0;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t random_;
  microseconds compile_time_{};
  // Updates that came into force by themselves a short while ago.
  struct Watch {
    MonoTime until, look_at;
    std::uint64_t image_before = 0;  // Whose rules the feeds had.
    std::set<std::string> feeds;
  };
  std::optional<Watch> watch_;       // That is on.
  std::optional<Watch> next_watch_;  // To begin when it is over, of what came meanwhile.
};

}  // namespace postern::feeds
