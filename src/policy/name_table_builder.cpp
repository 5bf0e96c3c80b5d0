#include "policy/name_table_builder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include "policy/limits.h"
#include "policy/name_hash.h"
#include "policy/name_table.h"

namespace postern::policy {
namespace {

/// On average; few enough that a filter of 32 bits ends seven searches in eight.
constexpr std::size_t kOwnersPerBucket = 4;
/// Names looked at for frequent suffixes.
constexpr std::size_t kSampledNames = 65'536;
/// Buckets whose names are on their way from memory while the ones before are written.
constexpr std::size_t kAhead = 8;

/// A rule, or a name that exists because of one.
struct Item {
  std::uint64_t hash;
  std::uint32_t rule;
  std::uint16_t zone;
  std::uint8_t skipped;  ///< Octets of the rule's name before the owner's.
  bool exists_only;
};

void append_varint(Octets& out, std::uint32_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

/// All owners of one table, sorted into buckets, and from there written out.
class NamesBuilder {
 public:
  NamesBuilder(const ImageContext& context, Trigger trigger)
      : context_(context), trigger_(trigger) {}

  Result<BuiltNames> build() {
    collect();
    if (items_.empty()) return std::move(built_);
    sort_into_buckets();
    add_hiding();
    built_.buckets.resize(bucket_count());
    built_.entries.reserve(items_.size() * 20);
    for (std::size_t bucket = 0; bucket < bucket_count(); ++bucket) {
      prefetch(bucket + kAhead);
      write_bucket(bucket);
      if (built_.entries.size() > std::numeric_limits<std::uint32_t>::max()) {
        return fail(Errc::limit_exceeded, "the rules take over 4 GiB; drop some feeds");
      }
    }
    return std::move(built_);
  }

 private:
  std::size_t bucket_count() const { return begins_.size() - 1; }
  const ZoneRules& rules_of(const Item& item) const { return *context_.zones[item.zone].rules; }
  OctetView owner_of(const Item& item) const {
    return rules_of(item).name_at(item.rule).subspan(item.skipped);
  }

  void collect() {
    std::size_t count = 0;
    for (const ZoneContent& zone : context_.zones) count += zone.rules->count_of(trigger_);
    items_.reserve(count);
    for (std::size_t zone = 0; zone < context_.zones.size(); ++zone) {
      const ZoneRules& rules = *context_.zones[zone].rules;
      if (rules.count_of(trigger_) == 0) continue;
      for (std::size_t rule = 0; rule < rules.size(); ++rule) {
        const RuleTraits traits = rules.traits_at(rule);
        if (traits.trigger != trigger_) continue;
        const OctetView owner = rules.name_at(rule);
        const Labels labels(owner);
        built_.depths.has_owner[labels.count] = 1;
        if (traits.scope != Scope::exact) built_.depths.has_wildcard[labels.count] = 1;
        items_.push_back({.hash = hash_name(owner, labels, context_.key) & context_.mask,
                          .rule = static_cast<std::uint32_t>(rule),
                          .zone = static_cast<std::uint16_t>(zone),
                          .skipped = 0,
                          .exists_only = false});
      }
    }
  }

  /// By counting: items of a bucket in one run, which begins at `begins_[bucket]`.
  void sort_into_buckets() {
    const std::size_t buckets = items_.size() / kOwnersPerBucket + 1;
    begins_.assign(buckets + 1, 0);
    for (const Item& item : items_) ++begins_[bucket_of(item.hash, buckets) + 1];
    for (std::size_t i = 1; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];
    std::vector<std::uint32_t> next(begins_.begin(), begins_.end() - 1);
    std::vector<Item> sorted(items_.size());
    for (const Item& item : items_) sorted[next[bucket_of(item.hash, buckets)]++] = item;
    items_ = std::move(sorted);
  }

  void prefetch(std::size_t bucket) const {
    if (bucket >= bucket_count()) return;
    for (std::uint32_t i = begins_[bucket]; i < begins_[bucket + 1]; ++i) {
      rules_of(items_[i]).prefetch(items_[i].rule);
    }
    if (bucket + kAhead >= bucket_count()) return;
    for (std::uint32_t i = begins_[bucket + kAhead]; i < begins_[bucket + kAhead + 1]; ++i) {
      rules_of(items_[i]).prefetch_entry(items_[i].rule);
    }
  }

  // What exists hides wildcards

  /// For each name of a zone where names hide wildcards: the names between it and the next
  /// wildcard above it exist, too.
  void add_hiding() {
    std::vector<Item> hiding;
    for (std::size_t zone = 0; zone < context_.zones.size(); ++zone) {
      const ZoneRules& rules = *context_.zones[zone].rules;
      if (!rules.closest_encloser() || !has_wildcards(rules)) continue;
      existing_.clear();
      // So many at most: names of a hundred labels each would take more memory than the rules.
      const std::size_t most = hiding.size() + rules.count_of(trigger_) + kMinHidingNames;
      for (std::size_t rule = 0; rule < rules.size() && hiding.size() < most; ++rule) {
        if (rules.traits_at(rule).trigger != trigger_) continue;
        add_hiding_above(static_cast<std::uint16_t>(zone), static_cast<std::uint32_t>(rule),
                         hiding);
      }
    }
    if (hiding.empty()) return;
    items_.insert(items_.end(), hiding.begin(), hiding.end());
    sort_into_buckets();
  }

  bool has_wildcards(const ZoneRules& rules) const {
    for (std::size_t rule = 0; rule < rules.size(); ++rule) {
      const RuleTraits traits = rules.traits_at(rule);
      if (traits.trigger == trigger_ && traits.scope != Scope::exact) return true;
    }
    return false;
  }

  enum class Presence : std::uint8_t { none, name, wildcard };

  /// What the zone has at that owner.
  Presence presence_of(std::uint64_t hash, OctetView owner, std::uint16_t zone) const {
    const auto same = [owner](OctetView other) { return std::ranges::equal(owner, other); };
    const std::size_t bucket = bucket_of(hash, bucket_count());
    Presence found = Presence::none;
    for (std::uint32_t i = begins_[bucket]; i < begins_[bucket + 1]; ++i) {
      const Item& item = items_[i];
      if (item.hash != hash || item.zone != zone || !same(owner_of(item))) continue;
      if (rules_of(item).traits_at(item.rule).scope != Scope::exact) return Presence::wildcard;
      found = Presence::name;
    }
    if (found != Presence::none) return found;
    const auto [first, last] = existing_.equal_range(hash);
    const bool exists =
        std::any_of(first, last, [&](const auto& entry) { return same(owner_of(entry.second)); });
    return exists ? Presence::name : Presence::none;
  }

  void add_hiding_above(std::uint16_t zone, std::uint32_t rule, std::vector<Item>& hiding) {
    const OctetView name = context_.zones[zone].rules->name_at(rule);
    const Labels labels(name);
    std::array<std::uint64_t, image::kDepths> hashes;
    hashes[0] = context_.key;
    for (std::size_t depth = 1; depth <= labels.count; ++depth) {
      hashes[depth] = extend_hash(hashes[depth - 1], &name[labels.start_of(depth)]);
    }
    // From the name itself up to the next name that the zone has.
    std::size_t above = labels.count;
    Presence presence = Presence::none;
    while (above > 0 && presence == Presence::none) {
      --above;
      if (built_.depths.has_owner[above] == 0) continue;
      presence =
          presence_of(hashes[above] & context_.mask, name.subspan(labels.start_of(above)), zone);
    }
    if (presence == Presence::none) return;
    // The name itself is found by who asks for a name below it, too.
    built_.depths.has_wildcard[labels.count] = 1;
    // A name whose existence is known hides all there is to hide; so does a rule's own.
    if (presence != Presence::wildcard) return;
    for (std::size_t between = above + 1; between < labels.count; ++between) {
      const Item item{.hash = hashes[between] & context_.mask,
                      .rule = rule,
                      .zone = zone,
                      .skipped = static_cast<std::uint8_t>(labels.start_of(between)),
                      .exists_only = true};
      existing_.emplace(item.hash, item);
      hiding.push_back(item);
      built_.depths.has_owner[between] = built_.depths.has_wildcard[between] = 1;
    }
  }

  // Entries

  void write_bucket(std::size_t bucket) {
    image::Bucket& out = built_.buckets[bucket];
    out.begin = static_cast<std::uint32_t>(built_.entries.size());
    const auto first = items_.begin() + begins_[bucket];
    const auto last = items_.begin() + begins_[bucket + 1];
    std::sort(first, last, [](const Item& a, const Item& b) {
      return std::tie(a.hash, a.zone, a.rule) < std::tie(b.hash, b.zone, b.rule);
    });
    for (auto begin = first; begin != last;) {
      // Those of the same hash may still be of other owners.
      const auto same_hash =
          std::find_if(begin, last, [begin](const Item& item) { return item.hash != begin->hash; });
      while (begin != same_hash) {
        const OctetView owner = owner_of(*begin);
        const auto end = std::stable_partition(begin, same_hash, [&](const Item& item) {
          return std::ranges::equal(owner_of(item), owner);
        });
        out.filter |= filter_bit(begin->hash);
        write_owner(owner);
        write_postings({begin, end});
        begin = end;
      }
    }
  }

  void write_owner(OctetView owner) {
    for (std::size_t at = 0;; at += owner[at] + 1U) {
      const std::size_t number =
          owner[at] == 0 ? image::kMaxSuffixes : context_.suffixes.number_of(owner.subspan(at));
      if (number < image::kMaxSuffixes) {
        built_.entries.push_back(static_cast<std::uint8_t>(image::kFirstSuffix + number));
        return;
      }
      const OctetView label = owner.subspan(at, owner[at] + 1U);
      built_.entries.insert(built_.entries.end(), label.begin(), label.end());
      if (owner[at] == 0) return;
    }
  }

  void write_postings(std::span<const Item> items) {
    constexpr std::size_t kNone = ~std::size_t{0};
    // By rank and scope: which item of the zone at hand is the first such one.
    std::array<std::size_t, 16> first_of_zone;
    // A rule that may expire stands in front of nothing, as long as these are few.
    std::array<std::size_t, 16> timed_of_zone;
    winners_.clear();
    shadows_.clear();
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Item& item = items[i];
      if (i == 0 || items[i - 1].zone != item.zone) {
        first_of_zone.fill(kNone);
        timed_of_zone.fill(0);
      }
      if (!item.exists_only) {
        const RuleTraits traits = rules_of(item).traits_at(item.rule);
        const std::size_t sort =
            static_cast<std::size_t>(traits.rank) * 4 + static_cast<std::size_t>(traits.scope);
        std::size_t& first = first_of_zone[sort];
        if (first != kNone) {
          shadows_.emplace_back(first, &item);
          continue;
        }
        if (!is_timed(item) || ++timed_of_zone[sort] >= kMostTimed) first = winners_.size();
      }
      winners_.push_back(&item);
    }
    std::uint32_t line = 0;
    auto shadow = shadows_.begin();
    std::ranges::stable_sort(shadows_, {}, [](const auto& entry) { return entry.first; });
    for (std::size_t i = 0; i < winners_.size(); ++i) {
      const auto at = static_cast<std::uint32_t>(built_.entries.size());
      write_posting(*winners_[i], i + 1 < winners_.size(), line);
      for (; shadow != shadows_.end() && shadow->first == i; ++shadow) {
        const Item& item = *shadow->second;
        const image::Kind kind = kind_of(item);
        built_.shadowed.push_back({.of = at,
                                   .kind = context_.kinds.number_of(kind),
                                   .line = rules_of(item).line_at(item.rule),
                                   .data = number_of(item, kind)});
      }
    }
  }

  image::Kind kind_of(const Item& item) const {
    image::Kind kind{};
    kind.zone = item.zone;
    if (item.exists_only) {
      kind.scope = static_cast<std::uint8_t>(kExists);
      return kind;
    }
    const RuleTraits traits = rules_of(item).traits_at(item.rule);
    kind.scope = static_cast<std::uint8_t>(traits.scope);
    kind.action = static_cast<std::uint8_t>(traits.action);
    kind.rank = static_cast<std::uint8_t>(traits.rank);
    if (rules_of(item).line_at(item.rule) != 0) kind.flags |= image::kHasLine;
    kind.flags |= context_.number_flag(item.zone, item.rule);
    return kind;
  }

  std::uint32_t number_of(const Item& item, const image::Kind& kind) const {
    return context_.number_of(item.zone, item.rule, kind.flags);
  }

  /// Whether the rule may hold at one time and not at another.
  bool is_timed(const Item& item) const {
    const ZoneRules& rules = rules_of(item);
    const std::uint32_t note = rules.note_at(item.rule);
    return note != kNoNote && rules.notes()[note].is_timed();
  }

  void write_posting(const Item& item, bool more, std::uint32_t& line) {
    const image::Kind kind = kind_of(item);
    const std::uint32_t number = context_.kinds.number_of(kind);
    const std::uint8_t flag = more ? image::kMore : std::uint8_t{0};
    if (number < image::kEscape) {
      built_.entries.push_back(static_cast<std::uint8_t>(number | flag));
    } else {
      built_.entries.push_back(static_cast<std::uint8_t>(image::kEscape | flag));
      append_varint(built_.entries, number - image::kEscape);
    }
    if ((kind.flags & image::kHasLine) != 0) {
      const std::uint32_t own = rules_of(item).line_at(item.rule);
      const std::uint32_t step = own - std::exchange(line, own);  // Modulo 2^32.
      append_varint(built_.entries, (step << 1) ^ (0U - (step >> 31)));
    }
    if ((kind.flags & (image::kHasData | image::kHasNote)) != 0) {
      append_varint(built_.entries, number_of(item, kind));
    }
  }

  const ImageContext& context_;
  const Trigger trigger_;
  std::vector<Item> items_;
  std::vector<std::uint32_t> begins_;
  /// By hash: names of the zone at hand that exist because of names below them.
  std::unordered_multimap<std::uint64_t, Item> existing_;
  // Of the owner at hand: what is in its entry; and what not, by which of these stands before it.
  std::vector<const Item*> winners_;
  std::vector<std::pair<std::size_t, const Item*>> shadows_;
  BuiltNames built_;
};

}  // namespace

std::uint8_t ImageContext::number_flag(std::size_t zone, std::size_t rule) const {
  const ZoneRules& rules = *zones[zone].rules;
  if (rules.traits_at(rule).action == Action::local_data) return image::kHasData;
  return rules.note_at(rule) != kNoNote ? image::kHasNote : std::uint8_t{0};
}

std::uint32_t ImageContext::number_of(std::size_t zone, std::size_t rule,
                                      std::uint8_t flags) const {
  const ZoneRules& rules = *zones[zone].rules;
  if ((flags & image::kHasData) != 0) return first_data[zone] + rules.data_at(rule);
  if ((flags & image::kHasNote) != 0) return first_note[zone] + rules.note_at(rule);
  return kNoData;
}

std::uint32_t KindNumbers::number_of(const image::Kind& kind) {
  std::uint64_t octets = 0;
  static_assert(sizeof octets == sizeof kind);
  std::memcpy(&octets, &kind, sizeof kind);
  const auto [found, is_new] =
      numbers_.try_emplace(octets, static_cast<std::uint32_t>(kinds_.size()));
  if (is_new) kinds_.push_back(kind);
  return found->second;
}

SuffixNumbers::SuffixNumbers(std::span<const ZoneContent> zones) {
  std::size_t rules = 0;
  for (const ZoneContent& zone : zones) rules += zone.rules->size();
  const std::size_t step = rules / kSampledNames + 1;
  std::unordered_map<std::string, std::uint32_t> counts;
  for (const ZoneContent& zone : zones) {
    for (std::size_t rule = 0; rule < zone.rules->size(); rule += step) {
      if (has_prefix(zone.rules->traits_at(rule).trigger)) continue;
      const OctetView name = zone.rules->name_at(rule);
      const Labels labels(name);
      // Longer ones are hardly ever shared by many.
      for (std::size_t depth = 1; depth <= std::min<std::size_t>(labels.count, 4); ++depth) {
        ++counts[std::string(text_of(name.subspan(labels.start_of(depth))))];
      }
    }
  }
  // By the octets that each saves in the sample.
  std::vector<std::pair<std::uint64_t, const std::string*>> by_worth;
  for (const auto& [suffix, count] : counts) {
    if (count > 1) by_worth.emplace_back(std::uint64_t{count} * (suffix.size() - 1), &suffix);
  }
  std::ranges::sort(by_worth, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : *a.second < *b.second;
  });
  by_worth.resize(std::min(by_worth.size(), image::kMaxSuffixes));
  suffixes_.reserve(by_worth.size());  // The keys of `numbers_` are views of these.
  for (const auto& [worth, suffix] : by_worth) {
    suffixes_.push_back(*suffix);
    numbers_.emplace(suffixes_.back(), suffixes_.size() - 1);
  }
}

std::size_t SuffixNumbers::number_of(OctetView wire) const {
  const auto found = numbers_.find(text_of(wire));
  return found == numbers_.end() ? image::kMaxSuffixes : found->second;
}

Octets SuffixNumbers::octets() const {
  Octets out;
  for (const std::string& suffix : suffixes_) {
    out.push_back(static_cast<std::uint8_t>(suffix.size()));
    out.insert(out.end(), suffix.begin(), suffix.end());
  }
  return out;
}

Result<BuiltNames> build_names(const ImageContext& context, Trigger trigger) {
  return NamesBuilder(context, trigger).build();
}

}  // namespace postern::policy
