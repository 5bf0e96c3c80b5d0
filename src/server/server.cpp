#include "server/server.h"

#include <utility>

#include "net/socket_address.h"
#include "server/worker.h"

namespace postern::server {

namespace {

/// How often to look for a port that is free for both UDP and TCP.
constexpr int kPortTries = 64;

Result<BoundEndpoint> bind_both(const Endpoint& at) {
  BoundEndpoint bound;
  bound.udp = POSTERN_TRY(net::UdpSocket::bind(at));
  bound.tcp = POSTERN_TRY(net::TcpListener::bind(bound.udp->local()));
  return bound;
}

/// The first worker's sockets for `at`: they settle the port.
Result<BoundEndpoint> bind_first(const Endpoint& at) {
  if (at.port != 0) {
    auto is_free = net::check_port_is_free(at);
    if (!is_free) {
      return Unexpected(std::move(is_free).error().context(
          "listen (is another server running there? choose another address or port)"));
    }
    return bind_both(at);
  }
  auto bound = bind_both(at);
  for (int i = 1; i < kPortTries && !bound; ++i) bound = bind_both(at);
  return bound;
}

class WorkerServer final : public Server {
 public:
  WorkerServer(const Options& options, const Surroundings& around)
      : options_(options),
        shared_{options_,    around.settings, around.policy,     around.resolver,
                around.sink, around.zones,    around.exceptions, around.devices} {}
  ~WorkerServer() override { stop(); }

  Result<void> start() {
    const unsigned count = options_.workers == 0 ? 1 : options_.workers;
    std::vector<std::vector<BoundEndpoint>> bound(count);
    for (const Endpoint& at : options_.listen) {
      bound[0].push_back(POSTERN_TRY(bind_first(at)));
      endpoints_.push_back(bound[0].back().udp->local());
      for (unsigned i = 1; i < count; ++i) {
        bound[i].push_back(POSTERN_TRY(bind_both(endpoints_.back())));
      }
    }
    for (unsigned i = 0; i < count; ++i) {
      // Far apart: each worker's trace ids come from its own stretch.
      const std::uint64_t seed = options_.seed + (std::uint64_t{i} << 56);
      workers_.push_back(POSTERN_TRY(Worker::create(shared_, seed, std::move(bound[i]))));
    }
    for (const auto& worker : workers_) worker->start();
    return {};
  }

  std::vector<Endpoint> endpoints() const override { return endpoints_; }

  void clear_caches() override {
    for (const auto& worker : workers_) worker->clear_cache();
  }

  void collect(Metrics& metrics) const override {
    std::vector<WorkerStats> stats;
    for (const auto& worker : workers_) stats.push_back(worker->stats());
    server::collect(stats, metrics);
  }

  void stop() override {
    for (const auto& worker : workers_) worker->request_stop();
    for (const auto& worker : workers_) worker->join();
  }

 private:
  const Options options_;
  const Worker::Shared shared_;
  std::vector<Endpoint> endpoints_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const Options& options,
                                              const Surroundings& surroundings) {
  auto server = std::make_unique<WorkerServer>(options, surroundings);
  POSTERN_CHECK(server->start());
  for (const Endpoint& endpoint : server->endpoints()) {
    surroundings.log.info("server", "answers on " + endpoint.to_text() + " by UDP and TCP");
  }
  return server;
}

}  // namespace postern::server
