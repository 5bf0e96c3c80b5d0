// What somebody wants to be excepted, as JSON says it.
#pragma once

#include <string>

#include "base/result.h"
#include "policy/generation.h"
#include "state/exception_store.h"

namespace postern::api {

/// Reads the body of POST /api/v1/exceptions (docs/reference/openapi.yaml). Groups and tenants must
/// be those of the generation. Errors (`invalid_input`) name the member and what it takes; what
/// only the store can tell, it tells.
Result<state::ExceptionWish> wish_from_json(const std::string& text,
                                            const policy::Generation& generation);

}  // namespace postern::api
