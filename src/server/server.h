// Server: the life of a query. N workers that share nothing answer on UDP and TCP.
//
// Start at Server::start; handler.h decides, worker.cpp does the I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/ip.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/published.h"
#include "base/result.h"
#include "cache/cache.h"
#include "event/query.h"
#include "policy/device_table.h"
#include "policy/exception_table.h"
#include "policy/generation.h"
#include "resolve/resolver.h"
#include "server/structured_error.h"
#include "server/zone_service.h"

namespace postern::server {

/// What may change at a reload, published whole.
struct Settings {
  /// Whose word is taken on who asks: forwarders that say it in EDNS options (server/identity.h).
  std::vector<IpPrefix> identity_from;
  std::vector<IpPrefix> access_allow;   ///< Who may ask; all others are REFUSED (EDE 18).
  std::uint32_t udp_max_octets = 1232;  ///< Largest UDP answer (RFC 9715).
  std::uint32_t answer_deadline_ms = 4000;
  std::uint32_t stale_after_ms = 1800;
  std::uint32_t min_ns_dots = 1;  ///< Servers of names with fewer dots are not looked at.
  StructuredErrorForm structured_error;
};

struct Options {
  std::vector<Endpoint> listen;  ///< Port 0: any free one (see `endpoints`).
  unsigned workers = 1;
  std::uint32_t tcp_max_connections = 1000;  ///< Per worker.
  std::uint32_t tcp_max_pipelined = 100;     ///< Unanswered queries per connection.
  std::uint32_t tcp_idle_timeout_ms = 10'000;
  cache::Options cache;    ///< Per worker.
  std::uint64_t seed = 0;  ///< For trace ids.
};

/// What a Server works with. All of it must outlive the Server.
struct Surroundings {
  const Published<Settings>& settings;
  const Published<policy::Generation>& policy;
  resolve::Resolver& resolver;
  event::QuerySink& sink;  ///< `record` is called by every worker, on its thread.
  Log& log;
  ZoneService* zones = nullptr;  ///< Null: there are no zones of ours.
  const Published<policy::ExceptionTable>* exceptions = nullptr;  ///< Null: there are none.
  const Published<policy::DeviceTable>* devices = nullptr;        ///< The same.
};

/// All members may be called from any thread.
class Server {
 public:
  /// Binds every endpoint, then starts the workers. `sink.record` is called by every worker.
  /// Everything passed by reference must outlive the Server.
  static Result<std::unique_ptr<Server>> start(const Options& options,
                                               const Surroundings& surroundings);
  virtual ~Server() = default;
  /// Where it listens, ports filled in: for each of `Options::listen`.
  virtual std::vector<Endpoint> endpoints() const = 0;
  virtual void clear_caches() = 0;
  virtual void collect(Metrics& metrics) const = 0;
  /// Stops taking queries, answers what is under way for up to a second, joins the workers.
  virtual void stop() = 0;
};

}  // namespace postern::server
