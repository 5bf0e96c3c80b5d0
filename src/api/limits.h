// Bounds of the API: what one client, and all of them together, can make it hold.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace postern::api {

/// Bounds of the HTTP side. Fields, so that tests can reach them quickly.
struct HttpLimits {
  std::size_t connections = 256;  ///< Over TCP; one more displaces the longest idle one, or is
                                  ///< closed at once if none is idle.
  /// The same for one address (IPv6: /64). All of `live_clients` may come through one proxy.
  std::size_t connections_per_address = 64;
  std::size_t control_connections = 32;    ///< Over the control socket, apart: never crowded out.
  std::uint32_t header_octets = 16 << 10;  ///< Request line and headers; else 431.
  std::uint64_t body_octets = 64 << 10;    ///< Else 413. The largest body we take is a token.
  milliseconds first_request{10'000};      ///< For the first one of a connection to come in, whole.
  milliseconds idle{30'000};      ///< For another one to come in, and for an answer to go out.
  std::size_t requests = 1000;    ///< Per connection; then it is closed.
  std::size_t live_clients = 32;  ///< Watching the live tail; else 503.
  /// Unsent, per watcher; then records are dropped. Half of it is for blocked and observed ones.
  std::size_t live_buffer_octets = 1 << 20;
  milliseconds live_tick{100};          ///< How often watchers get what was recorded.
  milliseconds live_heartbeat{15'000};  ///< A comment line, so that dead watchers are noticed.
  std::size_t waiting_jobs = 16;        ///< For each thread apart (`Runs`); else 503.
};

inline constexpr std::size_t kMaxParams = 32;  ///< In one query string.
/// Between the workers and the API, in each of two lanes: 1.4 MB.
inline constexpr std::size_t kLiveLaneRecords = 2048;
inline constexpr std::size_t kMaxSessions = 64;            ///< Then the oldest one is signed out.
inline constexpr seconds kSessionLife{12 * 3600};          ///< Since last used.
inline constexpr std::size_t kMaxLimitedAddresses = 1024;  ///< Remembered for wrong tokens.
inline constexpr unsigned kFreeFailures = 5;               ///< Wrong tokens before waits begin.
inline constexpr seconds kMaxSignInWait{300};
inline constexpr seconds kFailuresForgottenAfter{900};
inline constexpr std::size_t kDefaultPageRows = 100;
/// Records of a name and of those below it, among which explain looks for the name's own newest,
/// and how far back: a journal of months is not read through for a name that nobody asks for.
inline constexpr std::size_t kExplainRows = 200;
inline constexpr seconds kExplainLooksBack{24 * 3600};
inline constexpr std::size_t kDefaultTop = 10;
inline constexpr std::size_t kMaxTop = 1000;
inline constexpr std::size_t kMaxTimelinePoints = 2000;
inline constexpr std::size_t kMaxTaxiiPage = 2000;  ///< Indicators, of some 500 octets each.

}  // namespace postern::api
