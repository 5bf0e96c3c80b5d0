#include "policy/prefix_table.h"

#include <algorithm>
#include <functional>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace postern::policy {
namespace {

constexpr unsigned kV4Bits = 96;  ///< By which a mapped prefix is longer.

std::size_t index_of(IpAddress::Family family) {
  return family == IpAddress::Family::v4 ? 0 : 1;
}

}  // namespace

unsigned mapped_length(const IpPrefix& prefix) {
  return prefix.length() + (prefix.address().is_v4() ? kV4Bits : 0);
}

std::array<std::uint8_t, 16> mapped_octets(const IpAddress& address) {
  std::array<std::uint8_t, 16> out{};
  const OctetView octets = address.octets();
  if (address.is_v4()) out[10] = out[11] = 0xff;
  std::ranges::copy(octets, out.end() - static_cast<std::ptrdiff_t>(octets.size()));
  return out;
}

std::uint64_t hash_prefix(const std::array<std::uint8_t, 16>& address, unsigned length,
                          std::uint64_t key) {
  return XXH3_64bits_withSeed(address.data(), address.size(), key + length);
}

PrefixTable::PrefixTable(std::span<const image::PrefixPosting> postings,
                         std::span<const Range> ranges, std::span<const std::uint32_t> slots,
                         std::span<const image::Kind> kinds, std::uint64_t key)
    : postings_(postings), ranges_(ranges), slots_(slots), kinds_(kinds), key_(key) {
  for (const Range& range : ranges_) {
    const IpPrefix of = prefix(range.first);
    auto& lengths = lengths_[index_of(of.address().family())];
    const auto length = static_cast<std::uint8_t>(of.length());
    const auto place = std::ranges::lower_bound(lengths, length, std::greater());
    if (place == lengths.end() || *place != length) lengths.insert(place, length);
  }
}

IpPrefix PrefixTable::prefix(std::size_t index) const {
  const image::PrefixPosting& posting = postings_[index];
  const OctetView octets = posting.address;
  if (posting.is_v4 != 0) {
    return {IpAddress::from_octets(octets.subspan(12)),
            static_cast<std::uint8_t>(posting.length - kV4Bits)};
  }
  return {IpAddress::from_octets(octets), posting.length};
}

Posting PrefixTable::posting(std::size_t index) const {
  const image::PrefixPosting& from = postings_[index];
  Posting posting{.at = static_cast<std::uint32_t>(index), .line = from.line};
  posting.take(kinds_[from.kind], from.data);
  return posting;
}

void PrefixTable::find(const IpAddress& address, Found& found) const {
  found.count = 0;
  if (slots_.empty()) return;
  for (const std::uint8_t length : lengths_[index_of(address.family())]) {
    const IpPrefix prefix(address, length);
    const std::array<std::uint8_t, 16> octets = mapped_octets(prefix.address());
    const unsigned mapped = mapped_length(prefix);
    const auto is_v4 = static_cast<std::uint8_t>(address.is_v4() ? 1 : 0);
    std::size_t at = hash_prefix(octets, mapped, key_) & (slots_.size() - 1);
    // At least half of the slots are free.
    for (; slots_[at] != image::kNoRange; at = (at + 1) & (slots_.size() - 1)) {
      const Range& range = ranges_[slots_[at]];
      const image::PrefixPosting& first = postings_[range.first];
      if (first.length != mapped || first.is_v4 != is_v4 || first.address != octets) continue;
      found.items[found.count++] = range;
      break;
    }
  }
}

}  // namespace postern::policy
