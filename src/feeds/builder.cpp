#include "feeds/builder.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <ranges>
#include <span>
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

/// What goes with an order, each thing once.
class Inputs {
 public:
  std::uint32_t of(const HeldRules& rules) {
    const auto [place, is_new] = places_.try_emplace(&rules, size());
    if (is_new) all_.push_back(&rules.packed);
    return place->second;
  }
  /// An image that has settled is in nobody's memory but this process's: a copy goes.
  Result<std::uint32_t> of(const HeldImage& held) {
    const auto [place, is_new] = places_.try_emplace(held.image.get(), size());
    if (!is_new) return place->second;
    if (held.memory) {
      all_.push_back(held.memory.get());
    } else {
      copies_.push_back(POSTERN_TRY(SharedMemory::of(held.image->octets())));
      all_.push_back(&copies_.back());
    }
    return place->second;
  }
  std::span<const SharedMemory* const> all() const { return all_; }

 private:
  std::uint32_t size() const { return static_cast<std::uint32_t>(all_.size()); }

  std::vector<const SharedMemory*> all_;
  std::map<const void*, std::uint32_t> places_;
  std::deque<SharedMemory> copies_;
};

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
  Inputs inputs;
  std::uint64_t rules = 0;
  std::uint64_t packed_octets = 0;
  for (const Zone& zone : zones) {
    if (zone.votes) {
      order.zones.push_back({zone.name, zone.source, 0, std::nullopt, zone.votes, zone.is_written});
      continue;
    }
    const Content& content = *zone.content;
    ZoneOrder made{zone.name, zone.source, 0, std::nullopt, std::nullopt, zone.is_written};
    if (content.rules) {
      made.input = inputs.of(*content.rules);
      packed_octets += POSTERN_TRY(content.rules->packed.size());
      if (zone.before != nullptr && zone.before->held.image) {
        made.before = {POSTERN_TRY(inputs.of(zone.before->held)), zone.before->image_zone};
      }
    } else {
      made.input = POSTERN_TRY(inputs.of(content.held));
      made.image_zone = content.image_zone;
    }
    order.zones.push_back(std::move(made));
    rules += content.rule_count();
  }
  SharedMemory image = POSTERN_TRY(SharedMemory::create("postern-image"));
  if (is_much(rules, kFewRules) || is_much(packed_octets, kLittlePacked)) {
    POSTERN_TRY(run_build(command_, to_octets(order), inputs.all(), image, is_stopped_));
  } else {
    POSTERN_CHECK(carry_out(order, inputs.all(), image));
  }
  HeldImage held = POSTERN_TRY(hold_image(std::move(image)));
  if (!has_zones(*held.image, zones)) {
    return fail(Errc::corrupt,
                "the rule image that was built has not the zones that it was to have");
  }
  return held;
}

}  // namespace postern::feeds
