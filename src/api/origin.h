// Who a browser really speaks for: checks against DNS rebinding and cross-site requests.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/request.h"
#include "base/ip.h"

namespace postern::api {

/// True where a Host header names this console: "localhost", a loopback address, the address it
/// listens on, any address where it listens on all of them, or one of `names` (lower case). A page
/// of a stranger whose name was made to resolve to us sends its own name, and fails. Any port: a
/// forwarded one is fine.
bool host_is_ours(std::string_view host, const std::optional<Endpoint>& listen,
                  std::span<const std::string> names = {});

/// True unless a browser says that another site's page sends this request: an Origin header
/// that is neither our Host's nor https://NAME of one of `names` (a TLS proxy may have put its own
/// Host), or Sec-Fetch-Site of another kind. Programs send neither.
bool origin_is_ours(const Request& request, std::span<const std::string> names = {});

}  // namespace postern::api
