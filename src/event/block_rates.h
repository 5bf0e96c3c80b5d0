// BlockRates: which part of its queries each group usually has blocked, and whether that has
// changed since a generation came into force.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "policy/limits.h"

namespace postern::event {

/// One answered query, as BlockRates counts it.
struct RatedQuery {
  std::string_view group;
  std::uint64_t client = 0;  ///< Who asked: a keyed hash.
  std::string_view zone;     ///< Whose rule blocked it; empty where none did.
  bool is_blocked = false;
  std::uint64_t generation = 0;  ///< That decided.
  WallTime at{};
};

/// What a watch came to.
enum class WatchEnd : std::uint8_t {
  passed,      ///< What was seen under it belongs to what is usual.
  taken_back,  ///< It does not: what is usual is as it was before.
};

/// Time is cut into slots of ten minutes. What a slot had blocked is learnt once it is over: an
/// average and a deviation that follow slowly (a day of slots), so that a week's rhythm is within
/// the band.
///
/// No client alone can make a group leave its band, by what it asks nor by asking nothing: it
/// counts for kClientQueries queries at most, and what is learnt and judged is not the blocked part
/// alone but also the least and the most that it would be without any one of the clients. The most
/// must be under the band, or the least over it. Over it counts only as far as the zones that are
/// watched account for it. A value; one thread at a time.
class BlockRates {
 public:
  static constexpr seconds kSlot{600};
  static constexpr std::uint64_t kFewQueries = 100;  ///< A slot with fewer says nothing.
  static constexpr std::uint32_t kFewSlots = 18;     ///< Three hours: before, no band is known.
  /// So many queries of a group tell whether it has left its band; kFewQueries of them without the
  /// client that asked most.
  static constexpr std::uint64_t kJudgedQueries = 200;
  static constexpr std::uint32_t kClientQueries = 200;  ///< In a slot, and in a watch.
  static constexpr std::size_t kMaxGroups = policy::kMaxGroups;
  /// Of all groups in a slot, and the same in a watch: 1 MB each. Those beyond are not counted.
  static constexpr std::size_t kMaxClients = 20'000;

  void add(const RatedQuery& query);

  /// From now on what this generation and later ones decide is watched, for rules of these zones;
  /// a watch that was on has passed.
  void watch(std::uint64_t generation, const std::vector<std::string>& zones);
  /// Of these zones, too, while a watch is on.
  void watch_also(const std::vector<std::string>& zones);
  void end_watch(WatchEnd end);
  /// As at the beginning: nothing is known, no watch is on.
  void forget();

  /// A group that has left its band since the generation that is watched.
  struct Departure {
    std::string group;
    double rate = 0;                 ///< Of its queries that were blocked, 0 to 1.
    double lowest = 0, highest = 0;  ///< The band.
    std::uint64_t queries = 0;
  };
  /// Of this group alone, where one is named.
  std::optional<Departure> departure(std::string_view only = "") const;

  /// Queries that were not counted because kMaxClients or kMaxGroups was reached.
  std::uint64_t uncounted() const { return uncounted_; }

  /// What was learnt, a line a group; for a file.
  std::string to_text() const;
  /// Replaces what was learnt by what `to_text` gave. `corrupt` where it is none; then nothing is
  /// changed.
  Result<void> from_text(std::string_view text);

 private:
  struct Count {
    std::uint32_t queries = 0, blocked = 0;
    std::uint32_t by_watched = 0;  ///< Of those blocked, by the zones that are watched.
  };
  using Clients = std::unordered_map<std::uint64_t, Count>;
  struct Average {
    double mean = 0, variance = 0;
    void learn(double value, double weight);
    double width() const;
  };
  struct Usual {
    std::uint32_t slots = 0;  ///< That were learnt from, up to a day of them.
    double clients = 0;       ///< In a slot.
    Average least, most;      ///< Blocked without any one client.
  };
  struct Group {
    Usual usual;
    Usual before_watch;  ///< Judged by while a watch is on.
    Clients slot;        ///< Of the slot that is not over.
    Clients watched;     ///< Since the generation that is watched.
  };
  /// What a group had blocked, of all that it asked, and without any one of its clients.
  struct Spread {
    std::uint64_t queries = 0;
    double rest = 0;  ///< Queries that count without the client that asked most.
    double rate = 0, least = 0, most = 0;
    double least_by_watched = 0;  ///< As `least`, where other zones block no more than usual.
  };
  static Spread spread_of(const Clients& clients, double usual);
  static std::optional<Departure> departure_of(const Group& group);
  void count(Clients& clients, std::size_t& known, const RatedQuery& query);
  void end_slot();

  std::map<std::string, Group, std::less<>> groups_;
  std::size_t slot_clients_ = 0, watched_clients_ = 0;  // Of all groups.
  std::int64_t slot_ = 0;                               // The number of the slot that is not over.
  std::uint64_t watched_from_ = 0;                      // 0: no watch is on.
  std::set<std::string, std::less<>> watched_zones_;
  std::uint64_t uncounted_ = 0;
};

}  // namespace postern::event
