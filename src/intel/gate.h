// The gate's judgement: may an update of a feed come into force by itself?
//
// Start at `judge`. What it looks at is found by policy::compare; what it may be is in GateRules.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "dns/name.h"
#include "policy/comparison.h"

namespace postern::intel {

/// What becomes of a feed's updates.
enum class GateMode : std::uint8_t {
  automatic,  ///< In force if nothing speaks against it, else held.
  observe,    ///< Judged and reported, and in force all the same.
  hold,       ///< Each one waits for a person.
  off,        ///< Not judged.
};
std::string_view to_string(GateMode mode);

/// Why an update is held.
enum class GateReason : std::uint8_t {
  own_domain,      ///< It blocks a domain of the organisation's.
  partner_domain,  ///< The same for a partner's.
  public_suffix,   ///< It has a rule on everybody's name: "com".
  shared_hosting,  ///< It blocks all that many parties have below one name: "sharepoint.com"; or
                   ///< "hopto.org", where some of that is used here.
  own_network,     ///< It blocks answers with addresses of the organisation's.
  wide_network,    ///< It blocks answers with any of more than a million addresses.
  client_rules,    ///< It has rules on clients, who are not for others to choose.
  top_names,       ///< It blocks too many of the names that are used most here.
  clients,         ///< It blocks a name that too many clients use.
  queries,         ///< It blocks too large a part of what is asked.
  shrunk,          ///< Too many of its rules are gone.
  grown,           ///< It has many times the rules that it had.
  by_hand,         ///< GateMode::hold.
  rolled_back,     ///< It was in force, and a person took it back.
  block_rate,      ///< It was in force, and a group had far more, or less, blocked than ever.
};
/// "own_domain", …: for programs.
std::string_view to_string(GateReason reason);

struct GateFinding {
  GateReason reason{};
  std::string text;  ///< A clause for people: "blocks your own domain …".
};

struct GateRules {
  std::vector<dns::Name> own_domains{};
  std::vector<dns::Name> partner_domains{};
  std::vector<IpPrefix> own_networks{};    ///< Of servers of one's own, as answers have them.
  std::uint32_t top_names = 1000;          ///< The most used names, of which
  std::uint32_t max_top_names = 10;        ///< so many may be newly blocked.
  std::uint32_t max_clients_percent = 20;  ///< One name's, of all clients.
  std::uint32_t max_queries_percent = 5;   ///< Of all for names that exist.
  std::uint32_t max_shrink_percent = 40;   ///< Of a list with kLongList rules or more.
  std::uint32_t max_growth = 10;           ///< Held from so many times the rules on.
};

/// From so many rules on a list does not lose or gain many of them in a day.
inline constexpr std::uint64_t kLongList = 1000;

/// How many rules a feed had and has.
struct SizeChange {
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  /// Its owner edits it himself: only a long list that loses nine tenths is taken for a mistake.
  bool is_local = false;
};

/// What speaks against so many rules: of up to 19 any change is believed, a list of under kLongList
/// may lose nine tenths, others what GateRules says.
std::optional<GateFinding> size_fault(const SizeChange& sizes, const GateRules& rules);

/// Collects what is wrong with single rules that are new. One for each zone.
class RuleInspection {
 public:
  explicit RuleInspection(const GateRules& rules) : rules_(&rules) {}

  /// For ComparisonOptions::on_added. Rules on `zone.forced` are meant. About 300 ns.
  void look(const policy::ZoneOptions& zone, const policy::Rule& rule);
  /// For ComparisonOptions::on_blocked.
  void look_at_use(const policy::Rule& rule);
  std::vector<GateFinding> findings() const;

 private:
  static constexpr std::size_t kShown = 5;
  static constexpr std::size_t kMaxSuffixes = 10'000;  ///< More than there are.
  struct Faults {
    std::uint64_t count = 0;
    std::vector<std::string> first;
  };
  void look_at_prefix(const policy::Rule& rule);
  void add(GateReason reason, const policy::Rule& rule, const dns::Name* domain = nullptr);

  const GateRules* rules_;
  std::array<Faults, 7> faults_;  // own_domain to client_rules.
  std::set<dns::Name> suffixes_;  // With rules on all below them, and not seen in use so far.
};

/// What the names that are asked for say against a change. Parts of all queries and clients count
/// only from kFewQueries queries and kFewClients clients on: before, they mean nothing.
std::vector<GateFinding> traffic_faults(const policy::ZoneChange& change,
                                        const policy::Comparison& all, const GateRules& rules);
inline constexpr std::uint64_t kFewQueries = 1000;
inline constexpr std::uint32_t kFewClients = 5;
/// A name that fewer clients use is nobody's daily work, however few clients there are.
inline constexpr std::uint32_t kFewUsers = 3;

}  // namespace postern::intel
