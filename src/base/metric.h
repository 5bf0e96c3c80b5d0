// Metrics: counters that one thread writes and any thread reads, and what is exported of them.
//
// Each object owns a Stats struct of Counters. Whoever exports asks each object to
// `collect` into a list of Metrics; names, kinds and help live in one table beside
// each Stats struct. Naming: Prometheus conventions, prefix "postern_".
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern {

/// A counter with one writing thread; any thread may read it. Cost: a plain add.
class Counter {
 public:
  void add(std::uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// The same for several writing threads. Cost: an atomic add.
class SharedCounter {
 public:
  void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// `histogram`: one number of a histogram NAME, called NAME_bucket (how many were at most the label
/// `le`; added in the order of `le`, "+Inf" the last), NAME_sum or NAME_count.
enum class MetricKind : std::uint8_t { counter, gauge, histogram };

/// One exported number. Metrics of one name, or of one histogram, share kind and help.
struct Metric {
  std::string_view name;  ///< A literal: "postern_queries_total".
  MetricKind kind = MetricKind::counter;
  std::string_view help;  ///< A literal, one sentence.
  std::string labels;     ///< `transport="udp",rcode="noerror"`, values escaped; or empty.
  double value = 0;
};

using Metrics = std::vector<Metric>;

/// The Prometheus text exposition format, version 0.0.4. Metrics of one name are put together;
/// those of one histogram under one header: its buckets as they came, the sum, the count.
std::string to_prometheus(const Metrics& metrics);

}  // namespace postern
