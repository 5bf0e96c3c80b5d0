// GateReport: what an update of a feed would do here, and whether it may. Start at `judge_updates`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "intel/gate.h"
#include "policy/comparison.h"

namespace postern::feeds {

/// An update to be judged.
struct GateSubject {
  std::string feed;
  intel::GateMode mode = intel::GateMode::automatic;
  intel::SizeChange sizes{};
  bool sizes_only = false;   ///< Its owner edits it himself: nothing else is looked at.
  bool is_any_size = false;  ///< The operator says that it is meant to have so many rules.
};

struct GateReport {
  std::string feed;
  bool is_held = false;  ///< Else it came into force, or would.
  WallTime at{};
  std::vector<intel::GateFinding> findings;
  intel::SizeChange sizes{};
  policy::ZoneChange change;
  policy::Comparison history;  ///< Its zones are left out.
  microseconds took{};
};

/// Judges all of them at once: `after` differs from `before` by these feeds' rules alone. `traffic`
/// may be empty. Of 1 M rules and 200,000 names: 1 s.
std::vector<GateReport> judge_updates(const policy::Generation& before,
                                      const policy::Generation& after,
                                      const policy::Traffic& traffic,
                                      const std::vector<GateSubject>& subjects,
                                      const intel::GateRules& rules);

/// As docs/reference/openapi.yaml has it (GateReport), on one line.
std::string to_json(const GateReport& report);

}  // namespace postern::feeds
