#include "feeds/layering.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "feeds/builder.h"
#include "feeds/digest.h"

namespace postern::feeds {
namespace {

/// A decision searches both images, and starts read both: only where building all takes a while.
constexpr std::uint64_t kLeastGround = Builder::kFewRules;
/// What lies over the ground has at most so much of the rules that are used of that.
constexpr std::uint64_t kMostOver = 4;

/// Whether a large part of an image is nobody's any more.
bool is_wasteful(const ImageShare& share) {
  return share.held.image->rule_count() > 2 * share.rules + kLeastGround;
}

bool has_zone(const policy::RuleImage& image, std::string_view name) {
  return std::ranges::find(image.zones(), name, &policy::ImageZone::name) != image.zones().end();
}

bool is_unbuilt(const FeedState& feed) {
  return feed.content.is_there() && !feed.content.held.image;
}

}  // namespace

std::vector<std::shared_ptr<const policy::RuleImage>> images_in(const HeldImages& images) {
  std::vector<std::shared_ptr<const policy::RuleImage>> all = {images.ground.image};
  if (images.overlay.image) all.push_back(images.overlay.image);
  return all;
}

std::optional<FoundZone> zone_in(const HeldImages& images, const Source& source) {
  // What the overlay has counts: the zone of that name in the ground is from before.
  for (const std::uint16_t at : {kOverlay, kGround}) {
    const HeldImage& held = at == kOverlay ? images.overlay : images.ground;
    if (!held.image) continue;
    const std::vector<policy::ImageZone>& zones = held.image->zones();
    const auto zone = std::ranges::find(zones, source.zone.name, &policy::ImageZone::name);
    if (zone == zones.end()) continue;
    auto said = image_source_from(zone->source);
    if (!said || said->reading != reading_digest(source)) return std::nullopt;
    return FoundZone{held, at, static_cast<std::uint16_t>(zone - zones.begin()), *std::move(said)};
  }
  return std::nullopt;
}

std::vector<ImageShare> shares_of(const std::vector<FeedState>& feeds) {
  std::vector<ImageShare> shares;
  for (const FeedState& feed : feeds) {
    const Content& content = feed.content;
    if (content.rules || !content.held.image) continue;
    auto share = std::ranges::find(shares, content.held.image,
                                   [](const ImageShare& each) { return each.held.image; });
    if (share == shares.end()) share = shares.insert(shares.end(), {content.held, 0});
    share->rules += content.rule_count();
  }
  std::ranges::stable_sort(shares, std::greater(), &ImageShare::rules);
  return shares;
}

BuildPlan plan_build(const std::vector<FeedState>& feeds,
                     const std::function<bool(const policy::RuleImage&)>& is_kept) {
  const std::vector<ImageShare> shares = shares_of(feeds);
  const auto ground = shares.empty() ? nullptr : shares.front().held.image;
  // In the ground, while what lies over it has a zone of its name: that is what a start would find.
  const auto is_covered = [&](const FeedState& feed) {
    return feed.content.held.image == ground && shares.size() > 1 &&
           has_zone(*shares[1].held.image, feed.status.name);
  };
  const bool is_built = !shares.empty() && std::ranges::none_of(feeds, is_unbuilt) &&
                        std::ranges::none_of(feeds, is_covered);
  const bool may_lie_over = ground && is_kept(*ground);
  if (is_built && (shares.size() == 1 || (shares.size() == 2 && may_lie_over)) &&
      std::ranges::none_of(shares, is_wasteful)) {
    return {};
  }
  BuildPlan all{true, std::vector<bool>(feeds.size(), true)};
  if (!may_lie_over || shares.front().rules < kLeastGround || is_wasteful(shares.front())) {
    return all;
  }
  BuildPlan plan{true, std::vector<bool>(feeds.size()), ground};
  std::uint64_t over = 0;
  for (std::size_t i = 0; i < feeds.size(); ++i) {
    plan.feeds[i] =
        feeds[i].content.held.image != ground || feeds[i].content.rules || is_covered(feeds[i]);
    if (!plan.feeds[i]) continue;
    // Of votes that are still to be counted: as many as before.
    over += std::max(feeds[i].content.rule_count(), feeds[i].status.rules);
  }
  return over > shares.front().rules / kMostOver ? all : plan;
}

void have_votes_counted(std::vector<FeedState>& feeds) {
  for (FeedState& feed : feeds) {
    if (!feed.source.zone.votes || !feed.content.is_there()) continue;
    std::string lists;
    for (const auto* list : {&feed.source.zone.votes->zones, &feed.source.zone.votes->doubts}) {
      for (const std::uint16_t each : *list) {
        const FeedState& voter = feeds[each];
        const std::string reading =
            voter.content.is_of_old_source ? "old" : reading_digest(voter.source);
        lists += voter.status.name + " " + reading + " " + voter.content.sha256 + "\n";
      }
      lists += "\n";
    }
    std::string digest = sha256_hex(lists);
    if (digest == feed.content.sha256) continue;
    feed.content.held = {};
    feed.content.is_counted = true;
    feed.content.sha256 = std::move(digest);
  }
}

}  // namespace postern::feeds
