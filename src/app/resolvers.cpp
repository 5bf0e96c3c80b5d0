#include "app/resolvers.h"

#include <utility>
#include <vector>

#include "app/wiring.h"
#include "resolve/factory.h"

namespace postern::app {

Result<std::unique_ptr<resolve::Resolver>> make_resolver(const config::Config& config,
                                                         unsigned cores, Log& log) {
  std::vector<resolve::Route> routes;
  if (config.resolver_mode == config::ResolverMode::recurse) {
    auto recursor = POSTERN_TRY(resolve::make_recursor(recursor_options(config, cores), log));
    routes.push_back({.zone = dns::Name(), .resolver = std::move(recursor)});
  }
  for (const config::ForwardZone& zone : config.forward) {
    const resolve::ForwarderOptions options = POSTERN_TRY(forwarder_options(zone));
    auto forwarder = POSTERN_TRY(resolve::make_forwarder(options, log));
    routes.push_back({.zone = zone.zone, .resolver = std::move(forwarder)});
  }
  return resolve::make_router(std::move(routes));
}

}  // namespace postern::app
