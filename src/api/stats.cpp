#include "api/stats.h"

namespace postern::api {
namespace {

struct Row {
  Counter Stats::* counter;
  std::string_view name;
  std::string_view help;
};

constexpr Row kRows[] = {
    {&Stats::connections, "postern_api_connections_total",
     "Connections to console, API and control socket."},
    {&Stats::connections_refused, "postern_api_connections_refused_total",
     "Connections closed at once: too many, and none of them idle."},
    {&Stats::connections_displaced, "postern_api_connections_displaced_total",
     "Idle connections closed to make room for another."},
    {&Stats::accept_errors, "postern_api_accept_errors_total",
     "Tries to take a connection that failed, as without a free descriptor; made again 0.1 s "
     "later."},
    {&Stats::requests, "postern_api_requests_total", "Requests answered."},
    {&Stats::requests_refused, "postern_api_requests_refused_total",
     "Requests answered with a status from 400 to 499."},
    {&Stats::requests_failed, "postern_api_requests_failed_total",
     "Requests answered with a status of 500 or above."},
    {&Stats::sign_ins, "postern_api_sign_ins_total", "Sessions opened with the right token."},
    {&Stats::sign_ins_failed, "postern_api_sign_ins_failed_total", "Wrong tokens."},
    {&Stats::live_sent, "postern_api_live_records_total", "Records sent to watchers."},
    {&Stats::live_dropped, "postern_api_live_dropped_total",
     "Records not sent to a watcher that was too slow."},
};

}  // namespace

void Stats::collect(Metrics& metrics) const {
  for (const Row& row : kRows) {
    metrics.push_back({.name = row.name,
                       .kind = MetricKind::counter,
                       .help = row.help,
                       .labels = {},
                       .value = static_cast<double>((this->*row.counter).value())});
  }
}

}  // namespace postern::api
