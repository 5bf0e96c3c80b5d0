// Names that no feed may make a rule for, whatever its format.
//
// The minimum that holds always. What needs data or context (public suffixes, popular names,
// the site's own domains) is for the gate that a feed update passes later.
#pragma once

#include <optional>

#include "dns/name.h"
#include "intel/feed_name.h"

namespace postern::intel {

/// Why a rule for `name` is refused: it is the root, or a name that is reserved as a whole
/// (RFC 6761, 6762, 7686, 8375, 9476 and ICANN's "internal"), which the resolver answers itself.
/// Names below the reserved ones are fine.
std::optional<NameFault> refused_as_rule(const dns::Name& name);

}  // namespace postern::intel
