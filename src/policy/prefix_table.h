// The address rules of all zones together, for one trigger: which prefixes hold an address.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ip.h"
#include "policy/rule.h"

namespace postern::policy {

/// Immutable once built; any number of threads may read it.
///
/// One hash look-up for each prefix length that occurs, so that the cost depends neither on the
/// number of zones nor on that of the rules. A hit counts only if the prefix agrees.
class PrefixTable {
 public:
  /// One rule of one zone. Postings are in the order of their addresses (IPv4 as IPv4-mapped
  /// IPv6), then zones, then rules: a posting's index tells which of two addresses is smaller.
  struct Posting {
    IpPrefix prefix{};
    std::uint32_t rule = 0;  ///< Index in the zone's ZoneRules.
    std::uint16_t zone = 0;
    Action action = Action::block;
  };

  /// The postings of one prefix: `items` of `postings()` from `first` on.
  struct Range {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };

  /// What `find` fills; only the first `count` are set.
  struct Found {
    static constexpr std::size_t kMost = 129;  ///< Prefix lengths of one family.
    std::size_t count = 0;
    std::array<Range, kMost> items;
  };

  /// Takes the rules of `zones` whose trigger is `trigger`, which has a prefix; `key` is secret.
  PrefixTable(std::span<const ZoneRules* const> zones, Trigger trigger, std::uint64_t key);

  /// The prefixes in the table that hold the address, the longest one first. Never allocates.
  void find(const IpAddress& address, Found& found) const;

  bool empty() const { return postings_.empty(); }
  const Posting& posting(std::size_t index) const { return postings_[index]; }
  std::size_t memory_octets() const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  std::size_t slot_of(const IpPrefix& prefix) const;

  std::uint64_t key_;
  std::vector<Posting> postings_;
  std::vector<Range> ranges_;
  std::vector<std::uint32_t> slots_;                  ///< Indices of ranges; a power of two.
  std::array<std::vector<std::uint8_t>, 2> lengths_;  ///< By family, descending.
};

/// How long a prefix is, as an IPv6 one (an IPv4 prefix is 96 longer): the draft compares both.
unsigned mapped_length(const IpPrefix& prefix);

}  // namespace postern::policy
