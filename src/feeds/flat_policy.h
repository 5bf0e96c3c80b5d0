// FlatPolicy: all that is in force for a group at a time as one response policy zone
// (draft-vixie-dnsop-dns-rpz) that decides as we do. docs/decisions/0008 says why it is made this
// way.
//
// A name is a node where some rule or exception has it as its owner, or a name below it. For each
// node the policy is asked what it decides on the name, and on one below it of which nothing knows;
// that is what the zone says at "name" and "*.name". So order of zones, ranks, overrides and
// exceptions are all in it, and a wildcard holds wherever it did, also where RFC 4592 would end it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "base/time.h"
#include "dns/name.h"
#include "intel/indicator_ledger.h"
#include "policy/exception_table.h"
#include "policy/generation.h"
#include "policy/in_force.h"

namespace postern::feeds {

/// How a secondary reads wildcards.
enum class Wildcards : std::uint8_t {
  rfc4592,  ///< A name that exists hides those above it: BIND, Unbound.
  longest,  ///< The longest one that matches holds, whatever exists: PowerDNS Recursor.
};

/// All that decides, at one time: neither is null. What holds for single clients alone is not asked
/// for here.
struct PolicyMoment {
  std::shared_ptr<const policy::Generation> generation;
  std::shared_ptr<const policy::ExceptionTable> exceptions;
  WallTime at{};

  policy::InForce in_force() const { return {*generation, *exceptions}; }
  /// The group whose policy is then in force for the one of this name.
  std::optional<std::uint16_t> group_named(std::string_view name) const {
    const auto group = generation->group_named(name);
    return group ? std::optional(in_force().group_at(*group, at)) : std::nullopt;
  }
  policy::Asking asking(std::uint16_t group) const { return {group, std::nullopt, at}; }
};

/// What one zone is made of.
struct FlatPlan {
  dns::Name zone;
  std::string group{};
  Wildcards wildcards = Wildcards::rfc4592;
  dns::Name hidden_label{};  ///< One that no rule of others can have: random, in lower case.
};

/// The nodes of a policy in their order, which is the same for the same rules. Reads from any
/// thread. Made aside in about 1 µs a rule; takes 16 octets a node and the octets of its name, so
/// it is not kept where it is large.
class FlatPolicy {
 public:
  static constexpr std::size_t kMaxOctets = 0xffff'ffff;  ///< Of all names: some 150 M rules.

  /// Errors: `not_found`, there is no such group; `limit_exceeded`.
  static Result<std::shared_ptr<const FlatPolicy>> make(PolicyMoment moment, const FlatPlan& plan);

  std::size_t size() const { return nodes_.size(); }
  std::size_t memory_octets() const;
  /// Where a node stands among those of another FlatPolicy: less, equal or greater than 0.
  int compare(std::size_t index, const FlatPolicy& other, std::size_t other_index) const;

  /// Appends the records of a node to `packed` (packed_record.h); perhaps none. Gives how many of
  /// its rules cannot be said: names that are too long with the zone's name behind them, or that
  /// would mean something else in a policy zone. About 1 µs.
  std::size_t append_records(std::size_t index, Octets& packed) const;

  /// What a plain list of names says of the node: "name", "*.name", both or nothing.
  struct Blocked {
    dns::Name name;
    bool itself = false;
    bool below = false;
  };
  /// Nothing (no name blocked) for nodes that are not of the QNAME trigger.
  Blocked blocked_at(std::size_t index) const;

  /// What is blocked at the node, as others may be told: a name, or a prefix in answers. Nothing
  /// where there is nothing of that kind; what may not be told is added to `withheld`.
  std::optional<intel::BlockedOwner> blocked_owner(std::size_t index, std::size_t& withheld) const;

  /// Whether one zone can say all that the zones say in their order: not where one of them has
  /// rules on answers or servers and others do so too, or a later one has rules that a policy zone
  /// puts first.
  bool is_exact() const { return is_exact_; }

 private:
  struct Node {
    std::uint64_t head;  // The first octets of the key.
    std::uint32_t offset;
    std::uint16_t size;
    policy::Trigger trigger;
  };

  using AncestorSizes = std::array<std::uint16_t, dns::Name::kMaxLabels + 1>;

  FlatPolicy() = default;
  template <class Take, class Done>
  void for_each_owner(Take&& take, Done&& done) const;
  Result<void> collect();
  void note_triggers(const std::vector<std::uint8_t>& triggers_of_zones);
  void sort_nodes();
  std::size_t new_ancestors(std::size_t index, AncestorSizes& sizes) const;
  void add_ancestors();
  OctetView key_of(const Node& node) const { return {&keys_[node.offset], node.size}; }
  int order(const Node& a, const FlatPolicy& other, const Node& b) const;
  bool comes_before(const Node& a, const Node& b) const { return order(a, *this, b) < 0; }

  policy::Verdict decide(policy::Trigger trigger, const dns::Name& name) const;
  policy::Verdict decide_below(policy::Trigger trigger, const dns::Name& name) const;
  std::size_t append_name_records(const Node& node, Octets& packed) const;
  std::size_t append_nothing_said(const Node& node, const dns::Name& name, Octets& packed) const;
  std::size_t append_prefix_records(std::size_t index, Octets& packed) const;
  std::size_t append_verdict(const dns::Name& relative_owner, const policy::Verdict& verdict,
                             Octets& packed) const;
  std::optional<IpAddress> address_of(std::size_t index) const;
  bool may_be_told(const policy::Verdict& verdict, std::size_t& withheld,
                   policy::RuleNote& note) const;
  bool means_something_else(const Node& node, const dns::Name& name) const;

  PolicyMoment moment_;
  std::uint16_t group_ = 0;  // Whose policy is in force then.
  FlatPlan plan_;
  Octets keys_;
  std::vector<Node> nodes_;
  bool is_exact_ = true;
};

}  // namespace postern::feeds
