// HttpServer: listeners, connections and the live stream, on one thread (and one for journal
// reads). What to answer is the Router's to decide.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/api.h"
#include "api/limits.h"
#include "api/router.h"
#include "base/log.h"

namespace postern::api {

struct HttpOptions {
  std::optional<Endpoint> listen;
  std::string control_socket;  ///< Empty: none.
  HttpLimits limits;
};

class HttpServer {
 public:
  /// Binds, then starts the threads. `router`, `live` and `stats` must outlive it.
  static Result<std::unique_ptr<HttpServer>> start(const HttpOptions& options, Router& router,
                                                   LiveTail& live, Stats& stats);
  virtual ~HttpServer() = default;
  virtual std::optional<Endpoint> endpoint() const = 0;
  /// Closes everything, joins the threads. May be called twice.
  virtual void stop() = 0;
};

}  // namespace postern::api
