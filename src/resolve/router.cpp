// The table that sends each question to the resolver of its zone.
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "resolve/factory.h"
#include "resolve/special_use.h"

namespace postern::resolve {
namespace {

class Router final : public Resolver {
 public:
  explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {
    for (std::size_t i = 0; i < routes_.size(); ++i) {
      POSTERN_ASSERT(routes_[i].resolver != nullptr);
      by_zone_.emplace(routes_[i].zone, i);
      deepest_ = std::max(deepest_, routes_[i].zone.label_count());
    }
    POSTERN_ASSERT(by_zone_.contains(dns::Name()));
  }
  ~Router() override { stop(); }

  bool resolve(const Request& request, ReplySink& sink) override {
    const Route& route = find(request.question);
    const auto* special = special_.find(request.question);
    // A route for a special zone, or for something inside it, is the operator's wish.
    if (special != nullptr && !route.zone.is_at_or_below(special->name)) {
      special_answers_.add();
      Reply reply;
      reply.ticket = request.ticket;
      reply.message = special_use_answer(*special, request.question);
      reply.security = Security::insecure;
      sink.deliver(std::move(reply));
      return true;
    }
    return route.resolver->resolve(request, sink);
  }

  void stop() override {
    if (std::exchange(stopped_, true)) return;
    for (const Route& route : routes_) route.resolver->stop();
  }

  void collect(Metrics& metrics) const override;

 private:
  /// The longest zone that holds the question. The DS record of a zone is its parent's
  /// (RFC 4035 §3.1.4.1).
  const Route& find(const dns::Question& question) const {
    const std::size_t labels = question.qname.label_count();
    std::size_t skipped = labels > deepest_ ? labels - deepest_ : 0;
    if (question.qtype == dns::RRType::ds && labels > 0)
      skipped = std::max<std::size_t>(skipped, 1);
    for (;; ++skipped) {
      const auto found = by_zone_.find(question.qname.without_left(skipped));
      if (found != by_zone_.end()) return routes_[found->second];
    }
  }

  std::vector<Route> routes_;
  std::unordered_map<dns::Name, std::size_t, dns::NameHash> by_zone_;
  std::size_t deepest_ = 0;
  const SpecialUseTable special_;
  SharedCounter special_answers_;
  bool stopped_ = false;
};

void Router::collect(Metrics& metrics) const {
  metrics.push_back({"postern_resolver_special_use_total",
                     MetricKind::counter,
                     "Questions for special-use names, answered on the spot.",
                     {},
                     static_cast<double>(special_answers_.value())});
  // Two routes may have resolvers of one kind, and even the same servers: one line for both.
  Metrics all;
  for (const Route& route : routes_) route.resolver->collect(all);
  std::map<std::pair<std::string_view, std::string>, std::size_t> seen;
  for (Metric& metric : all) {
    const auto [place, is_new] =
        seen.emplace(std::pair(metric.name, metric.labels), metrics.size());
    if (is_new) {
      metrics.push_back(std::move(metric));
    } else if (metric.kind == MetricKind::counter) {
      metrics[place->second].value += metric.value;
    }
  }
}

}  // namespace

std::unique_ptr<Resolver> make_router(std::vector<Route> routes) {
  return std::make_unique<Router>(std::move(routes));
}

}  // namespace postern::resolve
