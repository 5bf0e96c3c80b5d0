// What the Keeper does with rule images: from the feeds' contents to one, and back at the start.
#include <algorithm>
#include <utility>

#include <malloc.h>

#include "feeds/builder.h"
#include "feeds/image_source.h"
#include "feeds/keeper.h"
#include "feeds/layering.h"

namespace postern::feeds {
namespace {

/// Who votes, by the places of their rules in the image. Who has no rules yet has no vote.
std::optional<policy::Votes> votes_in(const policy::ZoneOptions& zone,
                                      const std::vector<std::uint16_t>& places) {
  std::optional<policy::Votes> votes = zone.votes;
  if (!votes) return votes;
  for (std::vector<std::uint16_t>* list : {&votes->zones, &votes->doubts}) {
    for (std::uint16_t& each : *list) each = places[each];
    std::erase(*list, policy::kNoZone);
  }
  return votes;
}

ImageSource source_of(const FeedState& feed, const std::string& program) {
  // Read as it was configured before: not what it is now.
  return {feed.content.is_of_old_source ? "" : reading_digest(feed.source),
          feed.content.sha256,
          program,
          feed.content.lines_skipped,
          feed.content.stamp,
          feed.content.first_skipped};
}

}  // namespace

/// What a feed had in force before all that has come for it since. Null: nothing.
const Content* Keeper::content_before(const FeedState& feed) const {
  const auto change = std::ranges::find(changes_, feed.status.name, &Change::name);
  return change == changes_.end() ? nullptr : &change->before;
}

/// Of the feeds that are planned, those that have rules: each one's zone, in their order.
Result<HeldImage> Keeper::build_image(const BuildPlan& plan, const Now& now) {
  std::vector<bool> is_read = plan.feeds;  // And those that votes in it are counted of.
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    const auto& votes = feeds_[i].source.zone.votes;
    if (!plan.feeds[i] || !votes) continue;
    for (const auto* list : {&votes->zones, &votes->doubts}) {
      for (const std::uint16_t voter : *list) is_read[voter] = true;
    }
  }
  std::vector<std::uint16_t> places;  // In the order, by feed.
  std::uint16_t next = 0;
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    places.push_back(is_read[i] && feeds_[i].content.is_there() ? next++ : policy::kNoZone);
  }
  std::vector<Builder::Zone> zones;
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    if (places[i] == policy::kNoZone) continue;
    const FeedState& feed = feeds_[i];
    zones.push_back({feed.status.name, to_text(source_of(feed, options_.program)), &feed.content,
                     votes_in(feed.source.zone, places), plan.feeds[i], content_before(feed)});
  }
  const std::uint64_t key = plan.ground ? plan.ground->hash_key() : next_key();
  return hands_.builder.build(zones, key, now.wall);
}

/// From now on the rules of those that were planned are in the image and nowhere else.
void Keeper::keep_in_image(const HeldImage& image, const BuildPlan& plan) {
  std::uint16_t zone = 0;
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    FeedState& feed = feeds_[i];
    if (!plan.feeds[i] || !feed.content.is_there()) continue;
    feed.content.rules.reset();
    feed.content.held = image;
    feed.content.image_zone = zone++;
    if (feed.source.zone.votes) feed.status.rules = feed.content.rule_count();
  }
}

policy::PolicyFrame Keeper::frame(const HeldImages& images, const Now& now) const {
  policy::PolicyFrame frame;
  frame.number = generation_ + 1;
  frame.built_at = now.wall;
  frame.groups = options_.groups;
  for (const FeedState& feed : feeds_) {
    const Content& content = feed.content;
    policy::ImagePlace at;
    if (content.held.image) {
      at = {content.held.image == images.ground.image ? kGround : kOverlay, content.image_zone};
    }
    frame.zones.push_back(feed.source.zone);
    frame.rules_at.push_back(at);
  }
  frame_canaries(frame, static_cast<std::uint16_t>(images_in(images).size()));
  return frame;
}

/// The feeds' contents are then in the generation's images.
Result<Keeper::Compiled> Keeper::compile(const Now& now) {
  const auto began = std::chrono::steady_clock::now();
  Compiled compiled;
  have_votes_counted(feeds_);
  const BuildPlan plan = plan_build(
      feeds_, [this](const policy::RuleImage& ground) { return images_.is_kept(ground); });
  compiled.has_built = plan.is_needed;
  if (plan.is_needed) {
    // Where no feed has rules, that is all that there is.
    compiled.images.ground = POSTERN_TRY(build_image(plan, now));
    keep_in_image(compiled.images.ground, plan);
  }
  const std::vector<ImageShare> shares = shares_of(feeds_);
  if (!shares.empty()) compiled.images.ground = shares[0].held;
  if (shares.size() > 1) compiled.images.overlay = shares[1].held;
  auto images = images_in(compiled.images);
  const HeldImage canaries = POSTERN_TRY(build_canaries(compiled.images.ground, now));
  if (canaries.image) images.push_back(canaries.image);
  compiled.generation =
      POSTERN_TRY(policy::Generation::create(frame(compiled.images, now), std::move(images)));
  compile_time_ =
      std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - began);
  return compiled;
}

