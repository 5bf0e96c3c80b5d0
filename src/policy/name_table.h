// The hash table over the owner names of all zones' rules of one trigger together: a part of a
// rule image, as it is read.
//
// One lookup walks a name's suffixes once, whatever the number of zones: that is why a
// decision costs the same with one feed and with a thousand. Start at NameTable::find.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/octets.h"
#include "dns/name.h"
#include "policy/image_format.h"
#include "policy/rule.h"

namespace postern::policy {

struct Labels;

/// The ends of names that an image writes as one octet, by their number; in wire form.
using NameSuffixes = std::array<OctetView, image::kMaxSuffixes>;

/// The scope of a posting that is no rule: its owner exists in the zone only because names below
/// it do (an empty non-terminal, RFC 4592 §2.2.2), and so hides the zone's wildcards above it.
inline constexpr auto kExists = static_cast<Scope>(7);

/// One rule of one zone, as the tables have it.
struct Posting {
  std::uint32_t at = 0;  ///< Where it stands: in one table, no other has the same.
  std::uint16_t zone = 0;
  Scope scope = Scope::exact;
  Action action = Action::block;
  Rank rank = Rank::normal;
  std::uint32_t line = 0;        ///< As in Rule.
  std::uint32_t data = kNoData;  ///< Of the image's record sets.
  std::uint32_t note = kNoNote;  ///< Of the image's notes.

  /// `number` is what the kind says: of a record set, of a note, or nothing.
  void take(const image::Kind& kind, std::uint32_t number) {
    data = (kind.flags & image::kHasData) != 0 ? number : kNoData;
    note = (kind.flags & image::kHasNote) != 0 ? number : kNoNote;
    zone = kind.zone;
    scope = static_cast<Scope>(kind.scope);
    action = static_cast<Action>(kind.action);
    rank = static_cast<Rank>(kind.rank);
  }
  /// Whether the rule holds for a name: its owner's own (`whole`), or one below the owner.
  bool applies(bool whole) const {
    return scope == Scope::at_and_below || (scope == Scope::exact && whole) ||
           (scope == Scope::below && !whole);
  }
};

/// The postings of one owner, one after the other, in the order of zones and then rules.
class Postings {
 public:
  Postings(OctetView entries, std::size_t at, std::span<const image::Kind> kinds)
      : entries_(entries), at_(at), kinds_(kinds) {}

  /// False at the end.
  bool next(Posting& out);
  /// Where the next entry begins, once `next` has said false.
  std::size_t end() const { return at_; }

 private:
  std::uint32_t varint();

  OctetView entries_;
  std::size_t at_;
  std::span<const image::Kind> kinds_;
  std::uint32_t line_ = 0;
  bool more_ = true;
};

/// Immutable; any number of threads may read it.
///
/// A bucket has about four owners, and a filter of 32 bits that ends most searches at once. Else
/// the owners' octets decide, so that no collision, chosen or not, can make a rule apply to
/// another name. Memory: two octets a rule of buckets; name and posting behind them.
class NameTable {
 public:
  static constexpr std::size_t kMaxOwners = image::kDepths;

  /// An owner in the table that is the name asked about or above it. Without initial values, so
  /// that an Owners costs nothing to make: it did cost 50 ns of a decision.
  struct Owner {
    std::uint32_t entry;     ///< Where it stands in the table.
    std::uint32_t postings;  ///< Where its postings stand.
    std::uint8_t labels;
    bool whole;  ///< It is the name itself.
  };

  /// What `find` fills; only the first `count` are set.
  struct Owners {
    std::size_t count = 0;
    std::array<Owner, kMaxOwners> items;
  };

  /// The parts of an image that the table is read from. All must outlive it, at the same place.
  struct Parts {
    std::span<const image::Bucket> buckets{};
    OctetView entries{};
    std::span<const image::Shadowed> shadowed{};
    std::span<const image::Kind> kinds{};
    const NameSuffixes* suffixes = nullptr;
    const image::Depths* depths = nullptr;
    std::uint64_t hash_key = 0;
    std::uint64_t hash_mask = 0;
  };

  /// No owners.
  NameTable() = default;
  explicit NameTable(const Parts& parts);

  /// The owners in the table that the name is at or below; owners that neither hold for names
  /// below them nor hide wildcards are left out where the name is below them, as far as that is
  /// known. The longest one first.
  /// Never allocates; one cache line read per suffix whose depth occurs in the table.
  void find(const dns::Name& name, Owners& found) const;
  /// The same in several tables, at most kMaxImages, each with its item of `found`: all of memory
  /// is asked first. Those that were built with the same key share the hashing.
  static void find(std::span<const NameTable* const> tables, const dns::Name& name,
                   std::span<Owners> found);

  Postings postings(const Owner& owner) const {
    return {parts_.entries, owner.postings, parts_.kinds};
  }
  /// Whether a rule for the names below `found.items[owner]`, of a zone where names hide
  /// wildcards, is hidden: some owner that is nearer to the name exists in the same zone.
  bool is_hidden(const Owners& found, std::size_t owner, std::uint16_t zone) const;

  /// The owner name of the entry there; nothing where none stands there.
  std::optional<dns::Name> owner_at(std::size_t entry) const;
  /// The posting that stands at `at`, of the owner whose entry is at `entry`. Both from `find`.
  Posting posting_at(std::size_t entry, std::uint32_t at) const;
  /// The rules that the posting stands in front of, as `posting_of` reads them.
  std::span<const image::Shadowed> shadowed(std::uint32_t posting) const;
  Posting posting_of(const image::Shadowed& shadowed) const;

  /// Walks all rules: `take(owner, posting)` for each, shadowed ones too; in no order that means
  /// anything.
  template <typename Take>
  void for_each(Take take) const {
    for (std::size_t at = 0; at < parts_.entries.size();) {
      const std::size_t entry = at;
      const auto name = owner_at(entry);
      if (!name) return;
      at = skip_name(entry);
      Postings all(parts_.entries, at, parts_.kinds);
      for (Posting posting; all.next(posting);) {
        take(*name, posting);
        for (const image::Shadowed& other : shadowed(posting.at)) take(*name, posting_of(other));
      }
      at = all.end();
    }
  }

 private:
  bool is_name_at(std::size_t& at, const std::uint8_t* wire) const;
  std::size_t skip_name(std::size_t at) const;
  bool has_hashes_of(const NameTable& other) const {
    return !parts_.buckets.empty() && parts_.hash_key == other.parts_.hash_key;
  }
  template <class Take>
  void for_each_probe(const Labels& labels, Take take) const;
  bool find_one(std::uint64_t hash, const std::uint8_t* wire, Owner& out) const;

  Parts parts_;
  std::size_t deepest_ = 0;  ///< The most labels an owner has.
};

}  // namespace postern::policy
