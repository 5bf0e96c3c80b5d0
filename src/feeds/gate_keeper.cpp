// What the Keeper does at the gate: has updates judged, holds those that may not come into force,
// and carries out what a person decides about them.
#include <algorithm>
#include <optional>
#include <ranges>
#include <set>
#include <string_view>
#include <utility>

#include "feeds/builder.h"
#include "feeds/keeper.h"
#include "feeds/layering.h"

namespace postern::feeds {
namespace {

using intel::GateMode;
using intel::GateReason;

const intel::GateFinding kByHand{GateReason::rolled_back, "was taken back by hand"};

std::string clauses(const std::vector<intel::GateFinding>& findings) {
  std::string text;
  for (const intel::GateFinding& each : findings) text += (text.empty() ? "" : "; ") + each.text;
  return text;
}

std::string held_text(const FeedState& feed) {
  const std::string& name = feed.status.name;
  std::string text = "the gate holds an update that " + clauses(feed.held->reasons);
  text += ". \"postern feed preview " + name + "\" shows what it would do here, \"postern feed " +
          "activate " + name + "\" puts it in force";
  const bool is_size_only = std::ranges::all_of(feed.held->reasons, [](const auto& each) {
    return each.reason == GateReason::shrunk || each.reason == GateReason::grown;
  });
  if (is_size_only) text += ", \"postern feed update " + name + " --accept\" the newest one";
  return text;
}

/// What the feed has in the images, read as it is configured; without rules where it has none
/// there.
Content content_in(const HeldImages& images, const FeedState& feed) {
  Content content;
  const auto found = zone_in(images, feed.source);
  if (!found) return content;
  content.held = found->held;
  content.image_zone = found->zone;
  content.sha256 = found->source.sha256;
  content.lines_skipped = found->source.lines_skipped;
  content.first_skipped = found->source.first_skipped;
  content.stamp = feed.stamp;
  return content;
}

/// That feed, and the lists that it votes on or raises doubts about.
std::vector<std::string> zones_moved_by(const std::string& name,
                                        const std::vector<FeedState>& feeds) {
  std::vector<std::string> zones = {name};
  for (const FeedState& feed : feeds) {
    if (!feed.source.zone.votes) continue;
    const auto has = [&](const std::vector<std::uint16_t>& voters) {
      return std::ranges::any_of(
          voters, [&](std::uint16_t voter) { return feeds[voter].status.name == name; });
    };
    const policy::Votes& votes = *feed.source.zone.votes;
    if (has(votes.zones) || has(votes.doubts)) zones.push_back(feed.status.name);
  }
  return zones;
}

}  // namespace

bool is_guarded(const Source& source) {
  const GateMode mode = source.gate.value_or(GateMode::automatic);
  return (is_remote(source) || source.gate) && mode != GateMode::off && mode != GateMode::observe;
}

/// Whether its text was in force when the program ended.
bool Keeper::was_in_force(const FeedState& feed) const {
  const auto known = store_.load_facts(feed.status.name, feed.digest);
  return known && known->sha256 == feed.facts.sha256;
}

std::vector<GateReport> Keeper::judge_changes(const policy::Generation& candidate) {
  std::vector<GateSubject> subjects;
  std::set<std::string> seen;  // Of two changes of one feed the first has what was in force.
  for (const Change& change : changes_) {
    const FeedState* feed = find(change.name);
    if (feed == nullptr || !change.is_judged || change.is_tried) continue;
    if (!seen.insert(change.name).second) continue;
    const bool is_local = !is_remote(feed->source);
    const GateMode mode = feed->source.gate.value_or(GateMode::automatic);
    if (mode == GateMode::off || was_in_force(*feed)) continue;
    const auto known = store_.load_facts(change.name, feed->digest);
    const bool has_before = change.before.is_there() && !change.before.is_of_old_source;
    const std::uint64_t before = has_before ? change.before.rule_count() : known ? known->rules : 0;
    subjects.push_back({.feed = change.name,
                        .mode = mode,
                        .sizes = {before, feed->content.rule_count(), is_local},
                        .sizes_only = is_local && !feed->source.gate,
                        .is_any_size = std::ranges::any_of(changes_, [&](const Change& each) {
                          return each.name == change.name && each.accepts_any_size;
                        })});
  }
  if (subjects.empty()) return {};
  const policy::Traffic traffic = options_.traffic ? options_.traffic() : policy::Traffic{};
  std::vector<GateReport> held;
  for (GateReport& report :
       judge_updates(*target_.current(), candidate, traffic, subjects, options_.gate)) {
    if (report.is_held) {
      held.push_back(std::move(report));
      continue;
    }
    if (!report.findings.empty()) {
      log_.warning("gate", report.feed + ": in force, as it is only observed, an update that " +
                               clauses(report.findings));
    }
    find(report.feed)->report = std::make_shared<const std::string>(to_json(report));
  }
  return held;
}

Held Keeper::make_held(const FeedState& feed, HeldState state, const Now& now) const {
  Held held;
  held.facts = feed.facts;
  held.state = state;
  held.since = now.wall;
  return held;
}

/// The feed keeps the rules that it had, and its update is kept on disk.
void Keeper::set_aside(FeedState& feed, Held held) {
  const std::string& name = feed.status.name;
  if (feed.held) held.keep_out(*feed.held);
  std::optional<SharedMemory> text;
  for (Change& change : std::views::reverse(changes_)) {
    if (change.name != name) continue;
    if (!text) text = std::move(change.text);
    feed.content = std::move(change.before);
    feed.facts = std::move(change.facts_before);
  }
  std::erase_if(changes_, [&](const Change& change) { return change.name == name; });
  const auto saved =
      text ? held_store_.save(name, held, *text) : held_store_.save_facts(name, held);
  if (!saved) {
    log_.warning("gate", name + ": what is held is not kept on disk, \"postern feed activate\" " +
                             "cannot put it in force: " + saved.error().text);
  }
  feed.held = std::move(held);
  show_held(feed);
}

/// An update that may not come into force by itself.
void Keeper::hold(const GateReport& report, const Now& now) {
  FeedState& feed = *find(report.feed);
  Held held = make_held(feed, HeldState::waiting, now);
  held.reasons = report.findings;
  held.report = to_json(report);
  drop_canary(feed);  // It is from before.
  set_aside(feed, std::move(held));
  feed.report = std::make_shared<const std::string>(feed.held->report);
  ++feed.failures;
  log_.error("gate", report.feed + ": " + feed.status.last_error +
                         (feed.content.is_there() ? "; the rules of before stay in force"
                                                  : "; this feed protects nobody yet"));
}

void Keeper::show_held(FeedState& feed) const {
  feed.status.held.reset();
  if (!feed.held) return;
  intel::HeldUpdate shown{
      std::string(to_string(feed.held->state)), feed.held->since, feed.held->facts.rules, {}};
  for (const intel::GateFinding& each : feed.held->reasons) shown.reasons.push_back(each.text);
  if (feed.held->state == HeldState::canary) {
    shown.reasons.push_back("is in force for the group " + options_.canary_group + " first");
  }
  feed.status.held = std::move(shown);
  // What a person wants so is nothing wrong.
  const bool is_alarm = feed.held->state == HeldState::waiting ||
                        std::ranges::any_of(feed.held->reasons, [](const auto& each) {
                          return each.reason == GateReason::block_rate;
                        });
  if (!is_alarm || feed.held->state == HeldState::rejected) return;
  feed.status.last_error = held_text(feed);
  feed.status.health = feed.content.is_there() ? intel::Health::stale : intel::Health::failed;
}

/// The same text came again: there is nothing new to judge.
bool Keeper::is_held_already(FeedState& feed, const Arrival& arrival) {
  if (!feed.held || !arrival.is_judged || arrival.accepts_any_size) return false;
  if (!feed.held->is_out(arrival.content.sha256)) {
    // What a person took out stays out, whatever the gate says now.
    if (feed.held->facts.sha256 != arrival.content.sha256) return false;
    if (feed.held->is_to_be_judged) return false;
  }
  feed.held->facts.validators = arrival.facts.validators;
  feed.held->facts.fetched_from = arrival.facts.fetched_from;
  feed.held->facts.checked_at = arrival.facts.checked_at;
  feed.held->is_to_be_judged = false;
  if (const auto saved = held_store_.save_facts(feed.status.name, *feed.held); !saved) {
    log_.warning("gate", feed.status.name + ": " + saved.error().text);
  }
  if (feed.held->state == HeldState::waiting) ++feed.failures;
  return true;
}

void Keeper::drop_held(FeedState& feed, std::string_view why) {
  if (!feed.held) return;
  log_.info("gate",
            feed.status.name + ": the update that was held is dropped: " + std::string(why));
  if (feed.held->state == HeldState::waiting) {
    feed.status.last_error.clear();
    feed.status.health = feed.content.is_there() ? intel::Health::good : intel::Health::never;
  }
  forget_held(feed);
}

/// What a person or the watch took out stays out until another one passes: a mirror may still have
/// the one before.
void Keeper::drop_waiting(FeedState& feed, std::string_view why) {
  if (!feed.held || feed.held->is_taken_out()) return;
  auto others = feed.held->others_out();
  drop_held(feed, why);
  if (!others) return;
  if (const auto saved = held_store_.save_facts(feed.status.name, *others); !saved) {
    log_.warning("gate", feed.status.name + ": " + saved.error().text);
  }
  feed.held = std::move(others);
  show_held(feed);
}

/// It is in force, or nobody has it any more.
void Keeper::forget_held(FeedState& feed) {
  drop_canary(feed);
  held_store_.remove(feed.status.name);
  feed.held.reset();
  feed.status.held.reset();
}

Result<std::string> Keeper::order(const GateOrder& order, const Now& now) {
  using Kind = GateOrder::Kind;
  if (order.kind == Kind::roll_back_all) return roll_back_all(order.generation, now);
  FeedState* feed = find(order.feed);
  if (feed == nullptr) return fail(Errc::not_found, "there is no feed \"" + order.feed + "\"");
  if (order.kind == Kind::roll_back_feed) return roll_back(*feed, now);
  if (!feed->held) {
    return fail(Errc::not_found, "no update of the feed " + order.feed + " is held");
  }
  return order.kind == Kind::activate ? activate(*feed, now) : reject(*feed, now);
}

/// The update that is held: its text read again, or where that is not kept, as images have it.
Result<std::pair<Arrival, HeldImages>> Keeper::held_arrival(const FeedState& feed) {
  const Held& held = *feed.held;
  Arrival arrival{.facts = held.facts, .is_judged = false};
  auto text = held_store_.load_text(feed.status.name, held, feed.source.max_octets);
  if (text) {
    arrival.content =
        POSTERN_TRY(hands_.builder.read(*text, feed.source.format, origin_of(feed.source)));
    arrival.content.stamp = feed.stamp;
    arrival.text = *std::move(text);
    return std::pair(std::move(arrival), HeldImages());
  }
  for (const std::uint64_t number : images_.numbers()) {
    auto images = images_.load(number);
    if (images) arrival.content = content_in(*images, feed);
    if (arrival.content.is_there() && arrival.content.sha256 == held.facts.sha256) {
      return std::pair(std::move(arrival), *std::move(images));
    }
  }
  return Unexpected<Error>(std::move(text).error());
}

Result<std::string> Keeper::activate(FeedState& feed, const Now& now) {
  const std::string name = feed.status.name;
  if (feed.held->state == HeldState::rejected) {
    return fail(Errc::invalid_input, "the update of " + name +
                                         " was rejected and is gone; the next one is judged again");
  }
  auto [arrival, images] = POSTERN_TRY(held_arrival(feed));
  const std::string sha256 = arrival.content.sha256;
  Held held = std::move(*feed.held);
  feed.held.reset();
  drop_canary(feed);
  accept(feed, std::move(arrival));
  succeeded(feed, now);
  Result<void> done;
  if (images.ground.image) {
    use_images(images);
    done = put_back_in_force(now);
  } else {
    publish(now);
  }
  FeedState& after = *find(name);
  if (!done || after.content.sha256 != sha256) {
    after.held = std::move(held);
    // Nobody has it any more.
    if (after.held->state == HeldState::canary) after.held->state = HeldState::waiting;
    show_held(after);
    return fail(Errc::unavailable, "it cannot be put in force: " + after.status.last_error);
  }
  held_store_.remove(name);
  keep_others_out(after, held, now);
  stop_watching();
  log_.info("gate", name + ": the update that was held is in force, as was asked for");
  return "The update of " + name + " is in force: generation " + std::to_string(generation_) + ".";
}

/// Those that were taken out before the one that a person has put in force are not meant by that.
void Keeper::keep_others_out(FeedState& feed, const Held& activated, const Now& now) {
  auto held = activated.others_out();
  if (!held) return;
  held->since = now.wall;
  held->reasons.push_back(kByHand);
  feed.facts.validators = {};  // They may be of one of these.
  save_facts(feed);
  if (const auto saved = held_store_.save_facts(feed.status.name, *held); !saved) {
    log_.warning("gate", feed.status.name + ": " + saved.error().text);
  }
  feed.held = std::move(held);
  show_held(feed);
}

Result<std::string> Keeper::reject(FeedState& feed, const Now& now) {
  const std::string name = feed.status.name;
  drop_canary(feed);
  feed.held->state = HeldState::rejected;
  feed.held->since = now.wall;
  held_store_.remove_text(name, *feed.held);
  POSTERN_CHECK(held_store_.save_facts(name, *feed.held));
  succeeded(feed, now);
  publish(now);
  log_.info("gate", name + ": the update that was held is rejected, as was asked for");
  return "The update of " + name + " is rejected; the same one stays out, another one is judged.";
}

/// Gives the feed the rules that it has in the images. False where it has none there, or the same.
bool Keeper::take_back(FeedState& feed, const HeldImages& images, const intel::GateFinding& why,
                       const Now& now) {
  Content content = content_in(images, feed);
  if (!content.is_there() || content.sha256 == feed.content.sha256) return false;
  drop_canary(feed);
  if (feed.content.is_there()) {
    // The feed's next copy would be the same again.
    Held held = make_held(feed, HeldState::rolled_back, now);
    held.facts.sha256 = feed.content.sha256;
    held.facts.checked_at = now.wall;
    held.reasons.push_back(why);
    if (feed.held) held.keep_out(*feed.held);
    std::erase(held.also_out, content.sha256);  // It is asked for.
    if (feed.report) held.report = *feed.report;
    auto copy = store_.load(feed.status.name, feed.digest, feed.source.max_octets);
    const bool has_text = copy && copy->facts.sha256 == held.facts.sha256;
    const auto saved = has_text ? held_store_.save(feed.status.name, held, copy->text)
                                : held_store_.save_facts(feed.status.name, held);
    if (!saved) log_.warning("gate", feed.status.name + ": " + saved.error().text);
    feed.held = std::move(held);
  }
  CopyFacts facts{feed.digest, "", {}, content.sha256, now.wall, content.rule_count()};
  accept(feed, {.content = std::move(content), .facts = std::move(facts), .is_judged = false});
  show_held(feed);
  return true;
}

/// Where all feeds have in these images the rules that they are to have, there is nothing to
/// compile.
void Keeper::use_images(const HeldImages& images) {
  have_votes_counted(feeds_);
  std::vector<std::optional<FoundZone>> zones;
  for (const FeedState& feed : feeds_) {
    zones.push_back(zone_in(images, feed.source));
    if (!feed.content.is_there()) continue;
    if (!zones.back() || feed.content.sha256.empty() || feed.content.is_of_old_source) return;
    if (zones.back()->source.sha256 != feed.content.sha256) return;
  }
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    Content& content = feeds_[i].content;
    if (!content.is_there()) continue;
    content.rules.reset();
    content.held = zones[i]->held;
    content.image_zone = zones[i]->zone;
  }
}

