// Traffic: what the rows of web logs say together, kept small: W-01, W-03 to W-05, W-08, W-09 and
// W-11.
//
// `TrafficFold` (traffic_fold.h) makes TrafficFacts of one log, row by row; those of several logs
// are added, in any order; `traffic_findings` (traffic_findings.h) judges them.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "base/time.h"
#include "exchange/ranked_map.h"

namespace postern::exchange {

/// Seconds since 1970.
using Second = std::int64_t;
inline constexpr Second kLastSecond = 253'402'300'800;  ///< The year 10000.
/// Days since 1970.
using DayNumber = std::int32_t;

/// Where a request stands in the logs. Compared by time first.
struct Seen {
  Second at = 0;
  std::string path;  ///< The log's.
  std::uint64_t line = 0, offset = 0;

  auto operator<=>(const Seen&) const = default;
};

/// The largest answer, of those that count (TrafficFold::kTellingOctets).
struct LargestAnswer {
  std::uint64_t octets = 0;
  Seen seen;
  std::string stem, agent, user;

  auto operator<=>(const LargestAnswer&) const = default;
};

/// What one address was sent on one day.
struct ClientDay {
  /// Adding is the same in any order, here and below.
  void add(const ClientDay& other);

  std::uint64_t octets = 0, requests = 0;
  std::uint64_t users = 0;               ///< A bit for each user's hash: how many there are, about.
  std::optional<LargestAnswer> largest;  ///< Of logs that have a telling part of the day.

  bool operator==(const ClientDay&) const = default;
};

/// Answers 200 that one address had from one page that is not Exchange's.
struct PageVisits {
  /// Posts of five minutes.
  struct Rate {
    std::uint32_t posts = 0;
    std::uint32_t small = 0;   ///< Requests of kSmallRequest octets or less.
    std::uint32_t swings = 0;  ///< Answers that are large behind a small one, or small behind a
                               ///< large one.
    std::uint32_t sized = 0;   ///< Of which the log has sizes.

    bool operator==(const Rate&) const = default;
  };
  using Rates = std::map<std::int64_t, Rate>;    ///< By the time in units of kRateSeconds.
  static constexpr std::size_t kMaxAgents = 3;   ///< More than two are many.
  static constexpr std::size_t kMaxRates = 600;  ///< Two days without a pause.

  void add(const PageVisits& other);
  void see_agent(std::uint64_t hash);

  std::uint64_t count = 0;
  Seen first;
  // Of the first one:
  bool posted = false;
  bool no_referer = false;  ///< The log has the column, and it is empty.
  std::uint64_t agent_hash = 0;
  std::string agent, user;
  // Of all:
  std::set<std::uint64_t> agents;  ///< Hashes, the least of them.
  Rates rates;                     ///< The earliest of them.

  bool operator==(const PageVisits&) const = default;
};
inline constexpr Second kRateSeconds = 300;
inline constexpr std::uint64_t kSmallRequest = 2'048;
inline constexpr std::uint64_t kSmallAnswer = 1'024;
inline constexpr std::uint64_t kLargeAnswer = 4'096;

/// Other answers that one address had from one page that is not Exchange's.
struct PageMisses {
  void add(const PageMisses& other);

  std::uint64_t count = 0;
  Seen first;
  std::optional<Seen> first_missing;  ///< 404.

  bool operator==(const PageMisses&) const = default;
};

/// Failures (500) of the control panel in one stretch of kRateSeconds.
struct Failures {
  static constexpr std::size_t kMaxClients = 8;

  void add(const Failures& other);
  void see_client(std::string_view client, std::uint64_t times);

  std::uint64_t count = 0;
  Seen first;
  std::map<std::string, std::uint64_t, std::less<>> clients;

  bool operator==(const Failures&) const = default;
};

/// What logs of one source say.
struct SourceTraffic {
  static constexpr std::size_t kMaxClientDays = 400'000;
  static constexpr std::size_t kMaxVisits = 50'000;
  static constexpr std::size_t kMaxMisses = 50'000;  ///< A flood of names that are not there
                                                     ///< does not push out what is answered.
  static constexpr std::size_t kMaxAgents = 100'000;
  static constexpr std::size_t kMaxFailures = 50'000;
  static constexpr std::size_t kMaxDays = 20'000;

  RankedMap<ClientDay> client_days{kMaxClientDays};  ///< By traffic_key(client, day).
  RankedMap<PageVisits> visits{kMaxVisits};          ///< By traffic_key(page, client).
  RankedMap<PageMisses> misses{kMaxMisses};          ///< Likewise.
  RankedMap<Failures> failures{kMaxFailures};        ///< By the number of the stretch.
  std::map<std::uint64_t, Second> agents;            ///< When each program was first seen.
  std::set<DayNumber> days;                          ///< That have rows.
  std::optional<Second> first;                       ///< The first row's time.
  std::uint64_t left_out = 0;                        ///< For which there was no room.

  bool empty() const { return days.empty(); }
  /// What another log of the source says is said here too.
  void add(const SourceTraffic& other);
  /// Keeps the least hashes, like RankedMap.
  void see_agent(std::uint64_t hash, Second at);
};

/// What logs say of a server's traffic. Bounded by the limits above; adding costs what is added.
struct TrafficFacts {
  SourceTraffic iis, proxy;

  bool empty() const { return iis.empty() && proxy.empty(); }
  /// Whether there was no room for all that the logs together have; what one log lacks by itself is
  /// in SourceTraffic::left_out.
  bool is_cut() const;
  void add(const TrafficFacts& other);
};

/// Two texts as one key, and back. No text of a log's line has a line break.
std::string traffic_key(std::string_view one, std::string_view other);
std::pair<std::string_view, std::string_view> parts_of_key(std::string_view key);

/// The facts of one log, whose path they are given, as octets for the next sweep.
Octets octets_of_traffic(const TrafficFacts& facts);
/// `corrupt` where they are none.
Result<TrafficFacts> traffic_of_octets(OctetView octets, std::string_view path);

}  // namespace postern::exchange
