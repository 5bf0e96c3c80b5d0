// Rules on rows, whoever wrote them: our own pack, or Sigma.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exchange/condition.h"
#include "exchange/finding.h"

namespace postern::exchange {

/// A set of sources: bit n is Source n.
using SourceSet = std::uint8_t;

constexpr SourceSet set_of(Source source) {
  return static_cast<SourceSet>(1U << static_cast<unsigned>(source));
}
constexpr bool has(SourceSet set, Source source) {
  return (set & set_of(source)) != 0;
}

/// What a rule says of a row, the first whose condition holds.
struct Grade {
  Tier tier{};
  int confidence = 0;
  std::optional<Condition> when;  ///< Nothing: always.
};

/// What makes a finding surer.
struct Addition {
  int confidence = 0;
  Condition when;
};

/// Something of the row that a person wants to see.
struct Shown {
  std::string name;
  FieldIndex field = 0;
  std::optional<Regex> part;  ///< Only what this finds; nothing where it does not.
};

/// A row that the rule must hit or miss, to be tried by tests.
struct Example {
  Source source{};
  bool hit = true;
  std::optional<Tier> tier;  ///< As which it must be hit, where that is said.
  std::vector<Detail> values;
  std::size_t line = 0;  ///< Of the pack.
};

struct RowRule {
  std::string id;
  std::string title;
  SourceSet sources = 0;
  Condition when;
  std::vector<Grade> grades;  ///< None holds: no hit.
  std::vector<Addition> additions;
  std::vector<std::string> attack;
  std::vector<std::string> cve;
  std::optional<FieldIndex> actor;
  std::vector<Shown> shown;
  std::string author;  ///< Of a rule that is somebody else's.
  std::vector<Example> examples;
};

/// Rules, and the fields that they ask for.
struct RuleBook {
  /// More are refused by whoever reads them.
  static constexpr std::size_t kMaxRules = 5'000;

  Fields fields;
  std::vector<RowRule> rules;
};

}  // namespace postern::exchange
