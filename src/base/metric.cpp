#include "base/metric.h"

#include <algorithm>

#include <fmt/format.h>

namespace postern {

std::string to_prometheus(Metrics metrics) {
  std::stable_sort(metrics.begin(), metrics.end(),
                   [](const Metric& a, const Metric& b) { return a.name < b.name; });
  std::string text;
  std::string_view last;
  for (const Metric& metric : metrics) {
    if (metric.name != last) {
      last = metric.name;
      text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", metric.name, metric.help,
                          metric.kind == MetricKind::counter ? "counter" : "gauge");
    }
    text += metric.labels.empty()
                ? fmt::format("{} {}\n", metric.name, metric.value)
                : fmt::format("{}{{{}}} {}\n", metric.name, metric.labels, metric.value);
  }
  return text;
}

}  // namespace postern
