#include "policy/name_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/assert.h"
#include "policy/limits.h"

namespace postern::policy {
namespace {

/// Slots in use at most, of a hundred. At 65 one bucket in eight is full and a lookup reads 1.1
/// cache lines; at 80 it would read 1.5.
constexpr std::size_t kLoadPercent = 65;
/// Rules hashed ahead, so that their buckets are on the way from memory when they are needed.
constexpr std::size_t kBlock = 32;

/// Where a name's labels begin, from the left; the root label at the end.
struct Labels {
  explicit Labels(OctetView wire) {
    std::size_t offset = 0;
    for (; wire[offset] != 0; offset += wire[offset] + 1U) {
      starts[count++] = static_cast<std::uint8_t>(offset);
    }
    starts[count] = static_cast<std::uint8_t>(offset);
  }

  std::array<std::uint8_t, NameTable::kMaxOwners> starts;
  std::size_t count = 0;
};

/// The hash of a name from that of its parent: so a right-to-left walk gives all suffixes'.
/// The label's length octet is part of it.
std::uint64_t extend(std::uint64_t parent, const std::uint8_t* label) {
  return XXH3_64bits_withSeed(label, label[0] + 1U, parent);
}

std::uint32_t tag_of(std::uint64_t hash) {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  return tag == 0 ? 1 : tag;
}

}  // namespace

NameTable::NameTable(std::vector<const ZoneRules*> zones, Trigger trigger, std::uint64_t key,
                     std::uint64_t hash_mask)
    : zones_(std::move(zones)), trigger_(trigger), key_(key), hash_mask_(hash_mask) {
  POSTERN_ASSERT(zones_.size() <= kMaxZones && !has_prefix(trigger));
  std::size_t rules = 0;
  for (const ZoneRules* zone : zones_) rules += zone->count_of(trigger);
  POSTERN_ASSERT(rules <= kMaxRulesInForce);
  buckets_.resize(rules * 100 / (kSlots * kLoadPercent) + 1);
  postings_.reserve(rules);
  // Backwards, and new postings go to the front of their lists: then the lists are in the order
  // of zones and rules, and a zone's own postings are always at the front while it is inserted.
  for (std::size_t zone = zones_.size(); zone-- > 0;) insert_zone(static_cast<std::uint16_t>(zone));
  for (std::size_t zone = 0; zone < zones_.size(); ++zone) {
    if (zones_[zone]->closest_encloser()) add_hiding(static_cast<std::uint16_t>(zone));
  }
  std::sort(shadowed_.begin(), shadowed_.end(), [](const Shadowed& a, const Shadowed& b) {
    return a.posting != b.posting ? a.posting < b.posting : a.rule < b.rule;
  });
}

std::uint64_t NameTable::hash_of(OctetView name) const {
  const Labels labels(name);
  std::uint64_t hash = key_;
  for (std::size_t i = labels.count; i-- > 0;) hash = extend(hash, &name[labels.starts[i]]);
  return hash & hash_mask_;
}

void NameTable::insert_zone(std::uint16_t zone) {
  const ZoneRules& rules = *zones_[zone];
  if (rules.count_of(trigger_) == 0) return;
  std::array<std::uint64_t, kBlock> hashes;
  for (std::size_t end = rules.size(); end > 0;) {
    const std::size_t begin = end > kBlock ? end - kBlock : 0;
    for (std::size_t rule = begin; rule < end; ++rule) {
      if (rules.traits_at(rule).trigger != trigger_) continue;
      const OctetView owner = rules.name_at(rule);
      const Labels labels(owner);
      std::uint64_t hash = key_;
      for (std::size_t i = labels.count; i-- > 0;) hash = extend(hash, &owner[labels.starts[i]]);
      hashes[rule - begin] = hash & hash_mask_;
      __builtin_prefetch(&buckets_[home(hash & hash_mask_)], 1);
      has_owner_[labels.count] = true;
      if (rules.traits_at(rule).scope != Scope::exact) has_wildcard_[labels.count] = true;
      deepest_ = std::max(deepest_, labels.count);
    }
    for (std::size_t rule = end; rule-- > begin;) {
      if (rules.traits_at(rule).trigger != trigger_) continue;
      insert(zone, static_cast<std::uint32_t>(rule), hashes[rule - begin]);
    }
    end = begin;
  }
}

void NameTable::insert(std::uint16_t zone, std::uint32_t rule, std::uint64_t hash) {
  const RuleTraits traits = zones_[zone]->traits_at(rule);
  std::uint32_t& head = head_of(hash, zones_[zone]->name_at(rule));
  const Posting posting{.rule = rule,
                        .next = head,
                        .zone = zone,
                        .scope = traits.scope,
                        .rank = traits.rank,
                        .what = static_cast<std::uint8_t>(traits.action)};
  if (replace_equal(head, posting)) return;
  head = static_cast<std::uint32_t>(postings_.size());
  postings_.push_back(posting);
}

bool NameTable::replace_equal(std::uint32_t head, const Posting& posting) {
  // At most twelve steps: a zone has one posting for each scope and rank of an owner.
  for (std::uint32_t at = head; at != kNone && postings_[at].zone == posting.zone;
       at = postings_[at].next) {
    Posting& old = postings_[at];
    if (old.scope != posting.scope || old.rank != posting.rank) continue;
    shadowed_.push_back({at, old.rule});
    old.rule = posting.rule;
    old.what = posting.what;
    return true;
  }
  return false;
}

std::uint32_t& NameTable::head_of(std::uint64_t hash, OctetView owner) {
  const std::uint32_t tag = tag_of(hash);
  for (std::size_t at = home(hash);; at = at + 1 == buckets_.size() ? 0 : at + 1) {
    Bucket& bucket = buckets_[at];
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      if (bucket.tags[slot] == 0) {
        bucket.tags[slot] = tag;
        bucket.heads[slot] = kNone;
        ++owners_;
        return bucket.heads[slot];
      }
      if (bucket.tags[slot] == tag && is_owner(bucket.heads[slot], owner)) {
        return bucket.heads[slot];
      }
    }
  }
}

