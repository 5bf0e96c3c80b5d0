#include "policy/rule_dates.h"

#include <map>

namespace postern::policy {
namespace {

bool says_the_same(const Posting& posting, const RuleTraits& rule) {
  return posting.scope == rule.scope && posting.action == rule.action && posting.rank == rule.rank;
}

/// Looks rules up in the copy before.
class DatesBefore {
 public:
  explicit DatesBefore(const CopyBefore& before)
      : image_(before.image), zone_(before.zone), since_s_(image_.zones()[zone_].since_s) {}

  std::uint32_t since_s() const { return since_s_; }

  /// Nothing where it had no such rule.
  std::optional<std::uint32_t> of(const ZoneRules& rules, std::size_t index) const {
    const RuleTraits traits = rules.traits_at(index);
    return has_prefix(traits.trigger) ? of_prefix(traits, rules.prefix_at(index))
                                      : of_name(traits, rules.name_at(index));
  }

 private:
  std::optional<std::uint32_t> date_of(const Posting& posting, const RuleTraits& traits) const {
    if (posting.zone != zone_ || !says_the_same(posting, traits)) return std::nullopt;
    const RuleNote* note = image_.note(posting.note);
    return note == nullptr || note->first_seen_s == 0 ? since_s_ : note->first_seen_s;
  }

  std::optional<std::uint32_t> of_name(const RuleTraits& traits, OctetView wire) const {
    const auto name = dns::Name::from_labels(wire);
    if (!name) return std::nullopt;
    const NameTable& table = image_.names(traits.trigger);
    NameTable::Owners owners;
    table.find(*name, owners);
    for (std::size_t i = 0; i < owners.count; ++i) {
      if (!owners.items[i].whole) continue;
      Postings all = table.postings(owners.items[i]);
      for (Posting posting; all.next(posting);) {
        if (const auto date = date_of(posting, traits)) return date;
      }
    }
    return std::nullopt;
  }

  std::optional<std::uint32_t> of_prefix(const RuleTraits& traits, const IpPrefix& prefix) const {
    const PrefixTable& table = image_.prefixes(traits.trigger);
    PrefixTable::Found found;
    table.find(prefix.address(), found);
    for (std::size_t i = 0; i < found.count; ++i) {
      const PrefixTable::Range& range = found.items[i];
      if (range.count == 0 || table.prefix(range.first) != prefix) continue;
      for (std::uint32_t at = range.first; at < range.first + range.count; ++at) {
        if (const auto date = date_of(table.posting(at), traits)) return date;
      }
    }
    return std::nullopt;
  }

  const RuleImage& image_;
  const std::uint16_t zone_;
  const std::uint32_t since_s_;
};

}  // namespace

void date_rules(ZoneRules& rules, const std::optional<CopyBefore>& before, std::uint32_t now_s) {
  if (!before) return rules.set_since(now_s);
  const DatesBefore dates(*before);
  rules.set_since(dates.since_s());
  std::map<RuleNote, std::uint32_t> numbers;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules.traits_at(i).action == Action::local_data) continue;
    const std::uint32_t number = rules.note_at(i);
    RuleNote note = number == kNoNote ? RuleNote{} : rules.notes()[number];
    if (note.first_seen_s != 0) continue;
    const std::uint32_t seen_s = dates.of(rules, i).value_or(now_s);
    if (seen_s == dates.since_s()) continue;
    note.first_seen_s = seen_s;
    note.seen_here = 1;
    const auto [at, is_new] = numbers.try_emplace(note, 0);
    if (is_new) at->second = rules.add_note(note);
    rules.set_note(i, at->second);
  }
}

}  // namespace postern::policy
