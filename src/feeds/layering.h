// How the feeds' rules lie in images: one that has most of them, and a smaller one over it with the
// zones that have changed since, so that a short list that changes is not built together with
// millions of rules that do not.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "feeds/image_memory.h"
#include "feeds/image_source.h"
#include "feeds/keeper.h"

namespace postern::feeds {

/// For policy::Generation::create: those that there are, at these places.
std::vector<std::shared_ptr<const policy::RuleImage>> images_in(const HeldImages& images);
inline constexpr std::uint16_t kGround = 0, kOverlay = 1;

/// Where a feed's rules are.
struct FoundZone {
  HeldImage held;
  std::uint16_t image = kGround;
  std::uint16_t zone = 0;
  ImageSource source;

  policy::ImagePlace place() const { return {image, zone}; }
};
/// Nothing where the images have none of the feed, or they were read otherwise than it is
/// configured.
std::optional<FoundZone> zone_in(const HeldImages& images, const Source& source);

/// An image, and how many rules of it the feeds use.
struct ImageShare {
  HeldImage held;
  std::uint64_t rules = 0;
};

/// The images that have the feeds' rules, the one that most are used of first.
std::vector<ImageShare> shares_of(const std::vector<FeedState>& feeds);

/// What is to be built.
struct BuildPlan {
  bool is_needed = false;
  std::vector<bool> feeds{};  ///< By feed: its zone is in the image to be built.
  /// What it lies over, and shares the key with: searching both then costs little more. Null: it
  /// has all.
  std::shared_ptr<const policy::RuleImage> ground{};
};

/// Nothing, where at most two images have all rules and not many that are no feed's any more. Else
/// what is not in the ground, as long as that is little beside it and the next start will find the
/// ground again (`is_kept`); else all.
BuildPlan plan_build(const std::vector<FeedState>& feeds,
                     const std::function<bool(const policy::RuleImage&)>& is_kept);

/// Has the votes counted again of which a list is not what it was: see Content::sha256.
void have_votes_counted(std::vector<FeedState>& feeds);

}  // namespace postern::feeds
