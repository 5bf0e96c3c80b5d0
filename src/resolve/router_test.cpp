#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "resolve/answer.h"
#include "resolve/factory.h"
#include "resolve/testing.h"

namespace postern::resolve {
namespace {

using dns::RRType;

/// Answers NOERROR with its own label in `ede_text`; counts what is asked of it.
class FakeResolver final : public Resolver {
 public:
  FakeResolver(std::string label, int& stops) : label_(std::move(label)), stops_(stops) {}

  bool resolve(const Request& request, ReplySink& sink) override {
    Reply reply;
    reply.ticket = request.ticket;
    reply.message = empty_message(request.question, dns::Rcode::noerror);
    reply.ede_text = label_;
    sink.deliver(std::move(reply));
    return true;
  }
  void stop() override { ++stops_; }
  void collect(Metrics& metrics) const override {
    metrics.push_back({"postern_fake_total", MetricKind::counter, "Fake.", {}, 2});
  }

 private:
  std::string label_;
  int& stops_;
};

class RouterTest : public ::testing::Test {
 protected:
  std::unique_ptr<Resolver> make(const std::vector<std::string>& zones) {
    std::vector<Route> routes;
    for (const std::string& zone : zones) {
      routes.push_back({*dns::Name::from_text(zone), std::make_unique<FakeResolver>(zone, stops_)});
    }
    return make_router(std::move(routes));
  }
  int stops_ = 0;
};

TEST_F(RouterTest, TheLongestZoneDecidesAndSpecialNamesGoNowhereWithoutARoute) {
  struct Case {
    const char* name;
    RRType type;
    const char* route;  // "" for an answer on the spot.
  };
  const Case cases[] = {
      {"www.example.com", RRType::a, "."},
      {"com", RRType::a, "."},
      {".", RRType::ns, "."},
      {"corp.example", RRType::a, "corp.example"},
      {"a.b.corp.example", RRType::a, "corp.example"},
      {"notcorp.example", RRType::a, "."},
      {"example", RRType::a, "."},
      {"x.lab.corp.example", RRType::a, "lab.corp.example"},
      // DS records stand in the parent.
      {"lab.corp.example", RRType::ds, "corp.example"},
      {"corp.example", RRType::ds, "."},
      {".", RRType::ds, "."},
      // Special-use names, with and without a route at or below them.
      {"a.test", RRType::a, ""},
      {"localhost", RRType::a, ""},
      {"1.2.3.10.in-addr.arpa", RRType::ptr, "10.in-addr.arpa"},
      {"1.2.168.192.in-addr.arpa", RRType::ptr, "2.168.192.in-addr.arpa"},
      {"1.3.168.192.in-addr.arpa", RRType::ptr, ""},
      {"168.192.in-addr.arpa", RRType::soa, ""},
      {"nas.home.arpa", RRType::a, "home.arpa"},
      // A route above a special zone does not reach into it.
      {"1.0.0.127.in-addr.arpa", RRType::ptr, ""},
      {"8.8.8.8.in-addr.arpa", RRType::ptr, "in-addr.arpa"},
      {"10.in-addr.arpa", RRType::ds, "in-addr.arpa"},
  };
  const auto router = make({"lab.corp.example", ".", "corp.example", "10.in-addr.arpa",
                            "in-addr.arpa", "2.168.192.in-addr.arpa", "home.arpa"});
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Request request = testing::request(c.name, c.type);
    request.ticket = 7;
    testing::CollectingSink sink;
    ASSERT_TRUE(router->resolve(request, sink));
    ASSERT_EQ(sink.size(), 1U);
    EXPECT_EQ(sink.reply(7).ede_text, c.route);
    EXPECT_NE(sink.reply(7).message.size(), 0U);
  }
  router->stop();
}

TEST_F(RouterTest, StopsEachResolverOnceAndAddsUpTheirMetrics) {
  auto router = make({".", "a", "b"});
  testing::CollectingSink sink;
  router->resolve(testing::request("localhost"), sink);
  Metrics metrics;
  router->collect(metrics);
  ASSERT_EQ(metrics.size(), 2U);
  EXPECT_EQ(metrics[0].value, 1);  // The special-use answer.
  EXPECT_EQ(metrics[1].value, 6);
  router->stop();
  router.reset();
  EXPECT_EQ(stops_, 3);
}

}  // namespace
}  // namespace postern::resolve
