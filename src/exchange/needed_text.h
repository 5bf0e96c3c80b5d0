// What must stand in a row's text for a condition to hold: so that most rows need not be asked.
#pragma once

#include <string>
#include <vector>

#include "exchange/condition.h"

namespace postern::exchange {

/// One of these must be in the text: patterns of Hyperscan, letters without case. Each was made so
/// that no way in which a log writes a value can hide it.
struct NeededText {
  std::vector<std::string> patterns;
  std::size_t letters = 0;  ///< Of the shortest: the more, the rarer.
};

/// How many of them a rule is tried by.
inline constexpr std::size_t kMaxNeeded = 3;

/// Every one of them must be met, else the condition cannot hold. At most kMaxNeeded, the rarest;
/// none where nothing can be told.
std::vector<NeededText> needed_text(const Condition& condition, const Fields& fields);

/// The pattern of an escape that hides a letter, a digit or one of "-._", or another escape: a text
/// that is looked for in decoded values is in the row's text, or this is.
std::string hiding_escape();

}  // namespace postern::exchange
