// BlockRates: which part of its queries each group usually has blocked, and whether that has
// changed since a generation came into force.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace postern::event {

/// Time is cut into slots of ten minutes. What a slot had blocked is learnt once it is over, if
/// nothing new was being watched in it: an average and a deviation that follow slowly (a day of
/// slots), so that a week's rhythm is within the band. A value; one thread at a time.
class BlockRates {
 public:
  static constexpr seconds kSlot{600};
  static constexpr std::uint64_t kFewQueries = 100;  ///< A slot with fewer says nothing.
  static constexpr std::uint32_t kFewSlots = 18;     ///< Three hours: before, no band is known.
  /// So many queries of a group tell whether it has left its band.
  static constexpr std::uint64_t kJudgedQueries = 200;
  static constexpr std::size_t kMaxGroups = 1024;  ///< policy::Generation's bound.

  /// One answered query of a group's, decided by that generation.
  void add(std::string_view group, bool is_blocked, std::uint64_t generation, WallTime at);

  /// From now on what this generation and later ones decide is watched and not learnt from; 0: no
  /// more.
  void watch(std::uint64_t generation);

  /// A group that has left its band since the generation that is watched.
  struct Departure {
    std::string group;
    double rate = 0;                 ///< Of its queries that were blocked, 0 to 1.
    double lowest = 0, highest = 0;  ///< The band.
    std::uint64_t queries = 0;
  };
  std::optional<Departure> departure() const;

  /// What was learnt, a line a group; for a file.
  std::string to_text() const;
  /// Replaces what was learnt by what `to_text` gave. `corrupt` where it is none; then nothing is
  /// changed.
  Result<void> from_text(std::string_view text);

 private:
  struct Count {
    std::uint64_t queries = 0, blocked = 0;
    double rate() const { return static_cast<double>(blocked) / static_cast<double>(queries); }
  };
  struct Group {
    std::uint32_t slots = 0;  ///< That were learnt from, up to kFewSlots.
    double average = 0;
    double variance = 0;
    Count slot;     ///< Of the slot that is not over.
    Count watched;  ///< Since the generation that is watched.
  };
  void end_slot();

  std::map<std::string, Group, std::less<>> groups_;
  std::int64_t slot_ = 0;  ///< The number of the slot that is not over.
  std::uint64_t watched_from_ = 0;
};

}  // namespace postern::event
