#include "policy/name_table.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "policy/name_hash.h"

namespace postern::policy {

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
  found.count = 0;
  if (parts_.buckets.empty()) return;
  const OctetView wire = name.wire();
  const Labels labels(wire);
  struct Probe {
    std::uint64_t hash;
    std::size_t depth;
  };
  std::array<Probe, kMaxOwners> probes;
  std::size_t probe_count = 0;
  const std::size_t deepest = std::min(labels.count, deepest_);
  std::uint64_t hash = parts_.hash_key;
  for (std::size_t depth = 0;; ++depth) {
    if ((depth == labels.count ? parts_.depths->has_owner : parts_.depths->has_wildcard)[depth] !=
        0) {
      probes[probe_count++] = {hash & parts_.hash_mask, depth};
      __builtin_prefetch(
          &parts_.buckets[bucket_of(hash & parts_.hash_mask, parts_.buckets.size())]);
    }
    if (depth == deepest) break;
    hash = extend_hash(hash, &wire[labels.start_of(depth + 1)]);
  }

  while (probe_count > 0) {
    const Probe& probe = probes[--probe_count];
    Owner& owner = found.items[found.count];
    if (!find_one(probe.hash, &wire[labels.start_of(probe.depth)], owner)) continue;
    owner.labels = static_cast<std::uint8_t>(probe.depth);
    owner.whole = probe.depth == labels.count;
    ++found.count;
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
