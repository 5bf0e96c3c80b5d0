// Comparison: what another generation would have meant for the names that clients asked for, and
// which of its rules are new. A pure function of both and of the names: nothing is asked anew.
//
// Start at `compare`.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "dns/name.h"
#include "policy/client_sketch.h"
#include "policy/generation.h"

namespace postern::policy {

/// A name that clients asked for.
struct AskedName {
  dns::Name name;
  std::uint32_t groups = 0;  ///< Bit i: by clients of Traffic::groups[i].
  std::uint32_t queries = 0;
  ClientSketch clients;
  bool is_answered = false;                   ///< It exists: some query for it had an answer.
  std::span<const dns::Name> led_to = {};     ///< Where its last answer went on, the nearest first.
  std::span<const IpAddress> addresses = {};  ///< Of its last answers.
};

/// What clients asked for, however it is kept.
struct Traffic {
  std::vector<std::string> groups;  ///< By name; at most 32.
  /// Calls `take` with each name once; the same ones at each call.
  std::function<void(const std::function<void(const AskedName&)>& take)> for_each =
      [](const std::function<void(const AskedName&)>&) {};
};

/// A name whose verdict would be another.
struct ChangedName {
  dns::Name name;
  std::uint32_t queries = 0;
  std::uint32_t clients = 0;
  std::uint32_t rank = 0;  ///< Among the names asked for that exist, by clients, then queries; 0:
                           ///< it is not among them.
  std::string zone;        ///< Whose rule blocks it, or did.
  std::string rule;        ///< As Generation::rule_text says.
  std::string through;     ///< The name or address of its answer that the rule matches, if one.
  std::uint32_t line = 0;  ///< Of that rule.
};

/// Names whose verdict changes in one direction.
struct Effect {
  std::uint64_t names = 0;
  std::uint64_t queries = 0;
  std::uint32_t clients = 0;       ///< At least so many.
  std::uint64_t names_in_use = 0;  ///< Of the names, those that exist.
  std::uint64_t queries_in_use = 0;
  std::uint64_t top_names = 0;  ///< Of these, those that rank in the first ComparisonOptions::top.
  /// The most used ones, best rank first.
  std::vector<ChangedName> examples;
};

/// What changes by one zone's rules.
struct ZoneChange {
  std::string zone;
  std::uint64_t rules_before = 0;
  std::uint64_t rules_after = 0;
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  std::vector<std::string> added_rules;  ///< The first ones, as rules are written for people.
  std::vector<std::string> removed_rules;
  Effect blocked;   ///< Names that would be blocked and were not.
  Effect released;  ///< The other way round.
  /// Of `blocked`, the one that the largest part of the clients used; by clients, then queries.
  ChangedName most_used;
};

struct Comparison {
  std::vector<ZoneChange> zones;  ///< Those asked about, in that order.
  std::uint64_t names = 0;        ///< That were asked for.
  std::uint64_t names_in_use = 0;
  std::uint64_t queries = 0;
  std::uint64_t queries_in_use = 0;  ///< For names that exist.
  std::uint32_t clients = 0;         ///< At least so many.
};

struct ComparisonOptions {
  std::vector<std::string> zones;  ///< Whose rules have changed: by name.
  std::uint32_t top = 1000;        ///< Names of rank 1 to this are the site's most used.
  std::size_t examples = 20;       ///< Kept of each Effect.
  std::size_t rules = 200;         ///< Kept of the rules added, and of those removed.
  /// Called with each rule that `after` has and `before` has not; `data` means nothing.
  std::function<void(const ZoneOptions& zone, const Rule& rule)> on_added = {};
  /// Called after that, for each name that exists and would be newly blocked, with the name of the
  /// zone that it counts for and the rule that decides.
  std::function<void(const std::string& zone, const Rule& rule)> on_blocked = {};
};

/// A name counts for the zone whose rule decides it in `after`, if that is one of those asked
/// about, else for the one that did in `before`; a change that neither brought about counts for
/// none. For a zone of votes answer those asked about that vote on it or raise doubts, each of
/// them. A group's policies of some hours count like its own, by their `Group::hours`. A rule with
/// other records counts as removed and added. A name is judged as a query for it is: by itself,
/// then by the names that its last answer led to, and by that one's addresses (AskedName). What
/// rules on clients and servers would do is not known from that, and not told. Zones that only log
/// change no verdict. Of 1 M rules and 200,000 names: 1 s of CPU.
Comparison compare(const Generation& before, const Generation& after, const Traffic& traffic,
                   const ComparisonOptions& options);

}  // namespace postern::policy
