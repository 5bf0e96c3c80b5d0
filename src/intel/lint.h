// Names and prefixes that no feed may make a rule for, whatever its format, unless it is forced to.
//
// Of a feed whose updates the gate judges (gate.h) only the minimum that holds always: what is
// wrong with the rest the gate says of the update as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ip.h"
#include "dns/name.h"
#include "intel/feed_name.h"
#include "intel/format.h"
#include "policy/rule.h"

namespace postern::intel {

/// Why a rule for `name` is refused: it is the root, or a name that is reserved as a whole
/// (RFC 6761, 6762, 7686, 8375, 9476 and ICANN's "internal"), which the resolver answers itself.
/// Names below the reserved ones are fine.
std::optional<NameFault> refused_as_rule(const dns::Name& name);

/// Why a rule that blocks `name` is refused by what `lint` knows: it stands for all below a public
/// suffix or a top-level domain itself, or it hits a domain of the organisation's. About 200 ns
/// where it stands for names below.
std::optional<NameFault> refused_as_block(const dns::Name& name, policy::Scope scope,
                                          const LintOptions& lint);

/// Why a rule for a prefix is refused.
enum class PrefixFault : std::uint8_t {
  every_address,  ///< Of length 0.
  too_wide,       ///< A rule that blocks answers by more addresses than one owner can have.
};

/// What is wrong and what to do, to be read behind the prefix.
std::string_view advice(PrefixFault fault);

/// The widest prefixes that registries hand out: a rule for a wider one is a mistake.
inline constexpr unsigned kMinV4Length = 8;
inline constexpr unsigned kMinV6Length = 19;

/// Why a rule for `prefix` is refused. Every trigger: length 0. response_ip and nsip, unless they
/// let pass: shorter than kMinV4Length or kMinV6Length, where public servers can be (below
/// 224.0.0.0/3, in 2000::/3). Private, loopback and link-local prefixes are fine: policy zones
/// list them so that no name of others leads into the own network.
std::optional<PrefixFault> refused_as_rule(const IpPrefix& prefix, policy::Trigger trigger,
                                           policy::Action action);

}  // namespace postern::intel
