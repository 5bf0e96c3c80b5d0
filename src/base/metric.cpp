#include "base/metric.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include <fmt/format.h>

namespace postern {

namespace {

constexpr std::array<std::string_view, 3> kHistogramParts = {"_bucket", "_sum", "_count"};

std::string_view name_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return "counter";
    case MetricKind::gauge:
      return "gauge";
    case MetricKind::histogram:
      return "histogram";
  }
  return "untyped";
}

/// A metric, and where it belongs: under which header, and as which part of it.
struct Placed {
  std::string_view family;
  std::size_t part = 0;
  const Metric* metric = nullptr;
};

Placed place(const Metric& metric) {
  if (metric.kind == MetricKind::histogram) {
    for (std::size_t part = 0; part < kHistogramParts.size(); ++part) {
      if (!metric.name.ends_with(kHistogramParts[part])) continue;
      return {metric.name.substr(0, metric.name.size() - kHistogramParts[part].size()), part,
              &metric};
    }
  }
  return {metric.name, 0, &metric};
}

}  // namespace

std::string to_prometheus(const Metrics& metrics) {
  // By header, by part, and within that as they came: std::stable_sort without its scratch memory.
  std::vector<Placed> ordered;
  ordered.reserve(metrics.size());
  for (const Metric& metric : metrics) ordered.push_back(place(metric));
  std::sort(ordered.begin(), ordered.end(), [](const Placed& a, const Placed& b) {
    if (a.family != b.family) return a.family < b.family;
    return a.part != b.part ? a.part < b.part : a.metric < b.metric;
  });
  std::string text;
  std::string_view last;
  for (const Placed& placed : ordered) {
    const Metric& metric = *placed.metric;
    if (placed.family != last) {
      last = placed.family;
      text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", placed.family, metric.help,
                          name_of(metric.kind));
    }
    text += metric.labels.empty()
                ? fmt::format("{} {}\n", metric.name, metric.value)
                : fmt::format("{}{{{}}} {}\n", metric.name, metric.labels, metric.value);
  }
  return text;
}

}  // namespace postern