/// Publishes what was taken back, and has the next start find the same.
Result<void> Keeper::put_back_in_force(const Now& now) {
  std::vector<std::string> names;
  for (const Change& change : changes_) names.push_back(change.name);
  const std::uint64_t before = generation_;
  publish(now);
  if (generation_ == before) {
    for (const std::string& name : names) drop_held(*find(name), "it is still in force");
    return fail(Errc::unavailable, "the rules of before cannot be put in force; the log says why");
  }
  for (const std::string& name : names) save_facts(*find(name));
  return {};
}

Result<std::string> Keeper::roll_back(FeedState& feed, const Now& now) {
  const std::string name = feed.status.name;
  for (const std::uint64_t number : images_.numbers()) {
    const auto images = images_.load(number);
    if (!images || (feed.held && feed.held->is_out(content_in(*images, feed).sha256))) continue;
    if (!take_back(feed, *images, kByHand, now)) continue;
    use_images(*images);
    POSTERN_CHECK(put_back_in_force(now));
    stop_watching();
    log_.warning("gate", name + ": rolled back to its rules of generation " +
                             std::to_string(number) + ", as was asked for");
    return "The feed " + name + " has its rules of generation " + std::to_string(number) +
           " again: generation " + std::to_string(generation_) +
           ". The update that was taken back stays out until it is activated.";
  }
  return fail(Errc::not_found, "no other rules of the feed " + name +
                                   " are kept; those of the last " +
                                   std::to_string(ImageStore::kKept) + " changes are");
}

