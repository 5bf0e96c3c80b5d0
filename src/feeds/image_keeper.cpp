// What the Keeper does with rule images: from the feeds' contents to one, and back at the start.
#include <algorithm>
#include <utility>

#include <malloc.h>

#include "feeds/builder.h"
#include "feeds/image_source.h"
#include "feeds/keeper.h"

namespace postern::feeds {
namespace {

/// The image that has all feeds' rules already; null where there is none.
std::shared_ptr<const policy::RuleImage> common_image(const std::vector<FeedState>& feeds) {
  std::shared_ptr<const policy::RuleImage> common;
  for (const FeedState& feed : feeds) {
    if (!feed.content.is_there()) continue;
    const bool is_in_image = !feed.content.rules && feed.content.image;
    if (!is_in_image || (common && feed.content.image != common)) return nullptr;
    common = feed.content.image;
  }
  return common;
}

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

Result<HeldImage> Keeper::build_image(const Now& now) {
  std::vector<std::uint16_t> places;  // In the image, by feed.
  std::uint16_t next = 0;
  for (const FeedState& feed : feeds_) {
    places.push_back(feed.content.is_there() ? next++ : policy::kNoZone);
  }
  std::vector<Builder::Zone> zones;
  for (const FeedState& feed : feeds_) {
    if (!feed.content.is_there()) continue;
    zones.push_back({feed.status.name, to_text(source_of(feed, options_.program)), &feed.content,
                     votes_in(feed.source.zone, places)});
  }
  return hands_.builder.build(zones, next_key(), now.wall);
}

/// From now on the rules are in the image and nowhere else.
void Keeper::keep_in_image(const HeldImage& image) {
  std::uint16_t zone = 0;
  for (FeedState& feed : feeds_) {
    if (!feed.content.is_there()) continue;
    feed.content.rules.reset();
    feed.content.image = image.image;
    feed.content.image_memory = image.memory;
    feed.content.image_zone = zone++;
    if (feed.source.zone.votes) feed.status.rules = feed.content.rule_count();
  }
}

policy::PolicyFrame Keeper::frame(const Now& now) const {
  policy::PolicyFrame frame;
  frame.number = generation_ + 1;
  frame.built_at = now.wall;
  frame.groups = options_.groups;
  for (const FeedState& feed : feeds_) {
    frame.zones.push_back(feed.source.zone);
    frame.image_zones.push_back(feed.content.image ? feed.content.image_zone : policy::kNoZone);
  }
  return frame;
}

/// The feeds' contents are then in the generation's image.
Result<Keeper::Compiled> Keeper::compile(const Now& now) {
  const auto began = std::chrono::steady_clock::now();
  Compiled compiled;
  std::shared_ptr<const policy::RuleImage> image = common_image(feeds_);
  if (!image) {
    compiled.built = POSTERN_TRY(build_image(now));
    image = compiled.built.image;
    keep_in_image(compiled.built);
  }
  compiled.generation = POSTERN_TRY(policy::Generation::create(frame(now), image));
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
      for (const GateReport& report : held) hold(report, now);
      if (!changes_.empty() || !has_published_ || is_frame_new_) continue;
      must_publish_ = false;
      return {};
    }
    before.clear();
    put_in_force(std::move(compiled->generation), now);
    if (!compiled->built.image) return {};
    unsettled_ = compiled->built;
    if (const auto saved = images_.save(generation_, *compiled->built.memory); !saved) {
      log_.warning("feeds", "the rules are in force but not kept on disk: " + saved.error().text);
    }
    ::malloc_trim(0);  // What reading took goes back to the system.
    return {};
  }
}

/// See Mapping::settle. Who builds the next image is then given a copy: seldom, and soon gone.
void Keeper::settle() {
  if (!unsettled_.image || !unsettled_.mapping->settle()) return;
  for (FeedState& feed : feeds_) {
    if (feed.content.image == unsettled_.image) feed.content.image_memory.reset();
  }
  unsettled_ = {};
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
  const HeldImage held = images_.load_newest();
  const std::shared_ptr<const policy::RuleImage>& image = held.image;
  if (!image) return false;
  bool has_any = false;
  for (FeedState& feed : feeds_) {
    for (std::size_t zone = 0; zone < image->zones().size(); ++zone) {
      const policy::ImageZone& from = image->zones()[zone];
      if (from.name != feed.status.name) continue;
      const auto source = image_source_from(from.source);
      if (!source || source->reading != reading_digest(feed.source)) break;
      feed.content.image = image;
      feed.content.image_memory = held.memory;
      feed.content.image_zone = static_cast<std::uint16_t>(zone);
      // What another build of the program has read is read again.
      if (source->program == options_.program) feed.content.sha256 = source->sha256;
      feed.content.lines_skipped = source->lines_skipped;
      feed.content.first_skipped = source->first_skipped;
      feed.content.stamp = source->stamp;
      feed.status.rules = feed.content.rule_count();
      feed.status.lines_skipped = source->lines_skipped;
      feed.status.first_skipped = source->first_skipped;
      feed.status.health = intel::Health::stale;
      feed.status.generation = generation_ + 1;
      has_any = true;
      break;
    }
  }
  if (!has_any) return false;
  if (const auto done = compile_and_publish(now); !done) {
    log_.error("feeds", "the rules kept on disk cannot be put in force, the feeds are read: " +
                            done.error().text);
    for (FeedState& feed : feeds_) feed.content = {};
    return false;
  }
  is_restored_ = true;
  unsettled_ = held;
  return std::ranges::all_of(feeds_, [this](const FeedState& feed) {
    if (feed.content.is_there()) return true;
    return is_remote(feed.source) && !store_.load_facts(feed.status.name, feed.digest);
  });
}

}  // namespace postern::feeds
