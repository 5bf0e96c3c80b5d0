// What the handler costs per query, without sockets: blocked and cached, 100,000 rules in force.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "server/handler.h"
#include "server/testing.h"

namespace postern::server {
namespace {

class NoSink final : public event::QuerySink {
 public:
  void record(const event::Query& query) override { benchmark::DoNotOptimize(query.trace_id); }
};

class World final : public resolve::ReplySink, public AnswerSink {
 public:
  void deliver(resolve::Reply reply) override { replies.push_back(std::move(reply)); }
  void answer(const ReturnPath&, event::Transport, OctetView) override {}
  void silence(const ReturnPath&, event::Transport) override {}

  std::vector<resolve::Reply> replies;
};

std::string name_of(int i) {
  return "host" + std::to_string(i * 7919 % 1000003) + ".example";
}

/// Names that hundreds of tenants allow, and none that is asked for.
std::shared_ptr<const policy::ExceptionTable> exceptions_of(int count) {
  std::vector<policy::Exception> all;
  for (int i = 0; i < count; ++i) {
    const auto name = dns::Name::from_text("excepted." + name_of(i));
    policy::Audience audience{.kind = policy::Audience::Kind::tenant,
                              .name = "tenant" + std::to_string(i % 500)};
    all.push_back({.name = *name, .audience = std::move(audience)});
  }
  return policy::ExceptionTable::create(all, {.name = "exceptions"}, 42).value();
}

/// Asks `queries` in turn, all of them answered once before.
void run(benchmark::State& state, const std::vector<Octets>& queries, int exceptions = 0) {
  constexpr int kRules = 100'000;
  testing::ZoneSpec zone;
  zone.options.name = "bench";
  for (int i = 0; i < kRules; ++i) zone.rules.push_back({"bad." + name_of(i)});
  Settings settings_value;
  for (const char* prefix : {"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}) {
    settings_value.access_allow.push_back(*IpPrefix::from_text(prefix));
  }
  const Published<Settings> settings(std::make_shared<const Settings>(settings_value));
  const Published<policy::Generation> policy(testing::policy_of({zone}));
  const Published<policy::ExceptionTable> excepted(exceptions_of(exceptions));
  const cache::Options cache;
  testing::FakeResolver resolver;
  resolver.set_immediate(true);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const std::string name = name_of(static_cast<int>(i)) + ".";
    resolver.set(name + " A", {.records = {name + " 3600 A 192.0.2.1"}});
  }
  NoSink sink;
  World world;
  Handler handler({.cache = cache,
                   .settings = settings,
                   .policy = policy,
                   .resolver = resolver,
                   .replies = world,
                   .sink = sink,
                   .answers = world,
                   .exceptions = &excepted,
                   .seed = 1});
  const Moment now{MonoTime(seconds(1000)), WallTime(seconds(1'700'000'000))};
  std::vector<std::uint8_t> out(limits::kUdpOctets);
  const IpAddress client = IpAddress::v4(192, 168, 1, 2);
  const auto ask = [&](const Octets& query) {
    return handler.handle({.octets = query, .client = client, .port = 4000}, {}, now, out);
  };
  for (const Octets& query : queries) {
    ask(query);
    for (resolve::Reply& reply : world.replies) handler.on_reply(std::move(reply), now);
    world.replies.clear();
  }
  std::size_t i = 0;
  for (auto _ : state) {
    const auto handled = ask(queries[i]);
    if (handled.outcome != Handler::Outcome::answered) state.SkipWithError("not answered");
    if (++i == queries.size()) i = 0;
  }
}

void Blocked(benchmark::State& state) {
  std::vector<Octets> queries;
  for (int i = 0; i < state.range(0); ++i) {
    queries.push_back(testing::query_of({.name = "bad." + name_of(i)}));
  }
  run(state, queries);
}
BENCHMARK(Blocked)->Arg(1)->Arg(1000)->Arg(50'000);

void BlockedWithoutEdns(benchmark::State& state) {
  std::vector<Octets> queries;
  for (int i = 0; i < state.range(0); ++i) {
    queries.push_back(testing::query_of({.name = "bad." + name_of(i), .edns = false}));
  }
  run(state, queries);
}
BENCHMARK(BlockedWithoutEdns)->Arg(1000);

void Cached(benchmark::State& state) {
  std::vector<Octets> queries;
  for (int i = 0; i < state.range(0); ++i)
    queries.push_back(testing::query_of({.name = name_of(i)}));
  run(state, queries);
}
BENCHMARK(Cached)->Arg(1)->Arg(1000)->Arg(50'000);

void CachedBesideExceptions(benchmark::State& state) {
  std::vector<Octets> queries;
  for (int i = 0; i < 1000; ++i) queries.push_back(testing::query_of({.name = name_of(i)}));
  run(state, queries, static_cast<int>(state.range(0)));
}
BENCHMARK(CachedBesideExceptions)->Arg(0)->Arg(20'000);

}  // namespace
}  // namespace postern::server