Result<std::string> Keeper::roll_back_all(std::uint64_t generation, const Now& now) {
  const std::vector<std::uint64_t> kept = images_.numbers();
  // A generation that changed no rules has those of one before.
  const auto number = std::ranges::find_if(kept, [&](std::uint64_t n) { return n <= generation; });
  if (number == kept.end() || generation > generation_) {
    return fail(Errc::not_found, "the rules of generation " + std::to_string(generation) +
                                     " are not kept; \"postern feed rollback\" lists those that "
                                     "are");
  }
  const HeldImages images = POSTERN_TRY(images_.load(*number));
  std::size_t changed = 0;
  for (FeedState& feed : feeds_) changed += take_back(feed, images, kByHand, now) ? 1 : 0;
  if (changed == 0) {
    return fail(Errc::invalid_input, "all feeds have the rules of generation " +
                                         std::to_string(generation) + " already");
  }
  use_images(images);
  POSTERN_CHECK(put_back_in_force(now));
  stop_watching();
  log_.warning("gate", "all feeds rolled back to generation " + std::to_string(generation) +
                           ", as was asked for: " + std::to_string(changed) + " changed");
  return std::to_string(changed) + " feeds have their rules of generation " +
         std::to_string(generation) + " again: generation " + std::to_string(generation_) +
         ". The updates that were taken back stay out until they are activated.";
}

