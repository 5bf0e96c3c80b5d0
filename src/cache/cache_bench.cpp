// What a cached answer costs: to find, to write for a client, to make and to insert.
#include <array>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/assert.h"
#include "cache/cache.h"
#include "dns/writer.h"

namespace {

using postern::MonoTime;
using postern::Octets;
using postern::OctetView;
using postern::seconds;
using postern::cache::Answer;
using postern::cache::Cache;
using postern::cache::Key;
namespace dns = postern::dns;

constexpr std::size_t kNames = 10'000;

dns::Name name_of(std::size_t i) {
  const auto name = dns::Name::from_text("www.site" + std::to_string(i) + ".example.com");
  POSTERN_ASSERT(name.has_value());
  return *name;
}

/// A CNAME and two addresses.
Octets message(const dns::Name& qname) {
  Octets buffer(512);
  dns::MessageWriter writer(buffer, buffer.size());
  const dns::Name target = name_of(1'000'000);
  bool fits = true;
  writer.header(0, dns::flag::qr | dns::flag::ra);
  fits = fits && writer.question({.qname = qname});
  const auto add = [&](const dns::Name& owner, dns::RRType type, OctetView rdata) {
    fits = fits && writer.record(dns::Section::answer, {owner, type, dns::RRClass::in, 300, rdata});
  };
  add(qname, dns::RRType::cname, target.wire());
  add(target, dns::RRType::a, Octets{192, 0, 2, 1});
  add(target, dns::RRType::a, Octets{192, 0, 2, 2});
  POSTERN_ASSERT(fits);
  return {writer.message().begin(), writer.message().end()};
}

Answer answer(const dns::Name& qname) {
  auto made = postern::cache::make_answer(message(qname), false, true, {});
  POSTERN_ASSERT(made.has_value());
  return *std::move(made);
}

void find(benchmark::State& state) {
  Cache cache({});
  std::vector<Key> keys;
  for (std::size_t i = 0; i < kNames; ++i) {
    keys.push_back({.qname = name_of(i), .qtype = dns::RRType::a});
    cache.insert(keys.back(), answer(keys.back().qname), MonoTime());
  }
  const auto asked = static_cast<std::size_t>(state.range(0));
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(cache.find(keys[at], MonoTime(seconds(1))));
    if (++at == asked) at = 0;
  }
}
BENCHMARK(find)->Arg(100)->Arg(10'000);

void write_for_client(benchmark::State& state) {
  const Answer stored = answer(name_of(1));
  std::array<std::uint8_t, 512> out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        postern::cache::write_for_client(stored, stored.wire, stored.question_end,
                                         {.age_s = 5, .stale = false, .set_ad = false}, out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(write_for_client);

void make_answer(benchmark::State& state) {
  const Octets octets = message(name_of(1));
  for (auto _ : state) {
    benchmark::DoNotOptimize(postern::cache::make_answer(octets, false, true, {}));
  }
}
BENCHMARK(make_answer);

void insert_full(benchmark::State& state) {
  Cache cache({.max_octets = 4U << 20});
  std::vector<Key> keys;
  for (std::size_t i = 0; i < kNames; ++i) {
    keys.push_back({.qname = name_of(i), .qtype = dns::RRType::a});
  }
  const Answer made = answer(name_of(1));
  std::size_t at = 0;
  for (auto _ : state) {
    cache.insert(keys[at], made, MonoTime());
    if (++at == kNames) at = 0;
  }
  state.counters["octets_per_entry"] =
      static_cast<double>(cache.octets()) / static_cast<double>(cache.size());
}
BENCHMARK(insert_full);

}  // namespace
