// Since when each rule of a list is in it: found by comparing a new copy with the one before.
#pragma once

#include <cstdint>
#include <optional>

#include "policy/rule.h"
#include "policy/rule_image.h"

namespace postern::policy {

/// The copy before, where it is held.
struct CopyBefore {
  const RuleImage& image;
  std::uint16_t zone = 0;
};

/// Dates those rules of a new copy that their publisher does not: a rule that the copy before had,
/// saying the same, keeps its time; each other one has `now_s`. So does all of a first copy. Most
/// rules of a list came with the first one: that time is the list's (ZoneRules::since_s) and costs
/// them nothing; the others have a note, one for each update. Rules with local data have none, and
/// count as of the first copy. 1 M rules: 0.3 s of CPU.
void date_rules(ZoneRules& rules, const std::optional<CopyBefore>& before, std::uint32_t now_s);

}  // namespace postern::policy
