// Explain: why a name is answered as it is for a client, step by step.
#pragma once

#include <optional>
#include <string>

#include "base/ip.h"
#include "dns/name.h"
#include "event/query.h"
#include "policy/in_force.h"

namespace postern::api {

struct ExplainQuestion {
  dns::Name name;
  WallTime now{};                     ///< Exceptions end, and indicators age.
  dns::RRType type = dns::RRType::a;  ///< Shown; rules match names, whatever the type.
  std::optional<IpAddress> client;    ///< Unset: the default group.
  /// What became of such a query. The policy knows only the name that is asked; this knows where
  /// its answer led.
  std::optional<event::Query> record{};
  bool by_trace = false;           ///< `record` is what is asked about, and set.
  std::string why_no_record = "";  ///< A sentence, where there is no `record`.
  /// What the generation is, where it is not the one in force: ends a sentence.
  std::string about_generation = "";
};

/// The decision of what is in force, and what became of the record, as a JSON object: schema
/// Explanation in docs/reference/openapi.yaml.
std::string explain_json(const policy::InForce& in_force, const ExplainQuestion& question);

}  // namespace postern::api
