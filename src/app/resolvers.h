// The resolver that a configuration describes: for the server, and for commands that ask by
// themselves.
#pragma once

#include <memory>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "resolve/resolver.h"

namespace postern::app {

/// Recursion or forwarding, with the zones that are forwarded elsewhere, behind one table. `cores`
/// stands for a count of threads of 0. `log` must outlive it.
Result<std::unique_ptr<resolve::Resolver>> make_resolver(const config::Config& config,
                                                         unsigned cores, Log& log);

}  // namespace postern::app
