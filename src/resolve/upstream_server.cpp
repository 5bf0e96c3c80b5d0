#include "resolve/upstream_server.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace postern::resolve {
namespace {

std::string label_of(const Upstream& upstream) {
  static constexpr std::string_view kSchemes[] = {"udp", "tcp", "tls"};
  return fmt::format("{}://{}", kSchemes[static_cast<std::size_t>(upstream.transport)],
                     upstream.endpoint.to_text());
}

}  // namespace

Result<std::unique_ptr<UpstreamServer>> make_upstream_server(const Upstream& upstream) {
  auto server = std::make_unique<UpstreamServer>();
  server->upstream = upstream;
  server->label = label_of(upstream);
  if (upstream.transport == Upstream::Transport::tls) {
    auto tls = net::TlsClient::create(upstream, net::TlsClient::Oldest::tls_1_2);
    if (!tls) return Unexpected(std::move(tls).error().context("forward to " + server->label));
    server->tls = std::move(*tls);
  }
  return server;
}

void collect(const UpstreamServer& server, Metrics& metrics) {
  const std::string label = "server=\"" + server.label + "\"";
  const auto count = [&](std::string_view name, std::string_view help, const Counter& counter) {
    metrics.push_back(
        {name, MetricKind::counter, help, label, static_cast<double>(counter.value())});
  };
  const UpstreamServer::Stats& s = server.stats;
  count("postern_upstream_questions_total", "Queries sent.", s.questions);
  count("postern_upstream_answers_total", "Answers taken.", s.answers);
  count("postern_upstream_failures_total", "SERVFAIL, REFUSED and the like.", s.failures);
  count("postern_upstream_timeouts_total", "Queries without an answer in time.", s.timeouts);
  count("postern_upstream_stream_questions_total", "Queries over TCP or TLS.", s.tcp);
  count("postern_upstream_connections_total", "TCP and TLS connections begun.", s.connections);
  count("postern_upstream_mismatches_total", "Messages that answered no question.", s.mismatches);
  metrics.push_back({"postern_upstream_up", MetricKind::gauge, "1 while it answers.", label,
                     server.up.load() ? 1.0 : 0.0});
  metrics.push_back({"postern_upstream_rtt_seconds", MetricKind::gauge,
                     "Smoothed time to an answer.", label,
                     static_cast<double>(server.rtt_us.load()) / 1e6});
}

}  // namespace postern::resolve
