// For tests: what the rules find in a row that is written down as an example.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "exchange/judge.h"
#include "exchange/rule_pack.h"

namespace postern::exchange {

/// What was found, of a hit that is gone.
struct Found {
  std::string rule;
  Tier tier{};
  int confidence = 0;
  Finding finding;
};

class FoundList final : public HitSink {
 public:
  void on_hit(const Hit& hit) override {
    found.push_back({hit.rule->id, hit.tier, hit.confidence, finding_of(hit, "log")});
  }
  std::vector<Found> found;
};

/// The rules over a whole log.
inline std::vector<Found> found_in_log(const RuleSet& rules, LogKind kind, std::string_view text,
                                       const Surroundings& surroundings) {
  FoundList list;
  auto judge = RowJudge::make(rules, surroundings, list);
  POSTERN_ASSERT(judge.has_value());
  LogReader reader(kind, **judge);
  reader.feed(octets_of(text));
  reader.finish();
  return std::move(list.found);
}

/// The rules over an example: by way of the log that it would be.
inline std::vector<Found> found_in(const RuleSet& rules, const Example& example) {
  const Surroundings surroundings;
  if (example.source != Source::event) {
    const ExampleLog log = log_of(example);
    return found_in_log(rules, log.kind, log.text, surroundings);
  }
  FoundList list;
  auto judge = RowJudge::make(rules, surroundings, list);
  POSTERN_ASSERT(judge.has_value());
  const Schema schema = schema_of(example);
  std::vector<std::string_view> values;
  for (const Detail& value : example.values) values.push_back(value.value);
  Row row;
  row.schema = &schema;
  row.values = values;
  (*judge)->on_row(row);
  return std::move(list.found);
}

}  // namespace postern::exchange