Result<std::shared_ptr<const policy::Generation>> Keeper::candidate(const std::string& name,
                                                                    const Now& now) {
  FeedState* const feed = find(name);
  if (feed == nullptr) return fail(Errc::not_found, "there is no feed \"" + name + "\"");
  if (!feed->held || feed->held->state == HeldState::rejected) {
    return fail(Errc::not_found, "no update of the feed " + name + " is held");
  }
  auto held = POSTERN_TRY(held_arrival(*feed));
  std::vector<FeedState> before = feeds_;
  feed->content = std::move(held.first.content);
  auto compiled = compile(now);
  feeds_ = std::move(before);
  if (!compiled) return Unexpected<Error>(std::move(compiled).error());
  return std::move(compiled->generation);
}

Result<std::shared_ptr<const policy::Generation>> Keeper::generation_at(WallTime at) {
  const auto number = images_.number_at(at);
  if (!number) {
    return fail(Errc::not_found,
                "the rules of that time are not kept any more; those of the last " +
                    std::to_string(ImageStore::kKept) + " changes are");
  }
  const HeldImages images = POSTERN_TRY(images_.load(*number));
  policy::PolicyFrame frame;
  frame.number = *number;
  frame.built_at = at;
  frame.groups = options_.groups;
  for (const FeedState& feed : feeds_) {
    frame.zones.push_back(feed.source.zone);
    const auto found = zone_in(images, feed.source);
    frame.rules_at.push_back(found ? found->place() : policy::ImagePlace{});
  }
  return policy::Generation::create(std::move(frame), images_in(images));
}