Result<void> Keeper::compile_and_publish(const Now& now) {
  for (;;) {
    // In a copy: if it does not come into force, all stays as it is.
    std::vector<FeedState> before = feeds_;
    auto compiled = compile(now);
    if (!compiled) {
      feeds_ = std::move(before);
      return Unexpected<Error>(std::move(compiled).error());
    }
    const std::vector<GateReport> held = judge_changes(*compiled->generation);
    if (!held.empty()) {
      feeds_ = std::move(before);
      must_publish_ = false;
      for (const GateReport& report : held) hold(report, now);
      if (!changes_.empty() || !has_published_ || is_frame_new_ || must_publish_) continue;
      return {};
    }
    if (const std::vector<std::string> tried = updates_to_try(); !tried.empty()) {
      std::vector<std::shared_ptr<const std::string>> reports;
      for (const std::string& name : tried) reports.push_back(find(name)->report);
      feeds_ = std::move(before);
      for (std::size_t i = 0; i < tried.size(); ++i) begin_canary(tried[i], reports[i], now);
      continue;
    }
    before.clear();
    put_in_force(std::move(compiled->generation), now);
    keep_images(compiled->images);
    if (compiled->has_built) ::malloc_trim(0);  // What reading took goes back to the system.
    return {};
  }
}

/// Has the next start find what is in force now.
void Keeper::keep_images(const HeldImages& images) {
  if (images_.are_newest(images)) return;
  if (const auto saved = images_.save(generation_, images); !saved) {
    log_.warning("feeds", "the rules are in force but not kept on disk: " + saved.error().text);
  }
}

/// See Mapping::settle. Only once the generation before is gone, so that there is never more than
/// one of them in this process's memory whole. Who builds the next image is then given a copy:
/// seldom, and soon gone.
void Keeper::settle() {
  std::shared_ptr<const Mapping> last;  // Many feeds have the same one.
  bool has_settled = false;
  for (FeedState& feed : feeds_) {
    HeldImage& held = feed.content.held;
    if (!held.mapping) continue;
    if (held.mapping != last) has_settled = held.mapping->settle();
    last = std::exchange(held.mapping, nullptr);  // Tried once.
    if (has_settled) held.memory.reset();
  }
}

void Keeper::put_in_force(std::shared_ptr<const policy::Generation> generation, const Now& now) {
  ++generation_;
  // Before it is in force: a number that was in a record must not be given again.
  if (const auto saved = store_.save_generation(generation_); !saved) {
    log_.warning("feeds", "generation numbers are not kept: " + saved.error().text);
  }
  log_.info("feeds", "generation " + std::to_string(generation_) + ": " +
                         std::to_string(generation->rule_count()) + " rules of " +
                         std::to_string(feeds_.size()) + " feeds in force");
  // Not put off by each new generation: many in a row would pile up.
  if (retired_.empty()) look_at_retired_ = now.mono + kRetiredCheck;
  retired_.push_back(target_.current());
  begin_watch(now);
  watch_validity(*generation, now);
  if (const auto now_ready = std::exchange(options_.before_in_force, nullptr)) now_ready();
  target_.publish(std::move(generation));
  must_publish_ = false;
  has_published_ = true;
  is_frame_new_ = false;
  await_hand_over();
  keep_copies();
}

bool Keeper::restore_image(const Now& now) {
  const HeldImages images = images_.load_newest();
  bool has_any = false;
  for (FeedState& feed : feeds_) {
    const auto found = zone_in(images, feed.source);
    if (!found) continue;
    const ImageSource& source = found->source;
    feed.content.held = found->held;
    feed.content.image_zone = found->zone;
    // What another build of the program has read is read again.
    if (source.program == options_.program) feed.content.sha256 = source.sha256;
    feed.content.lines_skipped = source.lines_skipped;
    feed.content.first_skipped = source.first_skipped;
    feed.content.stamp = source.stamp;
    feed.status.rules = feed.content.rule_count();
    feed.status.lines_skipped = source.lines_skipped;
    feed.status.first_skipped = source.first_skipped;
    feed.status.health = intel::Health::stale;
    feed.status.generation = generation_ + 1;
    has_any = true;
  }
  if (!has_any) return false;
  if (const auto done = compile_and_publish(now); !done) {
    log_.error("feeds", "the rules kept on disk cannot be put in force, the feeds are read: " +
                            done.error().text);
    for (FeedState& feed : feeds_) feed.content = {};
    return false;
  }
  is_restored_ = true;
  return std::ranges::all_of(feeds_, [this](const FeedState& feed) {
    if (feed.content.is_there()) return true;
    return is_remote(feed.source) && !store_.load_facts(feed.status.name, feed.digest);
  });
}

}  // namespace postern::feeds
