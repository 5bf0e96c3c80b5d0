// The owner names of a response policy zone: which trigger, of what (RPZ draft §4).
#pragma once

#include <string_view>

#include "base/ip.h"
#include "base/result.h"
#include "dns/name.h"
#include "policy/rule.h"

namespace postern::intel {

struct RpzOwner {
  policy::Trigger trigger = policy::Trigger::qname;
  policy::Scope scope = policy::Scope::exact;
  dns::Name name{};   ///< Of a trigger that has a name, without the "*" of a wildcard.
  IpPrefix prefix{};  ///< Of a trigger that has a prefix.
};

/// What is wrong with an owner and what to do, to be read behind the name. Static text.
using RpzOwnerFault = std::string_view;

/// Reads an owner, given without the zone's own name: "*.bad.example", "24.0.2.0.192.rpz-ip",
/// "128.1.zz.db8.2001.rpz-nsip", "ns.bad.example.rpz-nsdname".
///
/// A prefix is its length and the address from right to left: four decimal numbers, or groups of
/// hexadecimal digits with at most one "zz" for those that are zero. What BIND warns of and takes
/// (zeros in front, zeros written out) is taken; what it refuses is a fault: a length of 0 or
/// over 32 or 128, bits set behind the length, a "zz" that is the eighth group. So are a second
/// "zz" and any other number of groups.
Result<RpzOwner, RpzOwnerFault> read_rpz_owner(const dns::Name& owner);

}  // namespace postern::intel
