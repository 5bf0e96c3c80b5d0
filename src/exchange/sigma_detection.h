// The detection of a Sigma rule: its selections, and the condition that joins them.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "exchange/condition.h"
#include "exchange/sigma_source.h"
#include "exchange/yaml_tree.h"

namespace postern::exchange {

/// What the joined conditions of one rule may add up to.
inline constexpr std::size_t kMaxSigmaNodes = 20'000;

/// Selections by name.
using SigmaSelections = std::map<std::string, Condition, std::less<>>;

/// What a rule's selections are read with.
struct SigmaContext {
  const SigmaSource& source;
  const SigmaOptions& options;
  Fields& fields;
};

/// Errors say "line N: what".
Result<Condition> sigma_selection(const YamlNode& node, const SigmaContext& context);

/// "a and not 1 of b_*". An error says what is wrong, without a line.
Result<Condition> sigma_condition(std::string_view text, const SigmaSelections& selections);

}  // namespace postern::exchange
