#include "base/metric.h"

#include <algorithm>

#include <fmt/format.h>

namespace postern {

std::string to_prometheus(const Metrics& metrics) {
  // By name, and within one name as they came: std::stable_sort without its scratch memory.
  std::vector<const Metric*> ordered;
  for (const Metric& metric : metrics) ordered.push_back(&metric);
  std::sort(ordered.begin(), ordered.end(), [](const Metric* a, const Metric* b) {
    return a->name != b->name ? a->name < b->name : a < b;
  });
  std::string text;
  std::string_view last;
  for (const Metric* each : ordered) {
    const Metric& metric = *each;
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
