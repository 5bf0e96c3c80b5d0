// What the Keeper does with updates that one group has first (the canary group), before they come
// into force for all.
#include <algorithm>
#include <utility>

#include "feeds/builder.h"
#include "feeds/keeper.h"
#include "feeds/layering.h"
#include "policy/limits.h"

namespace postern::feeds {
namespace {

bool is_in_canary_image(const FeedState& feed, const HeldImage& image) {
  return feed.canary->content.held.image == image.image;
}

}  // namespace

/// Whether the canary group has the feed at all: else an update would wait for nothing.
bool Keeper::has_canary_group(const FeedState& feed) const {
  if (options_.canary_group.empty() || options_.canary_for == seconds(0)) return false;
  const auto place = static_cast<std::uint16_t>(&feed - feeds_.data());
  return std::ranges::any_of(options_.groups, [&](const policy::Group& group) {
    return group.name == options_.canary_group &&
           std::ranges::find(group.zones, place) != group.zones.end();
  });
}

/// The feeds with updates that passed the gate and that the canary group is to have first.
std::vector<std::string> Keeper::updates_to_try() {
  std::vector<std::string> names;
  for (const Change& change : changes_) {
    const FeedState* const feed = find(change.name);
    if (feed == nullptr || !change.is_judged || change.is_tried || change.accepts_any_size) {
      continue;
    }
    // Without rules there is nothing to keep to meanwhile.
    if (!change.before.is_there() || change.before.is_of_old_source) continue;
    if (!is_guarded(feed->source) || !has_canary_group(*feed) || was_in_force(*feed)) continue;
    if (std::ranges::find(names, change.name) == names.end()) names.push_back(change.name);
  }
  const auto on = std::ranges::count_if(feeds_, [](const FeedState& f) { return !!f.canary; });
  const bool fits =
      feeds_.size() + static_cast<std::size_t>(on) + names.size() <= policy::kMaxZones;
  return fits ? names : std::vector<std::string>();
}

/// The feed keeps the rules that it had; the canary group has those of the update. One that comes
/// while another is tried takes its place until its end: however often a feed changes, its changes
/// reach everybody.
void Keeper::begin_canary(const std::string& name, std::shared_ptr<const std::string> report,
                          const Now& now) {
  FeedState& feed = *find(name);
  Canary canary{feed.content.rules, feed.content, now.mono + options_.canary_for};
  if (feed.canary) canary.until = feed.canary->until;
  Held held = make_held(feed, HeldState::canary, now);
  if (report) held.report = *report;
  feed.report = std::move(report);
  set_aside(feed, std::move(held));
  log_.info("gate", name + ": an update with " + std::to_string(canary.content.rule_count()) +
                        " rules is in force for the group " + options_.canary_group +
                        " first, for " + std::to_string(options_.canary_for.count() / 60) +
                        " minutes");
  feed.canary = std::move(canary);
  must_publish_ = true;
}

/// An image with the updates that are tried; none where there are none.
Result<HeldImage> Keeper::build_canaries(const HeldImage& ground, const Now& now) {
  std::vector<FeedState*> tried;
  for (FeedState& feed : feeds_) {
    if (feed.canary) tried.push_back(&feed);
  }
  if (tried.empty()) return HeldImage{};
  HeldImage first = tried.front()->canary->content.held;
  if (first.image && std::ranges::all_of(tried, [&](const FeedState* feed) {
        return is_in_canary_image(*feed, first);
      })) {
    return first;
  }
  std::vector<Content> contents;
  for (const FeedState* feed : tried) {
    Content& content = contents.emplace_back();
    content.rules = feed->canary->rules;
  }
  std::vector<Builder::Zone> zones;
  for (std::size_t i = 0; i < tried.size(); ++i) {
    Builder::Zone& zone = zones.emplace_back();
    zone.name = tried[i]->status.name;
    zone.content = &contents[i];
    zone.before = &tried[i]->content;
  }
  HeldImage image = POSTERN_TRY(hands_.builder.build(zones, ground.image->hash_key(), now.wall));
  for (std::size_t i = 0; i < tried.size(); ++i) {
    tried[i]->canary->content.held = image;
    tried[i]->canary->content.image_zone = static_cast<std::uint16_t>(i);
  }
  return image;
}

/// The zones that are tried stand behind all others, and in the canary group's policies in the
/// place of the feed's own.
void Keeper::frame_canaries(policy::PolicyFrame& frame, std::uint16_t image) const {
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    const FeedState& feed = feeds_[i];
    // What has come since is to be judged as what that group would have, too; or all have it now.
    const bool has_newer =
        std::ranges::find(changes_, feed.status.name, &Change::name) != changes_.end();
    if (!feed.canary || has_newer) continue;
    const auto zone = static_cast<std::uint16_t>(frame.zones.size());
    frame.zones.push_back(feed.source.zone);
    frame.rules_at.push_back({image, feed.canary->content.image_zone});
    ++frame.canaries;
    for (policy::Group& group : frame.groups) {
      if (group.name != options_.canary_group) continue;
      std::ranges::replace(group.zones, static_cast<std::uint16_t>(i), zone);
    }
  }
}

