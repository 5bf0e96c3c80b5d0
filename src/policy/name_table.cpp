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

NameTable::NameTable(std::vector<const ZoneRules*> zones, std::uint64_t key,
                     std::uint64_t hash_mask)
    : zones_(std::move(zones)), key_(key), hash_mask_(hash_mask) {
  POSTERN_ASSERT(zones_.size() <= kMaxZones);
  std::size_t rules = 0;
  for (const ZoneRules* zone : zones_) rules += zone->size();
  POSTERN_ASSERT(rules <= kMaxRulesInForce);
  buckets_.resize(rules * 100 / (kSlots * kLoadPercent) + 1);
  postings_.reserve(rules);
  // Backwards, and new postings go to the front of their lists: then the lists are in the order
  // of zones and rules, and a zone's own postings are always at the front while it is inserted.
  for (std::size_t zone = zones_.size(); zone-- > 0;) insert_zone(static_cast<std::uint16_t>(zone));
  std::sort(shadowed_.begin(), shadowed_.end(), [](const Shadowed& a, const Shadowed& b) {
    return a.posting != b.posting ? a.posting < b.posting : a.rule < b.rule;
  });
}

void NameTable::insert_zone(std::uint16_t zone) {
  const ZoneRules& rules = *zones_[zone];
  std::array<std::uint64_t, kBlock> hashes;
  for (std::size_t end = rules.size(); end > 0;) {
    const std::size_t begin = end > kBlock ? end - kBlock : 0;
    for (std::size_t rule = begin; rule < end; ++rule) {
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
                        .action = traits.action};
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
    old.action = posting.action;
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

bool NameTable::is_owner(std::uint32_t posting, OctetView owner) const {
  const Posting& first = postings_[posting];
  const OctetView name = zones_[first.zone]->name_at(first.rule);
  return name.size() == owner.size() && std::memcmp(name.data(), owner.data(), owner.size()) == 0;
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
