// ExceptionTable: which exception decides on a name, for a client and at a time.
//
// Start at ExceptionTable::find.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/octets.h"
#include "base/result.h"
#include "base/time.h"
#include "dns/name.h"
#include "policy/exception.h"
#include "policy/rule.h"

namespace postern::policy {

/// Immutable: built aside, published whole, read by every worker at once.
///
/// Of several exceptions that hold for a name and a client one decides: that of the more specific
/// audience (of prefixes the longer one), then of the longer name, then an exact one before one
/// for all below, then one that allows before one that blocks, then the later one of those given.
///
/// A lookup never allocates. It costs nothing where the table is empty, some 30 ns where it has no
/// part of the name. Where it has one, a binary search for each audience that the client is in; so
/// the same name excepted for each of thousands of groups costs no more than for a few.
class ExceptionTable {
 public:
  /// Who asks. Views are read during the call.
  struct Asker {
    std::optional<IpAddress> client{};  ///< Nothing: those for clients do not hold.
    std::string_view group{};
    std::string_view tenant{};  ///< The group's; "" where it has none.
    std::string_view hours{};   ///< Group::hours of the policy in force.
  };

  /// Of the configuration and the state store together. Errors: more than limits.h says.
  /// `answers` is how blocks are answered; its name is what records say decided. `hash_key` is
  /// secret and random per process.
  static Result<std::shared_ptr<const ExceptionTable>> create(std::span<const Exception> exceptions,
                                                              ZoneOptions answers,
                                                              std::uint64_t hash_key);
  static std::shared_ptr<const ExceptionTable> none();

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  std::size_t memory_octets() const;
  const ZoneOptions& answers() const { return answers_; }

  /// The number (below `size`) of the one that decides; nothing where none holds.
  std::optional<std::uint32_t> find(const Asker& asker, const dns::Name& name, WallTime now) const {
    if (entries_.empty()) return std::nullopt;
    return find_among(asker, name, now);
  }
  /// All that hold for this name and this asker, the one that decides first. For `explain`.
  std::vector<std::uint32_t> find_all(const Asker& asker, const dns::Name& name,
                                      WallTime now) const;

  /// All that hold for this asker, whatever the name; in the order of their names.
  std::vector<std::uint32_t> holding(const Asker& asker, WallTime now) const;
  /// When the first of those that have not ended ends; nothing where none ever does.
  std::optional<WallTime> next_end(WallTime now) const;

  /// As it was given.
  Exception at(std::uint32_t number) const;
  Action action(std::uint32_t number) const { return entries_[number].action; }
  Scope scope(std::uint32_t number) const { return entries_[number].scope; }
  std::uint32_t id(std::uint32_t number) const { return entries_[number].id; }
  std::uint8_t label_count(std::uint32_t number) const { return entries_[number].labels; }

 private:
  struct Entry {
    std::int64_t since_us;
    std::int64_t until_us;   ///< kForEver: no end.
    std::uint32_t name;      ///< Where it begins in `names_`.
    std::uint32_t audience;  ///< Which of `audiences_`.
    std::uint32_t id;
    std::uint32_t owner;   ///< Which of `texts_`.
    std::uint32_t reason;  ///< Which of `texts_`.
    std::uint8_t labels;
    Scope scope;
    Action action;
  };
  /// The exceptions of one name: a range of `entries_`, in the order of their audiences.
  struct Hit {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    bool whole = false;  ///< It is the name looked up itself.
  };
  struct Hits {
    std::array<Hit, dns::Name::kMaxLabels + 1> items;
    std::size_t count = 0;
  };

  ExceptionTable(ZoneOptions answers, std::uint64_t hash_key);
  void fill(std::span<const Exception> exceptions);
  void add_names(std::span<const Exception> exceptions, std::span<const std::uint32_t> order);
  void add_slots();
  std::optional<std::uint32_t> find_among(const Asker& asker, const dns::Name& name,
                                          WallTime now) const;
  /// The names of the table that are the name or above it, the longest first.
  void find_names(const dns::Name& name, Hits& hits) const;
  /// Calls `take(audience)` for each one that the asker is in, the most specific first; until it
  /// gives true.
  template <class Take>
  void for_each_audience(const Asker& asker, Take take) const;
  /// Calls `take(number)` for each exception of the hit that is for the audience and holds, the
  /// one that decides first; until it gives true.
  template <class Take>
  bool for_each_entry(const Hit& hit, std::uint32_t audience, std::int64_t now_us, Take take) const;
  std::optional<std::uint32_t> audience_number(const Audience& audience) const;
  OctetView name_of(const Entry& entry) const;

  ZoneOptions answers_;
  std::uint64_t hash_key_;
  std::vector<Entry> entries_;        ///< By name, audience, then as they decide.
  std::vector<std::uint8_t> names_;   ///< In wire form, each once.
  std::vector<Audience> audiences_;   ///< Sorted, each once.
  std::vector<std::string> texts_;    ///< Owners and reasons, each once.
  std::vector<std::uint32_t> slots_;  ///< By hash of the name: its first entry; kNoEntry.
  std::bitset<dns::Name::kMaxLabels + 1> depths_;  ///< How many labels the names have.
  std::array<std::bitset<129>, 2> lengths_;        ///< By family: those of prefixes there are.
};

}  // namespace postern::policy
