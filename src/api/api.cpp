#include "api/api.h"

#include <chrono>

#include "api/http_server.h"

namespace postern::api {
namespace {

class RunningApi final : public Api {
 public:
  RunningApi(const Options& options, Services services, Token token, LiveTail& live, Log& log)
      : services_(std::move(services)),
        auth_(std::move(token), options.token_file),
        router_({.services = services_,
                 .auth = auth_,
                 .stats = stats_,
                 .live = live,
                 .log = log,
                 .started_at = std::chrono::floor<microseconds>(std::chrono::system_clock::now())},
                std::nullopt, options.hosts),
        live_(live) {}

  Result<void> listen(const Options& options) {
    HttpOptions http;
    http.listen = options.listen;
    http.control_socket = options.control_socket;
    server_ = POSTERN_TRY(HttpServer::start(http, router_, live_, stats_));
    return {};
  }

  /// The token becomes the one of this installation.
  Result<void> keep(const std::string& token_file, const Token& token) {
    POSTERN_CHECK(keep_token(token_file, token));
    first_run_token_ = token.fresh;
    return {};
  }

  std::optional<std::string> first_run_token() const override { return first_run_token_; }
  std::optional<Endpoint> endpoint() const override { return server_->endpoint(); }
  void stop() override { server_->stop(); }

 private:
  const Services services_;
  Auth auth_;  // From the start of the server on its thread's alone.
  Stats stats_;
  Router router_;
  LiveTail& live_;
  std::optional<std::string> first_run_token_;
  std::unique_ptr<HttpServer> server_;  // Last: it uses all of the above until it is gone.
};

}  // namespace

Result<std::unique_ptr<Api>> Api::start(const Options& options, Services services, LiveTail& live,
                                        Log& log) {
  const Token token = POSTERN_TRY(load_or_make_token(options.token_file));
  auto api = std::make_unique<RunningApi>(options, std::move(services), token, live, log);
  POSTERN_CHECK(api->listen(options));
  // Not before the ports are ours: a start that failed would keep a token that it never showed.
  // Nor without a console, where nobody is told of a token: the next start with one makes it.
  if (token.fresh && options.listen) POSTERN_CHECK(api->keep(options.token_file, token));
  return api;
}

}  // namespace postern::api
