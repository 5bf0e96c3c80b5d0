#include "feeds/build_work.h"

#include <map>
#include <utility>
#include <vector>

#include "policy/extract.h"
#include "policy/image_writer.h"
#include "policy/rule_dates.h"
#include "policy/tally.h"

namespace postern::feeds {
namespace {

Result<policy::ZoneRules> packed_rules(const SharedMemory& input) {
  const auto mapping = POSTERN_TRY(Mapping::of(input));
  return policy::ZoneRules::unpack(mapping->octets());
}

/// The rules of those zones of the order that are in the image of one input, by their place in it.
Result<std::map<std::size_t, policy::ZoneRules>> rules_in_image(const BuildOrder& order,
                                                                std::uint32_t input,
                                                                const SharedMemory& memory) {
  const auto mapping = POSTERN_TRY(Mapping::of(memory));
  const auto image = POSTERN_TRY(policy::RuleImage::open(mapping->octets(), mapping));
  std::vector<std::size_t> places;
  std::vector<std::uint16_t> zones;
  for (std::size_t i = 0; i < order.zones.size(); ++i) {
    const ZoneOrder& zone = order.zones[i];
    if (zone.input != input || !zone.image_zone) continue;
    if (*zone.image_zone >= image->zones().size()) {
      return fail(Errc::corrupt, "there is no such zone in the image");
    }
    places.push_back(i);
    zones.push_back(*zone.image_zone);
  }
  std::vector<policy::ZoneRules> extracted = policy::extract_rules(*image, zones);
  std::map<std::size_t, policy::ZoneRules> rules;
  for (std::size_t i = 0; i < places.size(); ++i) rules[places[i]] = std::move(extracted[i]);
  return rules;
}

/// Since when the rules of a copy that was just read are in their list.
Result<void> date(policy::ZoneRules& rules, const ZoneOrder& zone, WallTime now,
                  std::span<const SharedMemory* const> inputs) {
  const std::uint32_t now_s = policy::note_seconds(now);
  if (!zone.before) {
    policy::date_rules(rules, std::nullopt, now_s);
    return {};
  }
  if (zone.before->input >= inputs.size()) return fail(Errc::corrupt, "there is no such input");
  const auto mapping = POSTERN_TRY(Mapping::of(*inputs[zone.before->input]));
  const auto image = POSTERN_TRY(policy::RuleImage::open(mapping->octets(), mapping));
  if (zone.before->image_zone >= image->zones().size()) {
    return fail(Errc::corrupt, "there is no such zone in the image");
  }
  policy::date_rules(rules, policy::CopyBefore{*image, zone.before->image_zone}, now_s);
  return {};
}

/// What a zone of votes blocks, of the rules of the others.
Result<policy::ZoneRules> counted(const BuildOrder& order, std::size_t place,
                                  const std::map<std::size_t, policy::ZoneRules>& rules) {
  const policy::Votes& votes = *order.zones[place].votes;
  std::vector<const policy::ZoneRules*> voters;
  std::vector<const policy::ZoneRules*> doubts;
  for (const auto& [from, to] : {std::pair(&votes.zones, &voters), {&votes.doubts, &doubts}}) {
    for (const std::uint16_t zone : *from) {
      const auto found = rules.find(zone);
      if (found == rules.end() || order.zones[zone].votes) {
        return fail(Errc::corrupt, "a zone that votes has no rules of its own");
      }
      to->push_back(&found->second);
    }
  }
  return policy::tally({votes, voters, doubts, order.now});
}

}  // namespace

Result<ReadFacts> carry_out(const ReadOrder& order, std::string_view text, SharedMemory& rules) {
  ParsedCopy parsed = POSTERN_TRY(parse_copy(text, order.format, order.origin));
  Result<void> written;
  parsed.rules.pack([&](OctetView piece) {
    if (written) written = rules.append(piece);
  });
  POSTERN_CHECK(std::move(written));
  return ReadFacts{parsed.rules.size(), parsed.lines_skipped, std::move(parsed.first_skipped),
                   std::move(parsed.sha256), parsed.rules.soa()};
}

Result<void> carry_out(const BuildOrder& order, std::span<const SharedMemory* const> inputs,
                       SharedMemory& image) {
  std::map<std::size_t, policy::ZoneRules> rules;
  std::map<std::uint32_t, bool> is_image;
  for (std::size_t i = 0; i < order.zones.size(); ++i) {
    const ZoneOrder& zone = order.zones[i];
    if (zone.votes) continue;
    if (zone.input >= inputs.size()) return fail(Errc::corrupt, "there is no such input");
    if (!zone.image_zone) {
      rules[i] = POSTERN_TRY(packed_rules(*inputs[zone.input]));
      POSTERN_CHECK(date(rules[i], zone, order.now, inputs));
    } else if (std::exchange(is_image[zone.input], true) == false) {
      rules.merge(POSTERN_TRY(rules_in_image(order, zone.input, *inputs[zone.input])));
    }
  }
  for (std::size_t i = 0; i < order.zones.size(); ++i) {
    if (order.zones[i].votes) rules[i] = POSTERN_TRY(counted(order, i, rules));
  }
  std::vector<policy::ZoneContent> zones;
  for (std::size_t i = 0; i < order.zones.size(); ++i) {
    if (!order.zones[i].is_written) continue;
    zones.push_back({order.zones[i].name, order.zones[i].source, &rules.at(i)});
  }
  return image.append(POSTERN_TRY(policy::build_image(zones, order.key)));
}

}  // namespace postern::feeds
