#include "policy/prefix_table.h"

#include <algorithm>
#include <bit>
#include <compare>
#include <functional>
#include <tuple>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace postern::policy {
namespace {

using Mapped = std::array<std::uint8_t, 16>;

/// The address as IPv6: IPv4 as ::ffff:0:0/96.
Mapped mapped(const IpAddress& address) {
  Mapped out{};
  const OctetView octets = address.octets();
  if (address.is_v4()) out[10] = out[11] = 0xff;
  std::ranges::copy(octets, out.end() - static_cast<std::ptrdiff_t>(octets.size()));
  return out;
}

std::size_t index_of(IpAddress::Family family) {
  return family == IpAddress::Family::v4 ? 0 : 1;
}

}  // namespace

unsigned mapped_length(const IpPrefix& prefix) {
  return prefix.length() + (prefix.address().is_v4() ? 96 : 0);
}

PrefixTable::PrefixTable(std::span<const ZoneRules* const> zones, Trigger trigger,
                         std::uint64_t key)
    : key_(key) {
  for (std::size_t zone = 0; zone < zones.size(); ++zone) {
    const ZoneRules& rules = *zones[zone];
    if (rules.count_of(trigger) == 0) continue;
    for (std::size_t rule = 0; rule < rules.size(); ++rule) {
      const RuleTraits traits = rules.traits_at(rule);
      if (traits.trigger != trigger) continue;
      postings_.push_back({.prefix = rules.prefix_at(rule),
                           .rule = static_cast<std::uint32_t>(rule),
                           .zone = static_cast<std::uint16_t>(zone),
                           .action = traits.action});
    }
  }
  std::ranges::sort(postings_, [](const Posting& a, const Posting& b) {
    return std::tuple(mapped(a.prefix.address()), mapped_length(a.prefix), a.zone, a.rule) <
           std::tuple(mapped(b.prefix.address()), mapped_length(b.prefix), b.zone, b.rule);
  });
  for (std::uint32_t i = 0; i < postings_.size(); ++i) {
    if (ranges_.empty() || postings_[ranges_.back().first].prefix != postings_[i].prefix) {
      ranges_.push_back({i, 0});
      const IpPrefix& prefix = postings_[i].prefix;
      lengths_[index_of(prefix.address().family())].push_back(
          static_cast<std::uint8_t>(prefix.length()));
    }
    ++ranges_.back().count;
  }
  for (auto& lengths : lengths_) {
    std::ranges::sort(lengths, std::greater());
    lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  }
  slots_.assign(std::bit_ceil(ranges_.size() * 2 + 1), kNone);
  for (std::uint32_t i = 0; i < ranges_.size(); ++i) {
    slots_[slot_of(postings_[ranges_[i].first].prefix)] = i;
  }
}

/// Where the prefix is, or would be: at least half of the slots are free.
std::size_t PrefixTable::slot_of(const IpPrefix& prefix) const {
  const OctetView octets = prefix.address().octets();
  const std::uint64_t hash =
      XXH3_64bits_withSeed(octets.data(), octets.size(), key_ + mapped_length(prefix));
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at] != kNone && postings_[ranges_[slots_[at]].first].prefix != prefix) {
    at = (at + 1) & (slots_.size() - 1);
  }
  return at;
}

void PrefixTable::find(const IpAddress& address, Found& found) const {
  found.count = 0;
  for (const std::uint8_t length : lengths_[index_of(address.family())]) {
    const std::uint32_t range = slots_[slot_of(IpPrefix(address, length))];
    if (range != kNone) found.items[found.count++] = ranges_[range];
  }
}

std::size_t PrefixTable::memory_octets() const {
  return sizeof *this + postings_.capacity() * sizeof(Posting) +
         ranges_.capacity() * sizeof(Range) + slots_.capacity() * sizeof(std::uint32_t);
}

}  // namespace postern::policy