std::uint32_t NameTable::find_one(std::uint64_t hash, OctetView owner) const {
  const std::uint32_t tag = tag_of(hash);
  for (std::size_t at = home(hash);; at = at + 1 == buckets_.size() ? 0 : at + 1) {
    const Bucket& bucket = buckets_[at];
    // All tags without a branch: which slot agrees, if any, cannot be predicted.
    unsigned equal = 0;
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      equal |= static_cast<unsigned>(bucket.tags[slot] == tag) << slot;
    }
    for (; equal != 0; equal &= equal - 1) {
      const std::uint32_t head = bucket.heads[static_cast<std::size_t>(std::countr_zero(equal))];
      if (is_owner(head, owner)) return head;
    }
    if (bucket.tags[kSlots - 1] == 0) return kNone;
  }
}

OctetView NameTable::owner_of(std::uint32_t posting) const {
  const Posting& first = postings_[posting];
  const OctetView name = zones_[first.zone]->name_at(first.rule);
  return first.scope == kExists ? name.subspan(first.what) : name;
}

bool NameTable::is_owner(std::uint32_t posting, OctetView owner) const {
  const OctetView name = owner_of(posting);
  return name.size() == owner.size() && std::memcmp(name.data(), owner.data(), owner.size()) == 0;
}

// What exists hides wildcards

/// For each name of the zone: the names between it and the next wildcard above it exist, too.
void NameTable::add_hiding(std::uint16_t zone) {
  const ZoneRules& rules = *zones_[zone];
  bool has_wildcards = false;
  for (std::size_t rule = 0; rule < rules.size() && !has_wildcards; ++rule) {
    const RuleTraits traits = rules.traits_at(rule);
    has_wildcards = traits.trigger == trigger_ && traits.scope != Scope::exact;
  }
  if (!has_wildcards) return;
  // So many at most: names of a hundred labels each would take more memory than the rules.
  const std::size_t most = hiding_ + rules.count_of(trigger_) + kMinHidingNames;
  for (std::size_t rule = 0; rule < rules.size() && hiding_ < most; ++rule) {
    if (rules.traits_at(rule).trigger != trigger_) continue;
    add_hiding_above(zone, static_cast<std::uint32_t>(rule));
  }
}

