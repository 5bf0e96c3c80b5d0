// UpstreamServer: what the forwarder knows of one server that it asks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/metric.h"
#include "base/result.h"
#include "base/time.h"
#include "net/tls_client.h"
#include "resolve/factory.h"
#include "resolve/health.h"
#include "resolve/stream.h"

namespace postern::resolve {

/// Where a try stands: to be found again from a socket's event or a message id.
struct TryRef {
  std::uint32_t pending = 0;
  std::uint32_t generation = 0;
  std::uint8_t index = 0;
};

/// One server with its connection, if there is one. Owned by the forwarder's thread; the counters
/// and the atomics may be read by any.
struct UpstreamServer {
  struct Stats {
    Counter questions, answers, failures, timeouts, tcp, connections, mismatches;
  };

  Upstream upstream;
  std::string label;  ///< "tls://192.0.2.1:853"
  ServerHealth health;
  std::string trouble;  ///< Why it gave no answer last.
  std::unique_ptr<net::TlsClient> tls;
  std::unique_ptr<Stream> stream;
  std::uint32_t stream_generation = 0;
  bool stream_answered = false;
  bool has_unsent = false;    ///< `stream` is to be pumped at the end of this round.
  std::size_t unmatched = 0;  ///< Messages over `stream` since the last that answered a question.
  MonoTime idle_since{};
  std::unordered_map<std::uint16_t, TryRef> on_stream;  ///< Tries on `stream`, by id.
  Stats stats;
  std::atomic<bool> up{true};  ///< For `collect`.
  std::atomic<std::int64_t> rtt_us{0};
};

/// Errors: what net::TlsClient::create says of the certificates to be trusted.
Result<std::unique_ptr<UpstreamServer>> make_upstream_server(const Upstream& upstream);

/// Appends the metrics of `server`, labelled by it.
void collect(const UpstreamServer& server, Metrics& metrics);

}  // namespace postern::resolve
