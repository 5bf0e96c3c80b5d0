// The tally: what a zone of votes blocks, of the rules of the zones that vote.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/time.h"
#include "policy/rule.h"

namespace postern::policy {

/// Who votes on what, and when.
struct Ballot {
  const Votes& votes;
  std::span<const ZoneRules* const> voters;  ///< The rules of `votes.zones`, in their order.
  std::span<const ZoneRules* const> doubts;  ///< The rules of `votes.doubts`.
  WallTime now{};
};

/// The rules of the zone: names, and prefixes in answers, that enough voters block at that time. A
/// voter has one vote on a name, whichever of its rules covers it; none where it lets the name
/// pass. Where votes will be too few, since they age or their rules end, the rule ends then. A name
/// that has too few votes below one that has enough is a `pass` rule: for a zone whose
/// `pass_is_own` is set. Rules on clients and on servers do not vote, nor rules that are not valid
/// yet.
///
/// Compiles the voters' rules aside, and costs some microseconds for each of them. Errors: as
/// `build_image`.
Result<ZoneRules> tally(const Ballot& ballot);

}  // namespace postern::policy
