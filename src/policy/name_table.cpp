#include "policy/name_table.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "policy/limits.h"
#include "policy/name_hash.h"

namespace postern::policy {

namespace {

/// Of the suffixes of up to `deepest` labels, by how many they have.
void hash_suffixes(OctetView wire, const Labels& labels, std::uint64_t key, std::size_t deepest,
                   std::span<std::uint64_t> hashes) {
  hashes[0] = key;
  for (std::size_t depth = 1; depth <= deepest; ++depth) {
    hashes[depth] = extend_hash(hashes[depth - 1], &wire[labels.start_of(depth)]);
  }
}

}  // namespace

std::uint32_t Postings::varint() {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 35 && at_ < entries_.size(); shift += 7) {
    const std::uint8_t octet = entries_[at_++];
    value |= static_cast<std::uint32_t>(octet & 0x7f) << shift;
    if ((octet & 0x80) == 0) break;
  }
  return value;
}

bool Postings::next(Posting& out) {
  if (!more_ || at_ >= entries_.size()) return false;
  out.at = static_cast<std::uint32_t>(at_);
  const std::uint8_t first = entries_[at_++];
  more_ = (first & image::kMore) != 0;
  std::size_t number = first & image::kEscape;
  if (number == image::kEscape) number += varint();
  if (number >= kinds_.size()) {  // Not what we wrote: the rest is not to be had.
    more_ = false;
    at_ = entries_.size();
    return false;
  }
  const image::Kind& kind = kinds_[number];
  out.line = 0;
  if ((kind.flags & image::kHasLine) != 0) {
    const std::uint32_t step = varint();  // Zigzag: 0, -1, 1, -2, …
    line_ += (step >> 1) ^ (0U - (step & 1));
    out.line = line_;
  }
  const bool has_number = (kind.flags & (image::kHasData | image::kHasNote)) != 0;
  out.take(kind, has_number ? varint() : kNoData);
  return true;
}

NameTable::NameTable(const Parts& parts) : parts_(parts) {
  for (std::size_t depth = 0; depth < image::kDepths; ++depth) {
    if (parts_.depths->has_owner[depth] != 0) deepest_ = depth;
  }
}

/// Whether the name there is `wire`; moves `at` behind it either way.
bool NameTable::is_name_at(std::size_t& at, const std::uint8_t* wire) const {
  bool equal = true;
  while (at < parts_.entries.size()) {
    const std::uint8_t size = parts_.entries[at];
    if (size == 0) {
      ++at;
      return equal && *wire == 0;
    }
    if (size >= image::kFirstSuffix) {
      ++at;
      if (!equal) return false;
      const OctetView suffix = (*parts_.suffixes)[size - image::kFirstSuffix];
      // A label's octets may be any; so compare label by label, not past the end of `wire`.
      for (std::size_t i = 0; i < suffix.size(); i += suffix[i] + 1U) {
        if (*wire != suffix[i] || std::memcmp(wire + 1, &suffix[i] + 1, suffix[i]) != 0) {
          return false;
        }
        wire += suffix[i] + 1U;
      }
      return !suffix.empty();
    }
    if (size >= parts_.entries.size() - at) break;
    equal = equal && *wire == size && std::memcmp(wire + 1, &parts_.entries[at] + 1, size) == 0;
    if (equal) wire += size + 1U;
    at += size + 1U;
  }
  at = parts_.entries.size();
  return false;
}

std::size_t NameTable::skip_name(std::size_t at) const {
  static constexpr std::uint8_t kRoot = 0;
  is_name_at(at, &kRoot);
  return at;
}

std::optional<dns::Name> NameTable::owner_at(std::size_t at) const {
  std::array<std::uint8_t, dns::Name::kMaxOctets> wire;
  std::size_t size = 0;
  const auto append = [&](OctetView octets) {
    if (octets.size() > wire.size() - size) return false;
    std::ranges::copy(octets, wire.begin() + static_cast<std::ptrdiff_t>(size));
    size += octets.size();
    return true;
  };
  while (at < parts_.entries.size()) {
    const std::uint8_t label = parts_.entries[at];
    const bool is_suffix = label >= image::kFirstSuffix;
    if (!is_suffix && label >= parts_.entries.size() - at) break;
    const OctetView octets = is_suffix ? (*parts_.suffixes)[label - image::kFirstSuffix]
                                       : parts_.entries.subspan(at, label + 1U);
    if (!append(octets)) break;
    if (label == 0 || is_suffix) {
      const auto name = dns::Name::from_labels(OctetView(wire).first(size));
      return name ? std::optional(*name) : std::nullopt;
    }
    at += octets.size();
  }
  return std::nullopt;
}

