// QuestionTable: the names that a site asked for in the last days, kept compactly, so that a change
// of policy can be tried on them before anybody meets it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "dns/name.h"
#include "event/answer_trail.h"
#include "policy/comparison.h"

namespace postern::event {

/// A question as it is remembered: who asked is a keyed hash alone.
struct AskedQuestion {
  dns::Name name;
  std::string_view group;  ///< Of the client's policy.
  std::uint64_t client = 0;
  bool is_answered = false;  ///< The name exists, and was not blocked.
};

/// About 60 octets a name: where it stands, groups, first and last day, how often, a sketch of how
/// many clients; names one after the other. To a name that exists belongs where its last answer
/// led, some 40 octets more. A value; one thread at a time.
///
/// A count is of about the last `days` days: at each new day it loses one part in so many. A name
/// that was not asked for in `days` days is forgotten, and so is a group that asked for none. Where
/// there is no room, those go first that do not exist, then those that were asked for least: random
/// names cannot drive out what is used.
class QuestionTable {
 public:
  struct Limits {
    std::size_t names = 1'000'000;
    std::uint32_t days = 14;
  };
  /// So many are known at a time; more are taken for the default group.
  static constexpr std::size_t kMaxGroups = 32;
  /// So many names are ever kept: an index entry has 24 bits for the place of one.
  static constexpr std::size_t kMaxNames = (std::size_t{1} << 24) - 1;

  /// `hash_key` is secret and random: for the index, against chosen collisions.
  QuestionTable(const Limits& limits, std::uint64_t hash_key);

  /// `day` counts from 1970-01-01 and never goes back: an earlier one is taken for the latest.
  void add(const AskedQuestion& question, std::uint16_t day);
  /// Where an answer to the name led, in the place of what was known of that. Nothing where the
  /// name is not remembered.
  void learn(const dns::Name& name, AnswerTrail trail);
  /// A new day may have begun: forgets, and lets counts fade.
  void begin_day(std::uint16_t day);

  void for_each(const std::function<void(const policy::AskedName&)>& take) const;

  std::size_t size() const { return entries_.size(); }
  /// By their bits. "" stands where one was forgotten.
  const std::vector<std::string>& groups() const { return groups_; }
  std::uint64_t evicted() const { return evicted_; }  ///< For want of room, so far.
  /// Answers whose trail found no room, so far.
  std::uint64_t trails_dropped() const { return trails_dropped_; }
  std::size_t memory_octets() const;

  /// All of it, for a file; without the key of the index.
  Octets encode() const;
  /// Replaces all of it with what `encode` gave, as far as the limits allow. `corrupt` where it is
  /// none; then nothing is changed.
  Result<void> decode(OctetView octets);

 private:
  struct Entry {
    std::uint32_t name = 0;  ///< Where its wire form begins in names_.
    std::uint32_t groups = 0;
    std::uint16_t first_day = 0, last_day = 0;
    std::uint32_t queries : 30 = 0;
    std::uint32_t is_answered : 1 = 0;
    std::uint32_t is_estimate : 1 = 0;  ///< Of `clients`.
    std::uint64_t clients = 0;
    std::uint32_t trail = 0;  ///< Where it begins in trails_; 0: none is known.
  };
  static constexpr std::uint32_t kMaxQueries = (1U << 30) - 1;

  std::uint64_t hash(OctetView wire) const;
  std::uint32_t* find_slot(OctetView wire, std::uint64_t hash);
  OctetView wire_of(const Entry& entry) const;
  OctetView trail_of(const Entry& entry) const;
  void put_trail(Entry& entry, OctetView octets);
  void pack_trails();
  std::uint32_t group_bit(std::string_view group);
  void forget_groups();
  void append(Entry entry, OctetView wire);
  void make_room();
  template <class Keep>
  void keep_if(Keep keep);
  void rebuild_index(std::size_t slots);

  Limits limits_;
  std::uint64_t hash_key_;
  std::vector<std::string> groups_;        ///< The first one is the default group.
  std::vector<std::uint16_t> group_days_;  ///< When each asked last.
  std::vector<Entry> entries_;
  std::vector<std::uint8_t> names_;
  /// One octet that is nobody's; then of each its room, its size (two octets each) and its octets.
  std::vector<std::uint8_t> trails_ = {0};
  std::size_t trails_wasted_ = 0;  ///< Octets of trails_ that are nobody's any more.
  std::uint64_t trails_dropped_ = 0;
  std::vector<std::uint32_t> index_;  ///< Eight bits of the hash, and the entry's number plus one.
  std::uint16_t day_ = 0;
  std::uint64_t evicted_ = 0;
};

}  // namespace postern::event
