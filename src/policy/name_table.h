// The hash table over the owner names of all zones' rules of one trigger together.
//
// One lookup walks a name's suffixes once, whatever the number of zones: that is why a
// decision costs the same with one feed and with a thousand. Start at NameTable::find.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dns/name.h"
#include "policy/rule.h"

namespace postern::policy {

/// Immutable once built; any number of threads may read it.
///
/// An owner name has one slot: 32 bits of its keyed hash and the number of its first posting.
/// Eight slots share a cache line. A slot whose bits agree is only a candidate: the owner's
/// octets decide, so that no collision, chosen or not, can make a rule apply to another name.
/// Memory: about 12 octets of slots and 12 of posting per rule.
class NameTable {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::size_t kMaxOwners = dns::Name::kMaxLabels + 1;

  /// The scope of a posting that is no rule: its owner exists in the zone only because names below
  /// it do (an empty non-terminal, RFC 4592 §2.2.2), and so hides the zone's wildcards above it.
  static constexpr auto kExists = static_cast<Scope>(7);

  /// One rule of one zone. Postings of one owner form a list.
  struct Posting {
    std::uint32_t rule = 0;      ///< Index in the zone's ZoneRules; kExists: of a name below.
    std::uint32_t next = kNone;  ///< The owner's next posting.
    std::uint16_t zone = 0;
    Scope scope : 4 = Scope::exact;
    Rank rank : 4 = Rank::normal;
    std::uint8_t what = 0;  ///< Its Action; kExists: octets of the rule's name before the owner's.

    Action action() const { return static_cast<Action>(what); }
    /// Whether the rule holds for a name: its owner's own (`whole`), or one below the owner.
    bool applies(bool whole) const {
      return scope == Scope::at_and_below || (scope == Scope::exact && whole) ||
             (scope == Scope::below && !whole);
    }
  };

  /// An owner in the table that is the name asked about or above it. Without initial values, so
  /// that an Owners costs nothing to make: it did cost 50 ns of a decision.
  struct Owner {
    std::uint32_t posting;  ///< The first of its postings.
    std::uint8_t labels;
    bool whole;  ///< It is the name itself.
  };

  /// What `find` fills; only the first `count` are set.
  struct Owners {
    std::size_t count = 0;
    std::array<Owner, kMaxOwners> items;
  };

  /// A rule that can never decide: one of the same zone, owner, scope and rank comes before it.
  struct Shadowed {
    std::uint32_t posting = kNone;  ///< Of the rule before it.
    std::uint32_t rule = 0;
  };

  /// Reads the rules of `zones` whose trigger is `trigger`; the zones must outlive the table and
  /// may not be null. At most kMaxZones zones and kMaxRulesInForce rules. `key` is secret. Tests
  /// pass a `hash_mask` with few bits to make every hash collide. 1 M rules: 60 to 85 ms of CPU.
  NameTable(std::vector<const ZoneRules*> zones, Trigger trigger, std::uint64_t key,
            std::uint64_t hash_mask = ~0ULL);

  /// The owners in the table that the name is at or below; owners that neither hold for names
  /// below them nor hide wildcards are left out where the name is below them, as far as that is
  /// known. The longest one first.
  /// Never allocates; one cache line read per suffix whose depth occurs in the table.
  void find(const dns::Name& name, Owners& found) const;

  const Posting& posting(std::uint32_t index) const { return postings_[index]; }
  /// Whether a rule for the names below `found.items[owner]`, of a zone where names hide
  /// wildcards, is hidden: some owner that is nearer to the name exists in the same zone.
  bool is_hidden(const Owners& found, std::size_t owner, std::uint16_t zone) const;
  /// The rules that the posting stands in front of, by index.
  std::span<const Shadowed> shadowed(std::uint32_t posting) const;
  std::size_t memory_octets() const;

 private:
  static constexpr std::size_t kSlots = 8;

  /// Filled from the front: the bucket is full if its last slot is taken.
  struct alignas(64) Bucket {
    std::array<std::uint32_t, kSlots> tags{};  ///< 0: empty.
    std::array<std::uint32_t, kSlots> heads{};
  };
  using Depths = std::array<bool, kMaxOwners>;

  void insert_zone(std::uint16_t zone);
  void add_hiding(std::uint16_t zone);
  void add_hiding_above(std::uint16_t zone, std::uint32_t rule);
  bool has_posting(std::uint32_t head, std::uint16_t zone) const;
  bool has_wildcard(std::uint32_t head, std::uint16_t zone) const;
  void make_room_for_owner();
  OctetView owner_of(std::uint32_t posting) const;
  void insert(std::uint16_t zone, std::uint32_t rule, std::uint64_t hash);
  /// True where a posting of the same zone, scope and rank stood there: then this one, which
  /// comes before it in the zone, takes its place.
  bool replace_equal(std::uint32_t head, const Posting& posting);
  /// The head of the owner's list; kNone in a slot newly taken for it.
  std::uint32_t& head_of(std::uint64_t hash, OctetView owner);
  std::uint32_t find_one(std::uint64_t hash, OctetView owner) const;
  bool is_owner(std::uint32_t posting, OctetView owner) const;
  std::uint64_t hash_of(OctetView name) const;
  std::size_t home(std::uint64_t hash) const;

  std::vector<const ZoneRules*> zones_;
  Trigger trigger_;
  std::uint64_t key_;
  std::uint64_t hash_mask_;
  std::vector<Bucket> buckets_;
  std::vector<Posting> postings_;
  std::vector<Shadowed> shadowed_;  ///< By posting, then rule.
  std::size_t owners_ = 0;          ///< Slots taken.
  std::size_t hiding_ = 0;          ///< Postings that are kExists.
  Depths has_owner_{};              ///< By label count: some owner has as many labels.
  Depths has_wildcard_{};           ///< The same for owners that matter for the names below them.
  std::size_t deepest_ = 0;         ///< The most labels an owner has.
};

}  // namespace postern::policy
