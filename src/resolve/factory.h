// Makes the resolvers. Only `app` calls this; everybody else knows resolver.h alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "dns/name.h"
#include "net/dns_server.h"
#include "resolve/resolver.h"

namespace postern::resolve {

struct RecursorOptions {
  unsigned threads = 1;
  bool dnssec = true;
  std::vector<std::string> trust_anchor_files;  ///< Empty: the root's built-in anchors.
  std::string root_hints_file;                  ///< Empty: libunbound's own hints.
  /// For tests against servers on loopback. Authorities are always asked on port 53: libunbound
  /// knows no other for them.
  bool query_localhost = false;
  std::vector<dns::Name> insecure;      ///< Domains that are not validated.
  std::uint32_t queue_capacity = 8192;  ///< Requests waiting per thread.
};
/// Recursion by libunbound's event API, one context per thread, routed by the hash of the name.
Result<std::unique_ptr<Resolver>> make_recursor(const RecursorOptions& options, Log& log);

/// A server that questions are forwarded to.
using Upstream = net::DnsServer;

struct ForwarderOptions {
  std::vector<Upstream> servers;       ///< Tried by health, then in order.
  std::uint32_t try_timeout_ms = 800;  ///< For one try of one server.
  std::uint32_t queue_capacity = 8192;
  bool trust_ad = false;  ///< Take the servers' AD for validated: only for servers
                          ///< and paths under the operator's control (RFC 4035 §4.9.3).
};
/// A client of other resolvers, on one thread of its own.
Result<std::unique_ptr<Resolver>> make_forwarder(const ForwarderOptions& options, Log& log);

struct Route {
  dns::Name zone;
  std::unique_ptr<Resolver> resolver;
};
/// Sends a question to the resolver of the longest zone that holds it. Special-use names
/// (RFC 6761, 6303, 7686, 8375, …) without a route of their own are answered on the spot.
/// `routes` must hold the root.
std::unique_ptr<Resolver> make_router(std::vector<Route> routes);

}  // namespace postern::resolve
