// The address rules of all zones together, for one trigger: which prefixes hold an address. A part
// of a rule image, as it is read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ip.h"
#include "policy/image_format.h"
#include "policy/name_table.h"
#include "policy/rule.h"

namespace postern::policy {

/// Immutable; any number of threads may read it.
///
/// One hash look-up for each prefix length that occurs, so that the cost depends neither on the
/// number of zones nor on that of the rules. A hit counts only if the prefix agrees.
class PrefixTable {
 public:
  /// The postings of one prefix: `count` of them from `first` on. They are in the order of their
  /// addresses (IPv4 as IPv4-mapped IPv6), then zones, then rules: a posting's index tells which
  /// of two addresses is smaller.
  using Range = image::PrefixRange;

  /// What `find` fills; only the first `count` are set.
  struct Found {
    static constexpr std::size_t kMost = 129;  ///< Prefix lengths of one family.
    std::size_t count = 0;
    std::array<Range, kMost> items;
  };

  /// Holds nothing.
  PrefixTable() = default;
  /// All must outlive the table, at the same place. The number of slots is a power of two or zero.
  PrefixTable(std::span<const image::PrefixPosting> postings, std::span<const Range> ranges,
              std::span<const std::uint32_t> slots, std::span<const image::Kind> kinds,
              std::uint64_t key);

  /// The prefixes in the table that hold the address, the longest one first. Never allocates.
  void find(const IpAddress& address, Found& found) const;

  bool empty() const { return postings_.empty(); }
  std::size_t size() const { return postings_.size(); }
  /// `index` is below `size`.
  IpPrefix prefix(std::size_t index) const;
  /// The same length for each prefix as `mapped_length` gives.
  unsigned length(std::size_t index) const { return postings_[index].length; }
  Posting posting(std::size_t index) const;

 private:
  std::span<const image::PrefixPosting> postings_;
  std::span<const Range> ranges_;
  std::span<const std::uint32_t> slots_;
  std::span<const image::Kind> kinds_;
  std::uint64_t key_ = 0;
  std::array<std::vector<std::uint8_t>, 2> lengths_;  ///< By family, descending.
};

/// How long a prefix is, as an IPv6 one (an IPv4 prefix is 96 longer): the draft compares both.
unsigned mapped_length(const IpPrefix& prefix);
/// The address as IPv6: IPv4 as ::ffff:0:0/96.
std::array<std::uint8_t, 16> mapped_octets(const IpAddress& address);
/// Of a prefix, as the slots are found by.
std::uint64_t hash_prefix(const std::array<std::uint8_t, 16>& address, unsigned length,
                          std::uint64_t key);

}  // namespace postern::policy