/// What comes into force now by itself is watched for a while. What comes meanwhile is watched with
/// it, and once more on its own when that is over: so each watch has its end, and each update its
/// whole time.
void Keeper::begin_watch(const Now& now) {
  // What a person has configured is not watched.
  if (options_.block_watch == nullptr || options_.watch_for == seconds(0) || is_frame_new_) return;
  std::vector<std::string> names;
  for (const Change& change : changes_) {
    const FeedState* feed = find(change.name);
    if (feed == nullptr || !change.is_judged || !change.before.is_there()) continue;
    if (is_guarded(feed->source)) names.push_back(change.name);
  }
  const std::vector<std::uint64_t> kept = images_.numbers();
  if (kept.empty() || (names.empty() && !has_canaries())) return;
  if (!watch_) {
    watch_ = Watch{{}, {}, kept.front(), {names.begin(), names.end()}};
    return start_watch(now);
  }
  watch_canaries();
  if (names.empty()) return;
  if (watch_->feeds.empty()) watch_->image_before = kept.front();
  if (!next_watch_) next_watch_ = Watch{{}, {}, kept.front(), {}};
  next_watch_->feeds.insert(names.begin(), names.end());
  watch_->feeds.insert(names.begin(), names.end());
  for (const std::string& name : names) {
    options_.block_watch->watch_also(zones_moved_by(name, feeds_));
  }
  keep_watched_images();
}

