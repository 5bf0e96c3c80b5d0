#include "policy/extract.h"

#include <algorithm>
#include <unordered_map>

#include "policy/generation.h"

namespace postern::policy {
namespace {

/// Gives each rule to the zone that wants it.
class Extraction {
 public:
  Extraction(const RuleImage& image, std::span<const std::uint16_t> zones)
      : image_(image), wanted_by_(image.zones().size(), kNoZone), rules_(zones.size()) {
    data_.resize(zones.size());
    notes_.resize(zones.size());
    for (std::size_t i = 0; i < zones.size(); ++i) {
      const ImageZone& zone = image.zones()[zones[i]];
      wanted_by_[zones[i]] = static_cast<std::uint16_t>(i);
      constexpr std::size_t kUsualNameOctets = 20;
      // `open` has seen that there may be so many.
      rules_[i].reserve(zone.rule_count(), zone.rule_count() * kUsualNameOctets);
      rules_[i].set_closest_encloser(zone.closest_encloser);
      rules_[i].set_sharing(zone.sharing);
      rules_[i].set_since(zone.since_s);
      if (zone.soa) rules_[i].set_soa(*zone.soa);
    }
  }

  void take(const Posting& posting, Rule rule) {
    const std::uint16_t zone = wanted_by_[posting.zone];
    if (zone == kNoZone || posting.scope == kExists) return;
    rule.scope = posting.scope;
    rule.action = posting.action;
    rule.rank = posting.rank;
    rule.line = posting.line;
    if (rule.action == Action::local_data) rule.data = data_of(zone, posting.data);
    const RuleNote* note = image_.note(posting.note);
    if (note != nullptr && rule.action != Action::local_data) {
      rule.note = note_of(zone, posting.note, *note);
    }
    rules_[zone].add(rule);
  }

  std::vector<ZoneRules> finish() && { return std::move(rules_); }

 private:
  /// The zone's own number of a record set.
  std::uint32_t data_of(std::uint16_t zone, std::uint32_t number) {
    const auto [found, is_new] = data_[zone].try_emplace(number, 0);
    if (is_new) found->second = rules_[zone].add_local_data(image_.local_data(number));
    return found->second;
  }

  /// The same for a note.
  std::uint32_t note_of(std::uint16_t zone, std::uint32_t number, const RuleNote& note) {
    const auto [found, is_new] = notes_[zone].try_emplace(number, 0);
    if (is_new) found->second = rules_[zone].add_note(note);
    return found->second;
  }

  const RuleImage& image_;
  std::vector<std::uint16_t> wanted_by_;  ///< By zone of the image.
  std::vector<ZoneRules> rules_;
  std::vector<std::unordered_map<std::uint32_t, std::uint32_t>> data_;
  std::vector<std::unordered_map<std::uint32_t, std::uint32_t>> notes_;
};

}  // namespace

std::vector<ZoneRules> extract_rules(const RuleImage& image, std::span<const std::uint16_t> zones) {
  Extraction extraction(image, zones);
  image.for_each_rule(
      [&](const Posting& posting, const Rule& rule) { extraction.take(posting, rule); });
  return std::move(extraction).finish();
}

}  // namespace postern::policy
