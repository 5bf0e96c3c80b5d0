#include "feeds/preview.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "feeds/image_store.h"
#include "feeds/obtain.h"
#include "policy/extract.h"
#include "policy/image_writer.h"

namespace postern::feeds {
namespace {

/// The options' zones and groups around an image, its zones found by name.
Result<std::shared_ptr<const policy::Generation>> framed(
    const Options& options, const std::shared_ptr<const policy::RuleImage>& image) {
  policy::PolicyFrame frame;
  frame.built_at = std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
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
Result<std::shared_ptr<const policy::RuleImage>> with_zone(
    const std::shared_ptr<const policy::RuleImage>& image, const std::string& name,
    const policy::ZoneRules& rules, std::uint64_t key) {
  std::vector<std::uint16_t> numbers;
  for (std::size_t zone = 0; image && zone < image->zones().size(); ++zone) {
    if (image->zones()[zone].name != name) numbers.push_back(static_cast<std::uint16_t>(zone));
  }
  std::vector<policy::ZoneRules> others;
  if (image) others = policy::extract_rules(*image, numbers);
  std::vector<policy::ZoneContent> zones;
  for (std::size_t i = 0; i < others.size(); ++i) {
    zones.push_back({image->zones()[numbers[i]].name, "", &others[i]});
  }
  zones.push_back({name, "", &rules});
  const Octets built = POSTERN_TRY(policy::build_image(zones, key));
  return hold_image(built);
}

}  // namespace

Result<GateReport> preview(Options options, const Source& source, const policy::ZoneRules& rules,
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
  const auto image = ImageStore(options.cache_dir, log).load_newest();
  auto before = policy::Generation::empty();
  if (image) before = POSTERN_TRY(framed(options, image));
  const auto changed = POSTERN_TRY(with_zone(image, name, rules, options.seed));
  const auto after = POSTERN_TRY(framed(options, changed));
  std::uint64_t rules_before = 0;
  for (std::size_t i = 0; image && i < image->zones().size(); ++i) {
    if (image->zones()[i].name == name) rules_before = image->zones()[i].rule_count();
  }
  // Whoever asks wants to hear all that there is to say.
  const GateSubject subject{.feed = name, .sizes = {rules_before, rules.size(), false}};
  return judge_updates(*before, *after, traffic, {subject}, options.gate).front();
}

}  // namespace postern::feeds
