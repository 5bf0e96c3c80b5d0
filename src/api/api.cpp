#include "api/api.h"

#include <chrono>

#include "api/http_server.h"

namespace postern::api {
namespace {

class RunningApi final : public Api {
 public:
  RunningApi(Services services, Token token, LiveTail& live, Log& log)
      : services_(std::move(services)),
        auth_(std::move(token)),
        router_({.services = services_,
                 .auth = auth_,
                 .stats = stats_,
                 .live = live,
                 .log = log,
                 .started_at = std::chrono::floor<microseconds>(std::chrono::system_clock::now())},
                std::nullopt),
        live_(live),
        first_run_token_(auth_.fresh_token()) {}

  Result<void> listen(const Options& options) {
    HttpOptions http;
    http.listen = options.listen;
    http.control_socket = options.control_socket;
    server_ = POSTERN_TRY(HttpServer::start(http, router_, live_, stats_));
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
  const std::optional<std::string> first_run_token_;
  std::unique_ptr<HttpServer> server_;  // Last: it uses all of the above until it is gone.
};

}  // namespace

Result<std::unique_ptr<Api>> Api::start(const Options& options, Services services, LiveTail& live,
                                        Log& log) {
  Token token = POSTERN_TRY(load_or_make_token(options.token_file));
  auto api = std::make_unique<RunningApi>(std::move(services), std::move(token), live, log);
  POSTERN_CHECK(api->listen(options));
  return api;
}

}  // namespace postern::api
