// Who did something over the API, and keeping that he did.
#pragma once

#include <string>
#include <string_view>

#include "api/handlers.h"
#include "state/exception_store.h"

namespace postern::api {

/// Who asks, as the audit says it: "postern (uid 105)", "API token from 192.0.2.7".
std::string actor_of(const Call& call);

/// What was done, besides who did it and when.
struct Done {
  std::string_view action{};  ///< "feed rolled back".
  std::string subject{};      ///< "feed ads".
  std::string after{};        ///< A sentence on how it is now; may be empty.
};
/// Puts it on the audit and into the log; where the audit cannot be written, the log says that too:
/// what was done is done.
void keep_deed(const Context& context, const Call& call, const Done& done);

}  // namespace postern::api
