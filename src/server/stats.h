// What a worker counts about queries, and how it is exported.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/metric.h"
#include "base/time.h"
#include "cache/cache.h"
#include "net/stats.h"

namespace postern::server {

/// Written by one worker's thread, read by any.
struct Stats {
  static constexpr std::size_t kTransports = 5;  ///< event::Transport's.
  static constexpr std::size_t kRcodes = 24;     ///< dns::Rcode's, BADCOOKIE the last.
  static constexpr std::size_t kActions = 8;     ///< policy::Action's.
  static constexpr std::size_t kBlockAnswers = 5;
  /// Upper bounds in microseconds; one more counter is for what is above the last.
  static constexpr std::array<std::uint32_t, 12> kLatencyBounds = {
      100,    500,     1'000,   5'000,     10'000,    25'000,
      50'000, 100'000, 250'000, 1'000'000, 2'500'000, 5'000'000};

  std::array<Counter, kTransports> queries;
  std::array<Counter, kRcodes> answers;
  std::array<Counter, kActions> blocked;          ///< By the rule's own action.
  std::array<Counter, kBlockAnswers> blocked_as;  ///< `block` rules, by the answer given.
  Counter observed;       ///< Would have been blocked, by a zone that only logs.
  Counter zone_requests;  ///< Of other name servers, for zones that are published or transferred.
  Counter dropped_malformed;
  Counter dropped_policy;
  Counter refused_strangers;
  Counter truncated;
  Counter cache_hits, cache_misses;
  Counter stale_answers;
  Counter prefetches;
  Counter coalesced;        ///< Waited for a question that was under way already.
  Counter resolver_full;    ///< The resolver, or our own bounds, took no more.
  Counter servers_unknown;  ///< Judged without all that NSDNAME or NSIP rules wanted to know.
  Counter timeouts;         ///< Clients told SERVFAIL at their deadline.
  Counter late_replies;     ///< For questions forgotten long ago.
  std::array<Counter, kLatencyBounds.size() + 1> latency;
  Counter latency_sum_us;
  std::atomic<std::uint64_t> cache_entries{0}, cache_octets{0}, tcp_open{0};

  void count_latency(microseconds taken);
};

/// Everything one worker counts.
struct WorkerStats {
  const Stats* server = nullptr;
  const cache::Stats* cache = nullptr;
  const net::TcpStats* tcp = nullptr;
  std::span<const net::UdpStats* const> udp;
};

/// Adds the sums over all workers to `metrics`. Any thread.
void collect(std::span<const WorkerStats> workers, Metrics& metrics);

}  // namespace postern::server
