// Explain: why a name is answered as it is for a client, step by step.
#pragma once

#include <cstdint>
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
  std::optional<IpAddress> client;    ///< Unset, and nothing said: the default group.
  policy::Identity said{};            ///< What a trusted forwarder would say of the client.
  /// What became of such a query. The policy knows only the name that is asked; this knows where
  /// its answer led.
  std::optional<event::Query> record{};
  /// `record` is what is asked about, and set: its group is that of the question.
  bool by_trace = false;
  std::string why_no_record = "";  ///< A sentence, where there is no `record`.
  /// What the generation is, where it is not the one in force: ends a sentence.
  std::string about_generation = "";
};

/// The group that the question is about, whatever the time.
std::uint16_t group_of(const policy::InForce& in_force, const ExplainQuestion& question);

/// The decision of what is in force, and what became of the record, as a JSON object: schema
/// Explanation in docs/reference/openapi.yaml.
std::string explain_json(const policy::InForce& in_force, const ExplainQuestion& question);

}  // namespace postern::api
