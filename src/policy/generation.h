// The generation: all rules of all zones, compiled, immutable; and the decision on it.
//
// Start at Generation::decide. Built aside (`build_image`, then `create`), published whole through
// Published<Generation>, read by every worker at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/mac.h"
#include "base/result.h"
#include "base/time.h"
#include "dns/name.h"
#include "policy/client_id.h"
#include "policy/rule.h"
#include "policy/rule_image.h"
#include "policy/schedule.h"

namespace postern::policy {

inline constexpr std::uint16_t kNoZone = 0xffff;

/// A zone to be compiled: its options and its rules.
struct ZoneInput {
  ZoneOptions options{};
  std::shared_ptr<const ZoneRules> rules{};  ///< Null: none (yet).
};

/// Another group's policy in force for a group, as long as a schedule holds.
struct During {
  std::shared_ptr<const Schedule> schedule;
  std::uint16_t group = 0;  ///< Whose policy; it has no clients and no `during`.
};

/// Clients that share a policy.
struct Group {
  std::string name{};
  std::vector<IpPrefix> clients{};      ///< The longest prefix over all groups decides.
  std::vector<MacAddress> devices{};    ///< In it whatever their address; before all prefixes.
  std::vector<ClientId> client_ids{};   ///< The same, before all devices.
  std::vector<std::uint16_t> zones{};   ///< Indices into the generation's zones, first one first.
  std::optional<BlockAnswer> answer{};  ///< Instead of each zone's own.
  std::string tenant{};                 ///< Whose group it is; "" where it is nobody's.
  std::vector<During> during{};         ///< The first that holds counts.
  /// Of the policy of some hours: "kids/bedtime", the group and the schedule. Its name is the
  /// group's.
  std::string hours{};
};

struct PolicyInput {
  std::uint64_t number = 0;    ///< The generation's number; grows by one at each build.
  std::uint64_t hash_key = 0;  ///< Secret and random per process, against chosen collisions.
  WallTime built_at{};
  std::vector<ZoneInput> zones;  ///< At most 1024.
  std::vector<Group> groups;     ///< groups[0] is the default for clients in no prefix.
};

/// Where the rules of a zone are: in which of a generation's images, as which of its zones.
struct ImagePlace {
  std::uint16_t image = 0;
  std::uint16_t zone = kNoZone;  ///< kNoZone: there are none (yet).

  bool is_there() const { return zone != kNoZone; }
  bool operator==(const ImagePlace&) const = default;
};

/// What a generation is beside its rules: who they are for, and how they are carried out.
struct PolicyFrame {
  std::uint64_t number = 0;
  WallTime built_at{};
  std::vector<ZoneOptions> zones;  ///< At most 1024.
  /// By zone, where its rules are. Those of an image that are nobody's are not in force.
  std::vector<ImagePlace> rules_at;
  std::vector<Group> groups;  ///< As in PolicyInput.
  /// So many zones, the last ones, are what one group has first, in the place of one before them.
  std::uint16_t canaries = 0;
};

/// Why zones that say so have no say in a query.
struct Exemption {
  bool without_recursion = false;  ///< RD=0: not the zones with `ZoneOptions::recursive_only`.
  bool is_signed = false;          ///< DO=1, and the answer has signatures: not those without
                                   ///< `ZoneOptions::break_dnssec`.

  bool any() const { return without_recursion || is_signed; }
};

/// What was decided. Pointers are into the generation that gave it.
struct Verdict {
  bool matched = false;          ///< Some rule of the group's zones decided.
  Action action = Action::pass;  ///< Meaningful if matched.
  std::uint16_t zone = kNoZone;
  std::uint32_t entry = 0;  ///< Of a rule with a name: where its owner stands in its table.
  std::uint32_t rule = 0;   ///< Where it stands in its trigger's table.
  Trigger trigger = Trigger::qname;
  std::uint8_t matched_labels = 0;  ///< Of a rule with a name: its owner's, a suffix of the name.
  Scope scope = Scope::exact;       ///< The rule's.
  bool log_only = false;            ///< Decided, but by a zone that only logs: answer as if not.
  /// Where it stands among all that may match one query and its answer: the least one decides.
  std::uint64_t order = ~std::uint64_t{0};

  /// Whether this decides where `other` is the verdict on another part of the same step.
  bool precedes(const Verdict& other) const { return order < other.order; }

  bool blocks() const { return matched && action != Action::pass && !log_only; }
  bool allows() const { return matched && action == Action::pass && !log_only; }
};

/// One matching rule, for `explain`.
struct Match {
  std::uint16_t zone = kNoZone;
  std::uint32_t line = 0;
  Action action = Action::pass;
  Scope scope = Scope::exact;
  Rank rank = Rank::normal;
  Trigger trigger = Trigger::qname;
  dns::Name owner{};      ///< Of a rule with a name.
  IpPrefix prefix{};      ///< Of a rule with a prefix.
  bool in_group = false;  ///< The zone is in force for the group asked about.
  bool is_valid = true;   ///< Its note lets it decide in this generation.
  bool winner = false;
  std::optional<RuleNote> note{};  ///< What is known of it, if anything.
};

/// What to answer for a verdict that blocks, the group's wishes applied.
struct BlockPlan {
  Action action = Action::nxdomain;  ///< Never `pass`, nor `block` (resolved to `answer`).
  /// The rule said `block`: answer with `answer`. `action` then says the same as far as it can;
  /// for null_address and sinkhole it is local_data, with no `local_data`.
  bool use_block_answer = false;
  BlockAnswer answer = BlockAnswer::nxdomain;
  const ZoneOptions* zone = nullptr;
  std::vector<LocalRecord> local_data{};  ///< For Action::local_data.
  const ZoneSoa* soa = nullptr;           ///< Of a policy zone that has one.
};

/// What `Action::block` of a zone comes to for a group.
BlockPlan block_plan(const ZoneOptions& zone, const Group& group);

class Generation {
 public:
  using Images = std::vector<std::shared_ptr<const RuleImage>>;