/// Calls `take(depth)` for each suffix of a name that may be an owner that matters, the longest one
/// first.
template <class Take>
void NameTable::for_each_probe(const Labels& labels, Take take) const {
  for (std::size_t depth = std::min(labels.count, deepest_) + 1; depth-- > 0;) {
    const auto& has =
        depth == labels.count ? parts_.depths->has_owner : parts_.depths->has_wildcard;
    if (has[depth] != 0) take(depth);
  }
}

bool NameTable::find_one(std::uint64_t hash, const std::uint8_t* wire, Owner& out) const {
  const std::size_t index = bucket_of(hash, parts_.buckets.size());
  const image::Bucket& bucket = parts_.buckets[index];
  if ((bucket.filter & filter_bit(hash)) == 0) return false;
  const std::size_t end = std::min<std::size_t>(
      index + 1 < parts_.buckets.size() ? parts_.buckets[index + 1].begin : parts_.entries.size(),
      parts_.entries.size());
  for (std::size_t at = bucket.begin; at < end;) {
    const std::size_t entry = at;
    if (is_name_at(at, wire)) {
      out.entry = static_cast<std::uint32_t>(entry);
      out.postings = static_cast<std::uint32_t>(at);
      return true;
    }
    Postings others(parts_.entries, at, parts_.kinds);
    Posting ignored;
    while (others.next(ignored)) {
    }
    at = others.end();
  }
  return false;
}

void NameTable::find(const dns::Name& name, Owners& found) const {
  const NameTable* const table = this;
  find({&table, 1}, name, {&found, 1});
}

void NameTable::find(std::span<const NameTable* const> tables, const dns::Name& name,
                     std::span<Owners> found) {
  const OctetView wire = name.wire();
  const Labels labels(wire);
  // Without initial values, as Owners: only what is deep enough to be of use is set.
  std::array<std::array<std::uint64_t, kMaxOwners>, kMaxImages> rows;
  std::array<const std::uint64_t*, kMaxImages> hashes{};
  for (std::size_t at = 0; at < tables.size(); ++at) {
    const NameTable& table = *tables[at];
    found[at].count = 0;
    if (table.parts_.buckets.empty()) continue;
    for (std::size_t i = 0; i < at; ++i) {
      if (tables[i]->has_hashes_of(table)) hashes[at] = hashes[i];
    }
    if (hashes[at] == nullptr) {
      std::size_t deepest = 0;
      for (const NameTable* each : tables.subspan(at)) {
        if (each->has_hashes_of(table)) deepest = std::max(deepest, each->deepest_);
      }
      hash_suffixes(wire, labels, table.parts_.hash_key, std::min(deepest, labels.count), rows[at]);
      hashes[at] = rows[at].data();
    }
    table.for_each_probe(labels, [&](std::size_t depth) {
      const std::uint64_t hash = hashes[at][depth] & table.parts_.hash_mask;
      __builtin_prefetch(&table.parts_.buckets[bucket_of(hash, table.parts_.buckets.size())]);
    });
  }
  for (std::size_t at = 0; at < tables.size(); ++at) {
    if (hashes[at] == nullptr) continue;
    const NameTable& table = *tables[at];
    table.for_each_probe(labels, [&](std::size_t depth) {
      Owner& owner = found[at].items[found[at].count];
      const std::uint64_t hash = hashes[at][depth] & table.parts_.hash_mask;
      if (!table.find_one(hash, &wire[labels.start_of(depth)], owner)) return;
      owner.labels = static_cast<std::uint8_t>(depth);
      owner.whole = depth == labels.count;
      ++found[at].count;
    });
  }
}

bool NameTable::is_hidden(const Owners& found, std::size_t owner, std::uint16_t zone) const {
  for (std::size_t i = 0; i < owner; ++i) {
    Postings all = postings(found.items[i]);
    for (Posting posting; all.next(posting);) {
      if (posting.zone == zone) return true;
    }
  }
  return false;
}

Posting NameTable::posting_at(std::size_t entry, std::uint32_t at) const {
  Postings all(parts_.entries, skip_name(entry), parts_.kinds);
  for (Posting posting; all.next(posting);) {
    if (posting.at == at) return posting;
  }
  POSTERN_ASSERT(false);
  return {};
}

std::span<const image::Shadowed> NameTable::shadowed(std::uint32_t posting) const {
  const auto range = std::ranges::equal_range(parts_.shadowed, posting, {}, &image::Shadowed::of);
  return {range.begin(), range.end()};
}

Posting NameTable::posting_of(const image::Shadowed& shadowed) const {
  Posting posting{.at = shadowed.of, .line = shadowed.line};
  posting.take(parts_.kinds[shadowed.kind], shadowed.data);
  return posting;
}

}  // namespace postern::policy
