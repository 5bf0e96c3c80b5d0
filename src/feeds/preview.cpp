#include "feeds/preview.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "feeds/builder.h"
#include "feeds/image_store.h"

namespace postern::feeds {
namespace {

WallTime wall_now() {
  return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
}

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

/// The options' zones and groups around an image, its zones found by name.
Result<std::shared_ptr<const policy::Generation>> framed(
    const Options& options, const std::shared_ptr<const policy::RuleImage>& image) {
  policy::PolicyFrame frame;
  frame.built_at = wall_now();
  frame.groups = options.groups;
  for (const Source& source : options.sources) {
    const auto at = std::ranges::find(image->zones(), source.zone.name, &policy::ImageZone::name);
    frame.zones.push_back(source.zone);
    frame.image_zones.push_back(at == image->zones().end()
                                    ? policy::kNoZone
                                    : static_cast<std::uint16_t>(at - image->zones().begin()));
  }
  return policy::Generation::create(std::move(frame), image);
}

/// The rules of an image, those of one zone replaced.
Result<HeldImage> with_zone(const HeldImage& image, const std::string& name, const Content& content,
                            const Options& options) {
  std::vector<Content> contents;
  std::vector<Builder::Zone> zones;
  const std::size_t count = image.image ? image.image->zones().size() : 0;
  contents.reserve(count);  // The zones point to them.
  for (std::size_t zone = 0; zone < count; ++zone) {
    const std::string& other = image.image->zones()[zone].name;
    if (other == name) continue;
    Content& held = contents.emplace_back();
    held.image = image.image;
    held.image_memory = image.memory;
    held.image_zone = static_cast<std::uint16_t>(zone);
    zones.push_back({other, "", &held});
  }
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
  const HeldImage image = ImageStore(options.cache_dir, log).load_newest();
  auto before = policy::Generation::empty();
  std::uint64_t rules_before = 0;
  if (image.image) {
    before = POSTERN_TRY(framed(options, image.image));
    const auto at = std::ranges::find(image.image->zones(), name, &policy::ImageZone::name);
    if (at != image.image->zones().end()) rules_before = at->rule_count();
  }
  const HeldImage changed = POSTERN_TRY(with_zone(image, name, content, options));
  const auto after = POSTERN_TRY(framed(options, changed.image));
  // Whoever asks wants to hear all that there is to say.
  const GateSubject subject{.feed = name, .sizes = {rules_before, content.rule_count(), false}};
  return judge_updates(*before, *after, traffic, {subject}, options.gate).front();
}

}  // namespace postern::feeds
