// What a generation costs: to compile, and to ask, with a million rules.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/assert.h"
#include "policy/generation.h"
#include "policy/image_writer.h"

namespace {

using postern::dns::Name;
using postern::policy::Generation;
using postern::policy::PolicyInput;
using postern::policy::Scope;
using postern::policy::ZoneInput;
using postern::policy::ZoneRules;

constexpr std::size_t kRules = 1'000'000;
constexpr std::size_t kQueries = 1 << 10;  ///< Few: the names themselves must stay in cache.

Name name_of(const std::string& text) {
  const auto name = Name::from_text(text);
  POSTERN_ASSERT(name.has_value());
  return *name;
}

/// Sixteen octets on average, as feeds have them.
std::string domain(std::uint64_t seed) {
  static const char* const kEnds[] = {".com", ".net", ".info", ".ru", ".org", ".co.uk", ".top"};
  std::mt19937_64 random(seed);
  std::string text;
  const std::size_t size = 6 + random() % 12;
  while (text.size() < size) text += static_cast<char>('a' + random() % 26);
  return text + kEnds[random() % std::size(kEnds)];
}

/// `count` zones with kRules rules between them, half of them wildcards, and one group.
PolicyInput input(std::size_t count) {
  PolicyInput input;
  input.hash_key = 0x5eed;
  input.groups.emplace_back();
  for (std::size_t zone = 0; zone < count; ++zone) {
    auto rules = std::make_shared<ZoneRules>();
    for (std::size_t i = zone; i < kRules; i += count) {
      rules->add({.name = name_of(domain(i)),
                  .scope = i % 2 == 0 ? Scope::exact : Scope::at_and_below,
                  .line = static_cast<std::uint32_t>(i + 1)});
    }
    input.groups[0].zones.push_back(static_cast<std::uint16_t>(zone));
    input.zones.push_back({{.name = "zone" + std::to_string(zone)}, std::move(rules)});
  }
  return input;
}

/// Ten zones, the last one in an image of its own: as after it has changed.
std::shared_ptr<const Generation> compile_over() {
  const PolicyInput from = input(10);
  postern::policy::PolicyFrame frame;
  frame.groups = from.groups;
  Generation::Images images;
  for (const std::uint16_t image : {0, 1}) {
    std::vector<postern::policy::ZoneContent> contents;
    for (std::size_t zone = image == 0 ? 0 : 9; zone < (image == 0 ? 9U : 10U); ++zone) {
      frame.rules_at.push_back({image, static_cast<std::uint16_t>(contents.size())});
      frame.zones.push_back(from.zones[zone].options);
      contents.push_back({"zone", "", from.zones[zone].rules.get()});
    }
    const auto octets = std::make_shared<const postern::Octets>(
        *postern::policy::build_image(contents, from.hash_key));
    images.push_back(*postern::policy::RuleImage::open(*octets, octets));
  }
  return *Generation::create(std::move(frame), std::move(images));
}

/// kOver, or the number of zones in one image.
constexpr std::size_t kOver = 0;
const Generation& generation(std::size_t zones) {
  static std::shared_ptr<const Generation> over = compile_over();
  static std::shared_ptr<const Generation> one = *Generation::compile(input(1));
  static std::shared_ptr<const Generation> many = *Generation::compile(input(100));
  return zones == kOver ? *over : zones == 1 ? *one : *many;
}

void compile(benchmark::State& state) {
  const PolicyInput from = input(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(Generation::compile(from));
  const auto compiled = *Generation::compile(from);
  state.counters["octets_per_rule"] =
      static_cast<double>(compiled->memory_octets()) / static_cast<double>(kRules);
}
BENCHMARK(compile)->Arg(1)->Arg(100)->Unit(benchmark::kMillisecond);

/// Names of four labels. `first`: the seed of the first domain; listed ones are below kRules.
void decide(benchmark::State& state, std::size_t first, bool blocked) {
  const Generation& from = generation(static_cast<std::size_t>(state.range(0)));
  std::vector<Name> names;
  for (std::size_t i = 0; names.size() < kQueries; ++i) {
    const Name name = name_of("cdn3.www." + domain(first + i * 38 + 1));
    if (from.decide(0, name).matched == blocked) names.push_back(name);
  }
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(from.decide(0, names[at]));
    at = (at + 1) % kQueries;
  }
}
void decide_miss(benchmark::State& state) {
  decide(state, 2 * kRules, false);
}
void decide_hit(benchmark::State& state) {
  decide(state, 0, true);
}
BENCHMARK(decide_miss)->Arg(1)->Arg(100)->Arg(kOver);
BENCHMARK(decide_hit)->Arg(1)->Arg(100)->Arg(kOver);

void group_of(benchmark::State& state) {
  PolicyInput from;
  from.groups.resize(2);
  for (unsigned i = 0; i < 500; ++i) {
    const auto octet = static_cast<std::uint8_t>(i / 2);
    from.groups[1].clients.emplace_back(postern::IpAddress::v4(10, octet, i % 2 == 0 ? 0 : 7, 0),
                                        i % 2 == 0 ? 16 : 24);
  }
  const auto compiled = *Generation::compile(std::move(from));
  std::vector<postern::IpAddress> clients;
  std::mt19937 random(1);
  for (int i = 0; i < 4096; ++i) {
    clients.push_back(postern::IpAddress::v4(10, static_cast<std::uint8_t>(random()),
                                             static_cast<std::uint8_t>(random() % 9), 1));
  }
  std::size_t at = 0;
  for (auto _ : state) benchmark::DoNotOptimize(compiled->group_of(clients[at++ % clients.size()]));
}
BENCHMARK(group_of);

}  // namespace
