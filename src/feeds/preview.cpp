#include "feeds/preview.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "feeds/builder.h"
#include "feeds/clocks.h"
#include "feeds/image_store.h"
#include "feeds/layering.h"

namespace postern::feeds {
namespace {

/// Of a zone of votes: who votes, by place among the zones.
std::optional<policy::Votes> votes_of(const std::string& name,
                                      const std::vector<Builder::Zone>& zones,
                                      const Options& options) {
  const auto source = std::ranges::find_if(
      options.sources, [&](const Source& each) { return each.zone.name == name; });
  if (source == options.sources.end() || !source->zone.votes) return std::nullopt;
  policy::Votes votes = *source->zone.votes;
  for (std::vector<std::uint16_t>* list : {&votes.zones, &votes.doubts}) {
    for (std::uint16_t& each : *list) {
      const auto at =
          std::ranges::find(zones, options.sources[each].zone.name, &Builder::Zone::name);
      each = at == zones.end() ? policy::kNoZone : static_cast<std::uint16_t>(at - zones.begin());
    }
    std::erase(*list, policy::kNoZone);
  }
  return votes;
}

/// The zone of that name, whatever its rules were read from: the overlay's where it has one.
policy::ImagePlace zone_named(const HeldImages& images, const std::string& name) {
  for (const std::uint16_t at : {kOverlay, kGround}) {
    const HeldImage& held = at == kOverlay ? images.overlay : images.ground;
    if (!held.image) continue;
    const auto& zones = held.image->zones();
    const auto zone = std::ranges::find(zones, name, &policy::ImageZone::name);
    if (zone != zones.end()) return {at, static_cast<std::uint16_t>(zone - zones.begin())};
  }
  return {};
}

/// The options' zones and groups around images, their zones found by name.
Result<std::shared_ptr<const policy::Generation>> framed(const Options& options,
                                                         const HeldImages& images) {
  policy::PolicyFrame frame;
  frame.built_at = wall_now();
  frame.groups = options.groups;
  for (const Source& source : options.sources) {
    frame.zones.push_back(source.zone);
    frame.rules_at.push_back(zone_named(images, source.zone.name));
  }
  return policy::Generation::create(std::move(frame), images_in(images));
}

/// An image with the rules of all zones, those of one replaced.
Result<HeldImage> with_zone(const HeldImages& images, const std::string& name,
                            const Content& content, const Options& options) {
  std::vector<std::string> names;
  std::vector<Content> contents;
  for (const HeldImage& held : {images.overlay, images.ground}) {
    const std::size_t count = held.image ? held.image->zones().size() : 0;
    for (std::size_t zone = 0; zone < count; ++zone) {
      const std::string& other = held.image->zones()[zone].name;
      if (other == name || std::ranges::find(names, other) != names.end()) continue;
      names.push_back(other);
      contents.emplace_back();
      contents.back().held = held;
      contents.back().image_zone = static_cast<std::uint16_t>(zone);
    }
  }
  std::vector<Builder::Zone> zones;
  for (std::size_t i = 0; i < names.size(); ++i) zones.push_back({names[i], "", &contents[i]});
  zones.push_back({name, "", &content});
  for (Builder::Zone& zone : zones) zone.votes = votes_of(zone.name, zones, options);
  return Builder(options.builder).build(zones, options.seed, wall_now());
}

}  // namespace

Result<GateReport> preview(Options options, const Source& source, const Content& content,
                           const policy::Traffic& traffic) {
  const std::string& name = source.zone.name;
  const auto known = std::ranges::find_if(
      options.sources, [&](const Source& each) { return each.zone.name == name; });
  if (known == options.sources.end()) {
    const auto index = static_cast<std::uint16_t>(options.sources.size());
    options.sources.push_back(source);
    for (policy::Group& group : options.groups) group.zones.push_back(index);
  }
  NullLog log;
  const HeldImages images = ImageStore(options.cache_dir, log).load_newest();
  auto before = policy::Generation::empty();
  std::uint64_t rules_before = 0;
  if (images.ground.image) {
    before = POSTERN_TRY(framed(options, images));
    const policy::ImagePlace at = zone_named(images, name);
    if (at.is_there()) rules_before = images_in(images)[at.image]->zones()[at.zone].rule_count();
  }
  const HeldImages changed{POSTERN_TRY(with_zone(images, name, content, options)), {}};
  const auto after = POSTERN_TRY(framed(options, changed));
  // Whoever asks wants to hear all that there is to say.
  const GateSubject subject{.feed = name, .sizes = {rules_before, content.rule_count(), false}};
  return judge_updates(*before, *after, traffic, {subject}, options.gate).front();
}

}  // namespace postern::feeds