  /// The rules of images, framed: one image or, so that a zone that has changed need not be built
  /// together with all others, a few (kMaxImages). `frame.rules_at` has as many items as
  /// `frame.zones`, none twice. Errors: a limit (policy/limits.h), no group, a group that names a
  /// zone that is not there, clients that are in two groups.
  static Result<std::shared_ptr<const Generation>> create(PolicyFrame frame, Images images);
  /// Builds an image in memory and frames it. Nothing of the input is kept.
  static Result<std::shared_ptr<const Generation>> compile(PolicyInput input);
  /// No zones, one default group: passes everything.
  static std::shared_ptr<const Generation> empty();

  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  std::uint64_t number() const;
  /// Rules decide as their notes say for this time.
  WallTime built_at() const;
  /// When some rule begins or ceases to hold: then a generation of that time decides otherwise.
  std::optional<WallTime> next_change() const;
  std::size_t rule_count() const;     ///< Without those that one group has first.
  std::size_t memory_octets() const;  ///< Of the images and of what is kept beside it.

  std::size_t zone_count() const;
  const ZoneOptions& zone(std::uint16_t index) const;
  const Images& images() const;
  /// Where its rules are.
  ImagePlace rules_at(std::uint16_t index) const;
  /// Every rule of a zone, in no particular order; with its local data where it has some.
  void for_each_rule(
      std::uint16_t zone,
      const std::function<void(const Rule&, std::span<const LocalRecord>)>& take) const;
  const std::vector<Group>& groups() const;

  /// The group of a client: the longest matching prefix, or 0.
  std::uint16_t group_of(const IpAddress& client) const;
  /// The group that has the device; nothing where none has. Never allocates.
  std::optional<std::uint16_t> group_of(const MacAddress& device) const;
  /// The same of what a client is called.
  std::optional<std::uint16_t> group_of(const ClientId& id) const;
  /// Whether any group has devices: else there is no need to know them.
  bool has_devices() const;
  std::optional<std::uint16_t> group_named(std::string_view name) const;

  /// The decision on a name asked for, for one group. Zones in the group's order; in a zone, rank,
  /// then exact over wildcard, then the longest owner. A log-only zone's match is reported only
  /// if no later zone decides. Exact: a hash hit is verified against the name. Never allocates.
  Verdict decide(std::uint16_t group, const dns::Name& name, Exemption exemption = {}) const;

  /// The decision on an address, for a trigger that has a prefix: zones in order, then the
  /// longest prefix (an IPv4 one counts as 96 longer). Of several addresses that of the least
  /// `Verdict::order` counts: of equally long prefixes the smaller one (RPZ draft §5.6, §5.7).
  Verdict decide(std::uint16_t group, Trigger trigger, const IpAddress& address,
                 Exemption exemption = {}) const;
  /// The decision on the names of servers: zones in order, then the rule whose owner comes first
  /// in the canonical order of names (RPZ draft §5.5).
  Verdict decide_servers(std::uint16_t group, std::span<const dns::Name> servers,
                         Exemption exemption = {}) const;

  /// Whether a rule of this trigger may decide over `verdict`: some zone has such rules and comes
  /// before the one that decided. So: whether its facts are needed at all.
  bool may_precede(std::uint16_t group, Trigger trigger, const Verdict& verdict) const;
  /// The same for nsdname and nsip, of zones for which a query waits until the facts are known.
  bool may_precede_once_known(std::uint16_t group, Trigger trigger, const Verdict& verdict) const;
  /// Whether some zone in force for the group leaves signed answers alone (`break_dnssec`).
  bool leaves_signed_answers(std::uint16_t group) const;

  /// Every rule of a trigger with names (asked for, or of a server) that matches the name, in every
  /// zone, in force for the group or not; the one that `decide` would choose is marked.
  std::vector<Match> explain(std::uint16_t group, const dns::Name& name,
                             Trigger trigger = Trigger::qname) const;
  /// The same for a trigger that has a prefix.
  std::vector<Match> explain(std::uint16_t group, Trigger trigger, const IpAddress& address) const;

  /// The rule that decided; its `data` means nothing. `verdict.matched` must hold, here and below.
  Rule rule(const Verdict& verdict) const;
  /// Where it stands in its source.
  std::uint32_t line(const Verdict& verdict) const;

  /// What is known of it; null: nothing.
  const RuleNote* note(const Verdict& verdict) const;
  /// Who may be told of it: the strictest of its own marking and its zone's.
  Sharing sharing(const Verdict& verdict) const;

  /// `verdict.blocks()` must hold and come from this generation and group.
  BlockPlan plan(std::uint16_t group, const Verdict& verdict) const;

  /// "bad.example", "*.bad.example", "bad.example and below", "192.0.2.0/24": what the rule is
  /// for as a person would write it.
  std::string rule_text(const Verdict& verdict) const;
  static std::string rule_text(const Match& match);

 private:
  struct Impl;
  explicit Generation(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::policy