void NameTable::add_hiding_above(std::uint16_t zone, std::uint32_t rule) {
  const OctetView name = zones_[zone]->name_at(rule);
  const Labels labels(name);
  std::array<std::uint64_t, kMaxOwners> hashes;  // By depth.
  hashes[0] = key_;
  for (std::size_t depth = 1; depth <= labels.count; ++depth) {
    hashes[depth] = extend(hashes[depth - 1], &name[labels.starts[labels.count - depth]]);
  }
  const auto at_depth = [&](std::size_t depth) {
    return name.subspan(labels.starts[labels.count - depth]);
  };
  // From the name itself up to the next name that the zone has a rule for.
  std::size_t depth = labels.count;
  bool above_is_wildcard = false;
  while (depth-- > 0) {
    const std::uint32_t head = find_one(hashes[depth] & hash_mask_, at_depth(depth));
    if (head == kNone || !has_posting(head, zone)) continue;
    above_is_wildcard = has_wildcard(head, zone);
    // A name whose existence is known hides all there is to hide; so does a rule's own.
    break;
  }
  if (depth == ~std::size_t{0}) return;  // Nothing above it.
  // The name itself is found by who asks for a name below it, too.
  has_wildcard_[labels.count] = true;
  if (!above_is_wildcard) return;
  for (std::size_t between = depth + 1; between < labels.count; ++between) {
    make_room_for_owner();
    std::uint32_t& head = head_of(hashes[between] & hash_mask_, at_depth(between));
    const Posting posting{.rule = rule,
                          .next = head,
                          .zone = zone,
                          .scope = kExists,
                          .what = labels.starts[labels.count - between]};
    head = static_cast<std::uint32_t>(postings_.size());
    postings_.push_back(posting);
    ++hiding_;
    has_owner_[between] = has_wildcard_[between] = true;
  }
}

bool NameTable::has_posting(std::uint32_t head, std::uint16_t zone) const {
  for (std::uint32_t at = head; at != kNone; at = postings_[at].next) {
    if (postings_[at].zone == zone) return true;
  }
  return false;
}

bool NameTable::has_wildcard(std::uint32_t head, std::uint16_t zone) const {
  for (std::uint32_t at = head; at != kNone; at = postings_[at].next) {
    if (postings_[at].zone == zone && postings_[at].applies(false)) return true;
  }
  return false;
}

bool NameTable::is_hidden(const Owners& found, std::size_t owner, std::uint16_t zone) const {
  for (std::size_t i = 0; i < owner; ++i) {
    if (has_posting(found.items[i].posting, zone)) return true;
  }
  return false;
}

/// The buckets are made for as many owners as there are rules; names that exist may be more.
void NameTable::make_room_for_owner() {
  if ((owners_ + 1) * 100 <= buckets_.size() * kSlots * 85) return;
  const std::vector<Bucket> old =
      std::exchange(buckets_, std::vector<Bucket>(buckets_.size() + buckets_.size() / 2 + 1));
  owners_ = 0;
  for (const Bucket& bucket : old) {
    for (std::size_t slot = 0; slot < kSlots && bucket.tags[slot] != 0; ++slot) {
      const OctetView owner = owner_of(bucket.heads[slot]);
      head_of(hash_of(owner), owner) = bucket.heads[slot];
    }
  }
}

/// The bucket where the search begins: the lower half of the hash, scaled.
std::size_t NameTable::home(std::uint64_t hash) const {
  return static_cast<std::size_t>((hash & 0xffffffff) * buckets_.size() >> 32);
}

void NameTable::find(const dns::Name& name, Owners& found) const {
  const OctetView wire = name.wire();
  const Labels labels(wire);
  struct Probe {
    std::uint64_t hash;
    std::size_t depth;
  };
  std::array<Probe, kMaxOwners> probes;
  std::size_t probe_count = 0;
  const std::size_t deepest = std::min(labels.count, deepest_);
  std::uint64_t hash = key_;
  for (std::size_t depth = 0;; ++depth) {
    if (depth == labels.count ? has_owner_[depth] : has_wildcard_[depth]) {
      probes[probe_count++] = {hash & hash_mask_, depth};
      __builtin_prefetch(&buckets_[home(hash & hash_mask_)]);
    }
    if (depth == deepest) break;
    hash = extend(hash, &wire[labels.starts[labels.count - depth - 1]]);
  }

  found.count = 0;
  while (probe_count > 0) {
    const Probe& probe = probes[--probe_count];
    const OctetView owner = wire.subspan(labels.starts[labels.count - probe.depth]);
    const std::uint32_t posting = find_one(probe.hash, owner);
    if (posting == kNone) continue;
    found.items[found.count++] = {posting, static_cast<std::uint8_t>(probe.depth),
                                  probe.depth == labels.count};
  }
}

std::span<const NameTable::Shadowed> NameTable::shadowed(std::uint32_t posting) const {
  const auto first =
      std::partition_point(shadowed_.begin(), shadowed_.end(),
                           [posting](const Shadowed& entry) { return entry.posting < posting; });
  const auto last = std::partition_point(first, shadowed_.end(), [posting](const Shadowed& entry) {
    return entry.posting == posting;
  });
  return {first, last};
}

std::size_t NameTable::memory_octets() const {
  return sizeof *this + zones_.capacity() * sizeof(const ZoneRules*) +
         buckets_.capacity() * sizeof(Bucket) + postings_.capacity() * sizeof(Posting) +
         shadowed_.capacity() * sizeof(Shadowed);
}

}  // namespace postern::policy
