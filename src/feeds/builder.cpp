#include "feeds/builder.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <ranges>
#include <utility>
#include <vector>

#include "feeds/build_work.h"

namespace postern::feeds {
namespace {

Result<std::uint64_t> packed_count(const SharedMemory& packed) {
  std::array<std::uint8_t, policy::ZoneRules::kPackedHeadOctets> head{};
  const bool is_read = packed.read_at(0, head);
  return is_read ? policy::ZoneRules::packed_count(head) : fail(Errc::corrupt, "no packed rules");
}

bool has_zones(const policy::RuleImage& image, std::span<const Builder::Zone> zones) {
  return std::ranges::equal(image.zones(), zones | std::views::filter(&Builder::Zone::is_written),
                            [](const policy::ImageZone& is, const Builder::Zone& wanted) {
                              return is.name == wanted.name && is.source == wanted.source;
                            });
}

}  // namespace

Result<Content> Builder::read(std::string_view text, const intel::FeedOptions& format,
                              Origin origin) const {
  return read(POSTERN_TRY(SharedMemory::of(octets_of(text))), format, origin);
}

Result<Content> Builder::read(const SharedMemory& text, const intel::FeedOptions& format,
                              Origin origin) const {
  const ReadOrder order{format, origin};
  SharedMemory rules = POSTERN_TRY(SharedMemory::create("postern-rules"));
  ReadFacts facts;
  if (is_much(POSTERN_TRY(text.size()), kLittleText)) {
    const SharedMemory* const inputs[] = {&text};
    facts = POSTERN_TRY(run_build(command_, to_octets(order), inputs, rules, is_stopped_));
  } else {
    const auto mapping = POSTERN_TRY(Mapping::of(text));
    facts = POSTERN_TRY(carry_out(order, text_of(mapping->octets()), rules));
  }
  POSTERN_CHECK(rules.seal());
  if (POSTERN_TRY(packed_count(rules)) != facts.rules) {
    return fail(Errc::corrupt, "as many rules as were read are not there");
  }
  Content content;
  content.lines_skipped = facts.lines_skipped;
  content.first_skipped = std::move(facts.first_skipped);
  content.sha256 = std::move(facts.sha256);
  content.rules = std::make_shared<const HeldRules>(
      HeldRules{std::move(rules), facts.rules, std::move(facts.soa)});
  return content;
}

Result<HeldImage> Builder::build(std::span<const Zone> zones, std::uint64_t key,
                                 WallTime now) const {
  BuildOrder order{key, now, {}};
  std::vector<const SharedMemory*> inputs;
  std::map<const void*, std::uint32_t> places;
  std::deque<SharedMemory> copies;
  std::uint64_t rules = 0;
  std::uint64_t packed_octets = 0;
  for (const Zone& zone : zones) {
    if (zone.votes) {
      order.zones.push_back({zone.name, zone.source, 0, std::nullopt, zone.votes, zone.is_written});
      continue;
    }
    const Content& content = *zone.content;
    const void* const what = content.rules ? static_cast<const void*>(content.rules.get())
                                           : static_cast<const void*>(content.held.image.get());
    const auto [place, is_new] =
        places.try_emplace(what, static_cast<std::uint32_t>(inputs.size()));
    if (is_new && content.rules) {
      inputs.push_back(&content.rules->packed);
    } else if (is_new && content.held.memory) {
      inputs.push_back(content.held.memory.get());
    } else if (is_new) {
      copies.push_back(POSTERN_TRY(SharedMemory::of(content.held.image->octets())));
      inputs.push_back(&copies.back());
    }
    order.zones.push_back({zone.name, zone.source, place->second,
                           content.rules ? std::nullopt : std::optional(content.image_zone),
                           std::nullopt, zone.is_written});
    rules += content.rule_count();
    if (content.rules) packed_octets += POSTERN_TRY(content.rules->packed.size());
  }
  SharedMemory image = POSTERN_TRY(SharedMemory::create("postern-image"));
  if (is_much(rules, kFewRules) || is_much(packed_octets, kLittlePacked)) {
    POSTERN_TRY(run_build(command_, to_octets(order), inputs, image, is_stopped_));
  } else {
    POSTERN_CHECK(carry_out(order, inputs, image));
  }
  HeldImage held = POSTERN_TRY(hold_image(std::move(image)));
  if (!has_zones(*held.image, zones)) {
    return fail(Errc::corrupt,
                "the rule image that was built has not the zones that it was to have");
  }
  return held;
}

}  // namespace postern::feeds
