// Explain: why a name is answered as it is for a client, step by step.
#pragma once

#include <optional>
#include <string>

#include "base/ip.h"
#include "dns/name.h"
#include "policy/generation.h"

namespace postern::api {

struct ExplainQuestion {
  dns::Name name;
  dns::RRType type = dns::RRType::a;  ///< Shown; rules match names, whatever the type.
  std::optional<IpAddress> client;    ///< Unset: the default group.
};

/// The decision as a JSON object: schema Explanation in docs/reference/openapi.yaml.
std::string explain_json(const policy::Generation& generation, const ExplainQuestion& question);

}  // namespace postern::api
