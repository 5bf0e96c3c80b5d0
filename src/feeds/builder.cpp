#include "feeds/builder.h"

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "feeds/build_work.h"

namespace postern::feeds {

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
    POSTERN_CHECK(rules.seal());
  } else {
    const auto mapping = POSTERN_TRY(Mapping::of(text));
    facts = POSTERN_TRY(carry_out(order, text_of(mapping->octets()), rules));
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
  for (const Zone& zone : zones) {
    if (zone.votes) {
      order.zones.push_back({zone.name, zone.source, 0, std::nullopt, zone.votes});
      continue;
    }
    const Content& content = *zone.content;
    const void* const what = content.rules ? static_cast<const void*>(content.rules.get())
                                           : static_cast<const void*>(content.image.get());
    const auto [place, is_new] =
        places.try_emplace(what, static_cast<std::uint32_t>(inputs.size()));
    if (is_new && content.rules) {
      inputs.push_back(&content.rules->packed);
    } else if (is_new && content.image_memory) {
      inputs.push_back(content.image_memory.get());
    } else if (is_new) {
      copies.push_back(POSTERN_TRY(SharedMemory::create("postern-image")));
      POSTERN_CHECK(copies.back().append(content.image->octets()));
      inputs.push_back(&copies.back());
    }
    order.zones.push_back({zone.name, zone.source, place->second,
                           content.rules ? std::nullopt : std::optional(content.image_zone)});
    rules += content.rule_count();
  }
  SharedMemory image = POSTERN_TRY(SharedMemory::create("postern-image"));
  if (is_much(rules, kFewRules)) {
    POSTERN_TRY(run_build(command_, to_octets(order), inputs, image, is_stopped_));
  } else {
    POSTERN_CHECK(carry_out(order, inputs, image));
  }
  return hold_image(std::move(image));
}

}  // namespace postern::feeds
