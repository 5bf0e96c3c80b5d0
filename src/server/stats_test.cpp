// What a scraper reads of the latencies.
#include "server/stats.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::server {
namespace {

TEST(Stats, LatenciesAreOneHistogramOverAllWorkers) {
  Stats first;
  Stats second;
  first.count_latency(microseconds(100));  // At a bound: within it.
  first.count_latency(microseconds(101));
  first.count_latency(microseconds(-5));  // The clock of one core behind another's.
  second.count_latency(microseconds(20'000));
  second.count_latency(seconds(6));
  const cache::Stats cache;
  const net::TcpStats tcp;
  const WorkerStats workers[] = {{&first, &cache, &tcp, {}}, {&second, &cache, &tcp, {}}};
  Metrics metrics;
  collect(workers, metrics);
  const std::string text = to_prometheus(metrics);
  const std::size_t begin = text.find("# HELP postern_answer_seconds");
  ASSERT_NE(begin, text.npos);
  const std::size_t end = text.find("# HELP", begin + 1);
  EXPECT_EQ(text.substr(begin, end - begin),
            "# HELP postern_answer_seconds Time from reading a query to its answer.\n"
            "# TYPE postern_answer_seconds histogram\n"
            "postern_answer_seconds_bucket{le=\"0.0001\"} 2\n"
            "postern_answer_seconds_bucket{le=\"0.0005\"} 3\n"
            "postern_answer_seconds_bucket{le=\"0.001\"} 3\n"
            "postern_answer_seconds_bucket{le=\"0.005\"} 3\n"
            "postern_answer_seconds_bucket{le=\"0.01\"} 3\n"
            "postern_answer_seconds_bucket{le=\"0.025\"} 4\n"
            "postern_answer_seconds_bucket{le=\"0.05\"} 4\n"
            "postern_answer_seconds_bucket{le=\"0.1\"} 4\n"
            "postern_answer_seconds_bucket{le=\"0.25\"} 4\n"
            "postern_answer_seconds_bucket{le=\"1\"} 4\n"
            "postern_answer_seconds_bucket{le=\"2.5\"} 4\n"
            "postern_answer_seconds_bucket{le=\"5\"} 4\n"
            "postern_answer_seconds_bucket{le=\"+Inf\"} 5\n"
            "postern_answer_seconds_sum 6.020201\n"
            "postern_answer_seconds_count 5\n");
}

}  // namespace
}  // namespace postern::server
