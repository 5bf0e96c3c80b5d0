// The layout of a rule image: what `build_image` writes and `RuleImage` reads.
//
// A header, then parts, each at a multiple of eight octets. Numbers are little-endian, as the
// processor has them. What is decided by is packed densely (about 22 octets a rule), because all
// of it becomes resident. A change of anything here is a new `kVersion`: an image is
// made anew from its feeds, never converted.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dns/name.h"

namespace postern::policy::image {

static_assert(std::endian::native == std::endian::little);

inline constexpr std::array<char, 8> kMagic = {'P', 'S', 'T', 'R', 'U', 'L', 'E', 'S'};
inline constexpr std::uint32_t kVersion = 3;
inline constexpr std::size_t kAlignment = 8;
inline constexpr std::size_t kDepths = dns::Name::kMaxLabels + 1;

enum class Part : std::uint8_t {
  zones,       ///< Name, source, counts, SOA of each zone.
  kinds,       ///< Kind: what postings share.
  suffixes,    ///< Ends of names that are written as one octet: size octet, wire form, each.
  data_index,  ///< u64 offsets into `data`, one more than there are record sets.
  data,        ///< Record sets: type u16, TTL u32, size u16, rdata; in network order.
  qname_buckets,
  qname_entries,
  qname_shadowed,
  nsdname_buckets,
  nsdname_entries,
  nsdname_shadowed,
  client_ip_postings,
  client_ip_ranges,
  client_ip_slots,
  response_ip_postings,
  response_ip_ranges,
  response_ip_slots,
  nsip_postings,
  nsip_ranges,
  nsip_slots,
  notes,  ///< RuleNote, one after the other: what is known of some rules.
};
inline constexpr std::size_t kPartCount = 21;

struct Extent {
  std::uint64_t offset;  ///< From the image's start.
  std::uint64_t size;
};

/// By label count: whether there are owners of so many labels, and ones that matter for the names
/// below them.
struct Depths {
  std::array<std::uint8_t, kDepths> has_owner;
  std::array<std::uint8_t, kDepths> has_wildcard;
};

struct Header {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t header_octets;
  std::uint64_t total_octets;
  std::uint64_t check;  ///< XXH3 of all that follows this field.
  std::uint64_t hash_key;
  std::uint64_t hash_mask;
  std::uint64_t rule_count;
  std::array<Extent, kPartCount> parts;
  std::array<Depths, 2> depths;  ///< Of the qname table and of the nsdname table.
};
inline constexpr std::size_t kCheckedFrom = 32;
static_assert(offsetof(Header, hash_key) == kCheckedFrom);

/// Of one bucket's entries: some thirty times what one owner can have, with rules of each kind in
/// each of a generation's zones.
inline constexpr std::size_t kMaxBucketOctets = std::size_t{1} << 20;

/// The entries of the owners whose hash leads here: from `begin` to the next bucket's `begin`.
struct Bucket {
  std::uint32_t begin;
  std::uint32_t filter;  ///< For each owner one bit, by its hash: most misses end here.
};

/// What a posting says but for its line and data. Entries name kinds by number.
struct Kind {
  std::uint16_t zone;
  std::uint8_t scope;
  std::uint8_t action;
  std::uint8_t rank;
  std::uint8_t flags;
  std::uint16_t unused;
};
/// Behind the kind's octet stand the line, as a difference to that of the posting before, and ...
inline constexpr std::uint8_t kHasLine = 1;
/// ... the number of the record set,
inline constexpr std::uint8_t kHasData = 2;
/// or that of the note.
inline constexpr std::uint8_t kHasNote = 4;

/// An entry is the owner's name, then its postings. Name: labels, each with its length octet, then
/// 0 for the root or kFirstSuffix + the number of a suffix. Posting: the kind's number in the low
/// bits, kMore if another posting follows; kEscape instead of a number: the number minus kEscape
/// follows as a varint (seven bits an octet, the low ones first).
inline constexpr std::uint8_t kFirstSuffix = 64;
inline constexpr std::size_t kMaxSuffixes = 256 - kFirstSuffix;
inline constexpr std::uint8_t kMore = 0x80;
inline constexpr std::uint8_t kEscape = 0x7f;

/// A rule that can never decide: one of the same zone, owner, scope and rank comes before it. Kept
/// apart, so that a name which a feed says a thousand times is not slow to look up.
struct Shadowed {
  std::uint32_t of;  ///< Where the posting of that rule stands; the part is sorted by it.
  std::uint32_t kind;
  std::uint32_t line;
  std::uint32_t data;  ///< Or the note, as the kind says.
};

struct PrefixPosting {
  std::array<std::uint8_t, 16> address;  ///< IPv4 as IPv4-mapped IPv6.
  std::uint8_t length;                   ///< Of the mapped address.
  std::uint8_t is_v4;
  std::uint16_t unused;
  std::uint32_t kind;
  std::uint32_t line;
  std::uint32_t data;  ///< Or the note, as the kind says.
};

/// The postings of one prefix.
struct PrefixRange {
  std::uint32_t first;
  std::uint32_t count;
};

inline constexpr std::uint32_t kNoRange = 0xffffffff;

}  // namespace postern::policy::image