/// The one that is prepared in `watch_`.
void Keeper::start_watch(const Now& now) {
  watch_->until = now.mono + options_.watch_for;
  look_from_now(now);
}

/// What was counted so far says nothing.
void Keeper::look_from_now(const Now& now) {
  watch_->look_at = now.mono + kWatchCheck;
  options_.block_watch->watch(generation_, {});
  for (const std::string& name : watch_->feeds) {
    options_.block_watch->watch_also(zones_moved_by(name, feeds_));
  }
  watch_canaries();
  keep_watched_images();
}

void Keeper::watch_canaries() {
  for (const FeedState& feed : feeds_) {
    if (feed.canary) options_.block_watch->watch_also({feed.status.name});
  }
}

bool Keeper::has_canaries() const {
  return std::ranges::any_of(feeds_, [](const FeedState& feed) { return feed.canary.has_value(); });
}

void Keeper::keep_watched_images() {
  std::vector<std::uint64_t> needed;
  if (watch_) needed.push_back(watch_->image_before);
  if (next_watch_) needed.push_back(next_watch_->image_before);
  images_.keep(std::move(needed));
}

/// A person has changed what is blocked.
void Keeper::stop_watching() {
  watch_.reset();
  next_watch_.reset();
  keep_watched_images();
  if (options_.block_watch != nullptr) options_.block_watch->forget();
}

void Keeper::look_at_watch(const Now& now) {
  look_at_canaries(now);
  if (!watch_ || now.mono < watch_->look_at) return;
  watch_->look_at = now.mono + kWatchCheck;
  // No other group has what is tried.
  if (has_canaries()) {
    if (const auto departure = options_.block_watch->departure(options_.canary_group)) {
      options_.block_watch->end_watch(event::WatchEnd::taken_back);
      withdraw_canaries(*departure, now);
      if (!watch_->feeds.empty()) return look_from_now(now);
      return watch_.reset();
    }
  }
  if (!watch_->feeds.empty()) {
    const auto departure = options_.block_watch->departure();
    if (departure) return take_back_watched(*departure, now);
  }
  if (now.mono < watch_->until) return;
  options_.block_watch->end_watch(event::WatchEnd::passed);
  watch_ = std::exchange(next_watch_, std::nullopt);
  if (!watch_ && has_canaries()) watch_ = Watch{};
  if (watch_) return start_watch(now);
  keep_watched_images();
}

void Keeper::take_back_watched(const std::string& departure, const Now& now) {
  options_.block_watch->end_watch(event::WatchEnd::taken_back);
  const Watch watch = *std::exchange(watch_, std::nullopt);
  next_watch_.reset();
  const auto images = images_.load(watch.image_before);
  std::string names;
  for (const std::string& name : watch.feeds) {
    FeedState* const feed = find(name);
    if (feed == nullptr || !images) continue;
    if (!take_back(*feed, *images, {GateReason::block_rate, departure}, now)) continue;
    names += (names.empty() ? "" : ", ") + name;
  }
  if (names.empty()) {
    log_.error("gate",
               "after updates of feeds something is unusual, and they cannot be taken back: "
               "an update that " +
                   departure);
    return keep_watched_images();
  }
  use_images(*images);
  const auto done = put_back_in_force(now);
  log_.error("gate", names + ": taken back " +
                         (done ? "" : "(in vain: " + done.error().text + ") ") +
                         "is an update that " + departure);
  keep_watched_images();
}

}  // namespace postern::feeds