/// What was tried when the program ended, or is no more as it was configured, is judged anew when
/// it comes again. True if there was any. What is on disk of it stays until then.
bool Keeper::forget_canary(FeedState& feed) {
  feed.canary.reset();
  if (!feed.held || feed.held->state != HeldState::canary) return false;
  feed.held = feed.held->others_out();
  show_held(feed);
  return true;
}

/// From now on nobody has it. What is held of it stays as it is.
void Keeper::drop_canary(FeedState& feed) {
  if (!feed.canary) return;
  feed.canary.reset();
  must_publish_ = true;
}

/// Those whose time is over come into force for all.
void Keeper::look_at_canaries(const Now& now) {
  std::vector<std::pair<std::string, std::string>> promoted;  // Names, and digests of texts.
  for (FeedState& feed : feeds_) {
    if (!feed.canary || !feed.held || feed.canary->until > now.mono) continue;
    promoted.emplace_back(feed.status.name, feed.held->facts.sha256);
    Arrival arrival{.content = std::move(feed.canary->content),
                    .facts = feed.held->facts,
                    .is_judged = true,
                    .is_tried = true};
    arrival.content.rules = std::move(feed.canary->rules);
    arrival.content.held = {};
    auto text = held_store_.load_text(feed.status.name, *feed.held, feed.source.max_octets);
    if (text) arrival.text = *std::move(text);
    forget_held(feed);
    accept(feed, std::move(arrival));
  }
  if (promoted.empty()) return;
  publish(now);
  for (const auto& [name, sha256] : promoted) {
    if (find(name)->content.sha256 != sha256) continue;  // The log has why.
    log_.info("gate", name + ": what the group " + options_.canary_group +
                          " had first is in force for all");
  }
}

/// After a generation that could not be built: what is in no image yet is fetched again.
void Keeper::give_up_unbuilt_canaries(const Error& why, const Now& now) {
  for (FeedState& feed : feeds_) {
    if (!feed.canary || feed.canary->content.held.image) continue;
    forget_held(feed);
    failed(feed, why, now);
  }
}

/// What the canary group has is taken from it, and held.
void Keeper::withdraw_canaries(const std::string& departure, const Now& now) {
  std::string names;
  for (FeedState& feed : feeds_) {
    if (!feed.canary) continue;
    drop_canary(feed);
    Held& held = *feed.held;
    held.state = HeldState::rolled_back;
    held.since = now.wall;
    held.reasons = {{intel::GateReason::block_rate, departure}};
    if (const auto saved = held_store_.save_facts(feed.status.name, held); !saved) {
      log_.warning("gate", feed.status.name + ": " + saved.error().text);
    }
    show_held(feed);
    names += (names.empty() ? "" : ", ") + feed.status.name;
  }
  if (names.empty()) return;
  publish(now);
  log_.error("gate", names + ": taken from the group " + options_.canary_group +
                         " and held is an update that " + departure);
}

}  // namespace postern::feeds
