#include "server/stats.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "dns/types.h"
#include "event/query.h"
#include "policy/rule.h"

namespace postern::server {

namespace {

/// A plain counter of one of the structs: one row gives it its name and help.
template <class Struct>
struct Row {
  std::string_view name;
  std::string_view help;
  Counter Struct::* counter;
};

constexpr Row<Stats> kServerRows[] = {
    {"postern_observed_total", "Queries that a log-only zone would have blocked.",
     &Stats::observed},
    {"postern_zone_requests_total",
     "NOTIFY, SOA and transfer requests for zones that are published or transferred.",
     &Stats::zone_requests},
    {"postern_malformed_dropped_total",
     "Messages dropped without an answer: no header, or not a query.", &Stats::dropped_malformed},
    {"postern_policy_dropped_total", "Queries left unanswered because a rule said so.",
     &Stats::dropped_policy},
    {"postern_strangers_refused_total", "Queries from clients that may not ask.",
     &Stats::refused_strangers},
    {"postern_truncated_total", "Answers over UDP that were cut to TC=1.", &Stats::truncated},
    {"postern_cache_hits_total", "Questions answered from the cache.", &Stats::cache_hits},
    {"postern_cache_misses_total", "Questions that had to be resolved.", &Stats::cache_misses},
    {"postern_stale_answers_total", "Answers served past their time (RFC 8767).",
     &Stats::stale_answers},
    {"postern_prefetches_total", "Popular answers refreshed before their time was over.",
     &Stats::prefetches},
    {"postern_coalesced_total", "Queries that waited for an equal question already under way.",
     &Stats::coalesced},
    {"postern_resolver_full_total", "Questions that could not be put to the resolver.",
     &Stats::resolver_full},
    {"postern_servers_unknown_total",
     "Decisions of NSDNAME and NSIP rules without all servers: they could not be found in time.",
     &Stats::servers_unknown},
    {"postern_timeouts_total", "Queries answered SERVFAIL at their deadline.", &Stats::timeouts},
    {"postern_late_replies_total", "Replies of the resolver to forgotten questions.",
     &Stats::late_replies},
};

constexpr Row<cache::Stats> kCacheRows[] = {
    {"postern_cache_inserts_total", "Answers put into the cache.", &cache::Stats::inserts},
    {"postern_cache_evictions_total", "Answers that made room for others.",
     &cache::Stats::evictions},
};

constexpr Row<net::UdpStats> kUdpRows[] = {
    {"postern_udp_received_total", "Datagrams received.", &net::UdpStats::received},
    {"postern_udp_sent_total", "Datagrams sent.", &net::UdpStats::sent},
    {"postern_udp_oversized_total", "Datagrams longer than any query: dropped.",
     &net::UdpStats::oversized},
    {"postern_udp_send_errors_total", "Datagrams that the kernel refused to send.",
     &net::UdpStats::send_errors},
    {"postern_udp_send_dropped_total", "Answers dropped because the kernel's buffer was full.",
     &net::UdpStats::send_dropped},
};

constexpr Row<net::TcpStats> kTcpRows[] = {
    {"postern_tcp_accepted_total", "TCP connections accepted.", &net::TcpStats::accepted},
    {"postern_tcp_closed_total", "TCP connections closed.", &net::TcpStats::closed},
    {"postern_tcp_refused_total", "TCP connections refused at the bound.",
     &net::TcpStats::refused_full},
    {"postern_tcp_displaced_total", "TCP connections closed to make room for others.",
     &net::TcpStats::displaced},
    {"postern_tcp_idle_timeouts_total", "TCP connections closed because they were idle.",
     &net::TcpStats::idle_timeouts},
    {"postern_tcp_oversized_total", "TCP connections closed for a message longer than any query.",
     &net::TcpStats::oversized_frames},
    {"postern_tcp_slow_readers_total", "TCP connections closed because the client did not read.",
     &net::TcpStats::slow_readers},
    {"postern_tcp_accept_errors_total", "Times when no descriptor was left for a connection.",
     &net::TcpStats::accept_errors},
};

struct GaugeRow {
  std::string_view name;
  std::string_view help;
  std::atomic<std::uint64_t> Stats::* gauge;
};

constexpr GaugeRow kGaugeRows[] = {
    {"postern_cache_entries", "Answers in the caches of all workers.", &Stats::cache_entries},
    {"postern_cache_octets", "Memory of the caches of all workers.", &Stats::cache_octets},
    {"postern_tcp_connections", "TCP connections open now.", &Stats::tcp_open},
};

constexpr std::string_view kBlockedHelp = "Queries blocked, by how they were answered.";
constexpr std::string_view kLatencyHelp = "Time from reading a query to its answer.";

void add(Metrics& metrics, std::string_view name, std::string_view help, std::string labels,
         double value) {
  metrics.push_back({name, MetricKind::counter, help, std::move(labels), value});
}

std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + std::string(value) + "\"";
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

/// The sum of one counter over all workers.
template <class Get>
double sum(std::span<const WorkerStats> workers, Get&& get) {
  std::uint64_t total = 0;
  for (const WorkerStats& worker : workers) total += get(*worker.server);
  return static_cast<double>(total);
}

void collect_answers(std::span<const WorkerStats> workers, Metrics& metrics) {
  for (std::size_t i = 0; i < Stats::kTransports; ++i) {
    const auto transport = static_cast<event::Transport>(i);
    add(metrics, "postern_queries_total", "Queries received, by transport.",
        label("transport", event::to_string(transport)),
        sum(workers, [i](const Stats& s) { return s.queries[i].value(); }));
  }
  for (std::size_t i = 0; i < Stats::kRcodes; ++i) {
    const double value = sum(workers, [i](const Stats& s) { return s.answers[i].value(); });
    // The six that happen, and whatever else did.
    if (i > 5 && value == 0) continue;
    add(metrics, "postern_answers_total", "Answers sent, by response code.",
        label("rcode", lower(dns::to_string(static_cast<dns::Rcode>(i)))), value);
  }
  for (std::size_t i = 0; i < Stats::kActions; ++i) {
    const auto action = static_cast<policy::Action>(i);
    if (action == policy::Action::pass || action == policy::Action::block) continue;
    add(metrics, "postern_blocked_total", kBlockedHelp,
        label("action", policy::to_string(action)) + ",by=\"rule\"",
        sum(workers, [i](const Stats& s) { return s.blocked[i].value(); }));
  }
  for (std::size_t i = 0; i < Stats::kBlockAnswers; ++i) {
    add(metrics, "postern_blocked_total", kBlockedHelp,
        label("action", policy::to_string(static_cast<policy::BlockAnswer>(i))) + ",by=\"zone\"",
        sum(workers, [i](const Stats& s) { return s.blocked_as[i].value(); }));
  }
}

void collect_latency(std::span<const WorkerStats> workers, Metrics& metrics) {
  const auto part = [&metrics](std::string_view name, std::string labels, double value) {
    metrics.push_back({name, MetricKind::histogram, kLatencyHelp, std::move(labels), value});
  };
  double total = 0;
  for (std::size_t i = 0; i < Stats::kLatencyBounds.size() + 1; ++i) {
    total += sum(workers, [i](const Stats& s) { return s.latency[i].value(); });
    std::string bound = "+Inf";
    if (i < Stats::kLatencyBounds.size()) {
      bound = std::to_string(static_cast<double>(Stats::kLatencyBounds[i]) / 1e6);
      bound.erase(bound.find_last_not_of('0') + 1);
      if (bound.back() == '.') bound.pop_back();
    }
    part("postern_answer_seconds_bucket", label("le", bound), total);
  }
  part("postern_answer_seconds_sum", "",
       sum(workers, [](const Stats& s) { return s.latency_sum_us.value(); }) / 1e6);
  part("postern_answer_seconds_count", "", total);
}

}  // namespace

void Stats::count_latency(microseconds taken) {
  const auto us = static_cast<std::uint64_t>(std::max<microseconds::rep>(taken.count(), 0));
  std::size_t i = 0;
  while (i < kLatencyBounds.size() && us > kLatencyBounds[i]) ++i;
  latency[i].add();
  if (us > 0) latency_sum_us.add(us);
}

void collect(std::span<const WorkerStats> workers, Metrics& metrics) {
  collect_answers(workers, metrics);
  for (const auto& row : kServerRows) {
    add(metrics, row.name, row.help, "",
        sum(workers, [&row](const Stats& s) { return (s.*row.counter).value(); }));
  }
  const auto sum_rows = [&](const auto& rows, const auto& each) {
    for (const auto& row : rows) {
      std::uint64_t total = 0;
      for (const WorkerStats& worker : workers) {
        each(worker, [&](const auto& stats) { total += (stats.*row.counter).value(); });
      }
      add(metrics, row.name, row.help, "", static_cast<double>(total));
    }
  };
  sum_rows(kCacheRows, [](const WorkerStats& w, const auto& use) { use(*w.cache); });
  sum_rows(kTcpRows, [](const WorkerStats& w, const auto& use) { use(*w.tcp); });
  sum_rows(kUdpRows, [](const WorkerStats& w, const auto& use) {
    for (const net::UdpStats* udp : w.udp) use(*udp);
  });
  for (const GaugeRow& row : kGaugeRows) {
    const double value = sum(workers, [&row](const Stats& stats) {
      return (stats.*row.gauge).load(std::memory_order_relaxed);
    });
    metrics.push_back({row.name, MetricKind::gauge, row.help, "", value});
  }
  collect_latency(workers, metrics);
}

}  // namespace postern::server
