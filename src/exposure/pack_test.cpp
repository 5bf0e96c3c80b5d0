#include "exposure/pack.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "exposure/testing.h"

namespace postern::exposure {
namespace {

/// Whether a rule takes an example's value.
bool takes(const Rule& rule, const std::string& value) {
  if (has_names(rule.slot)) {
    const auto name = dns::Name::from_text(value);
    return name && fits(rule, *name);
  }
  return fits_text(rule, value) && (rule.slot != Slot::dkim_key || is_dkim_key(value));
}

TEST(Pack, EveryRuleHitsAndMissesItsExamples) {
  const Pack pack = testing::built_in();
  EXPECT_GE(pack.rules.size(), 70U);
  EXPECT_EQ(pack.origins.size(), 1U);
  std::set<std::string> providers;
  for (const Rule& rule : pack.rules) {
    std::size_t hits = 0, misses = 0;
    for (const Example& example : rule.examples) {
      EXPECT_EQ(takes(rule, example.value), example.is_hit)
          << rule.id << " line " << example.line << ": " << example.value;
      ++(example.is_hit ? hits : misses);
    }
    EXPECT_GT(hits, 0U) << rule.id;
    EXPECT_GT(misses, 0U) << rule.id;
    EXPECT_FALSE(rule.means.empty()) << rule.id;
    providers.insert(rule.provider);
  }
  for (const Provider& provider : pack.providers) {
    EXPECT_TRUE(providers.contains(provider.id)) << provider.id << " has no rule";
  }
}

// Two providers must not both take one host: which one it is would be chance.
TEST(Pack, NoValueIsOfTwoProviders) {
  const Pack pack = testing::built_in();
  for (const Rule& rule : pack.rules) {
    if (!has_names(rule.slot) || has_labels(rule.slot)) continue;
    for (const Example& example : rule.examples) {
      if (!example.is_hit) continue;
      int most = 0;
      std::set<std::string> takers;
      for (const Rule& other : pack.rules) {
        if (other.slot != rule.slot || !takes(other, example.value)) continue;
        if (other.weight > most) takers.clear();
        most = std::max(most, other.weight);
        if (other.weight == most) takers.insert(other.provider);
      }
      EXPECT_EQ(takers, std::set<std::string>{rule.provider}) << example.value;
    }
  }
}

constexpr std::string_view kSmall = R"(pack mine 2026-11-22   # a comment
provider acme vendor-exchange "Acme # Hosting"
rule acme-mx acme
  on      mx
  match   .acme.example mx.acme.test
  match   mx*.acme.invalid
  weight  80
  means   "Acme takes the mail"
  hit     a.acme.example
  miss    acme.example
)";

TEST(Pack, IsReadAsItIsWritten) {
  Pack pack;
  const auto read = read_pack(kSmall, "p", pack);
  ASSERT_TRUE(read) << read.error().text;
  ASSERT_EQ(pack.rules.size(), 1U);
  EXPECT_EQ(pack.providers.front().title, "Acme # Hosting");
  EXPECT_EQ(pack.provider_of(pack.rules.front()).role, Role::vendor_exchange);
  EXPECT_EQ(pack.rules.front().names.size(), 3U);
  EXPECT_EQ(pack.rules.front().weight, 80);
  EXPECT_EQ(pack.origins, std::vector<std::string>{"mine 2026-11-22"});
}

TEST(Pack, AnotherPackReplacesAddsAndDrops) {
  Pack pack = testing::built_in();
  const std::size_t before = pack.rules.size();
  const auto read = read_pack(
      "pack mine 1\nprovider zoho vendor \"Zoho of ours\"\ndrop zoho-spf\n"
      "rule zoho-mx zoho\n on mx\n match .zoho.test\n weight 50\n"
      "rule new-mx zoho\n on mx\n match .new.test\n weight 50\n",
      "p", pack);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(pack.rules.size(), before);  // One more, one less.
  const auto zoho = std::ranges::find(pack.rules, "zoho-mx", &Rule::id);
  EXPECT_TRUE(fits(*zoho, testing::name("a.zoho.test")));
  EXPECT_FALSE(fits(*zoho, testing::name("mx.zoho.eu")));
  EXPECT_EQ(pack.provider_of(*zoho).title, "Zoho of ours");
}

TEST(Pack, WhatIsWrongIsNamedWithItsLine) {
  struct Case {
    const char* text;
    const char* error;
  };
  const Case cases[] = {
      {"", "p:0: a pack begins"},
      {"rule a b\n", "p:1: a pack begins"},
      {"pack a\n", "p:1: \"pack NAME DATE\""},
      {"pack a 1\npack b 1\n", "p:2: \"pack NAME DATE\""},
      {"pack a 1\nnonsense\n", "p:2: nonsense is no statement"},
      {"pack a 1\n  on mx\n", "p:2: what is indented"},
      {"pack a 1\nprovider x nobody \"X\"\n", "p:2: nobody is no role"},
      {"pack a 1\nprovider x vendor X\n", "p:2: write: provider"},
      {"pack a 1\nrule r x\n on mx\n match a.b\n weight 5\n", "p:2: rule r: there is no provider"},
      {"pack a 1\nrule r x\n on mx\n match a.b\n", "p:2: rule r needs"},
      {"pack a 1\nrule r x\n on nowhere\n", "p:3: write once: on SLOT"},
      {"pack a 1\nrule r x\n on dkim\n", "p:3: dkim needs the labels"},
      {"pack a 1\nrule r x\n on mx label\n", "p:3: mx takes no labels"},
      {"pack a 1\nrule r x\n match a.b\n", "p:3: \"on\" comes before"},
      {"pack a 1\nrule r x\n on mx\n match a..b\n", "p:4: a..b is no pattern"},
      {"pack a 1\nrule r x\n on mx\n weight 101\n", "p:4: weight"},
      {"pack a 1\nrule r x\n on mx\n weight 0\n", "p:4: weight"},
      {"pack a 1\nrule r x\n on mx\n colour red\n", "p:4: colour is no field"},
      {"pack a 1\ndrop r\n", "p:2: there is no rule r to drop"},
      {"pack a 1\nrule r\x1b x\n", "p:2: write: rule"},
  };
  for (const Case& each : cases) {
    Pack pack = testing::built_in();
    const std::size_t rules = pack.rules.size();
    const auto read = read_pack(each.text, "p", pack);
    ASSERT_FALSE(read) << each.text;
    EXPECT_TRUE(read.error().text.starts_with(each.error)) << read.error().text;
    EXPECT_EQ(pack.rules.size(), rules);  // As it was.
  }
}

TEST(Pack, HasBounds) {
  Pack pack;
  EXPECT_FALSE(read_pack(std::string(kMaxPackOctets + 1, '\n'), "p", pack));
  std::string labels = "pack a 1\nprovider x vendor \"X\"\n";
  for (std::size_t i = 0; i <= kMaxSlotLabels; ++i) {
    labels += fmt::format("rule r{0} x\n on dkim s{0}\n match a.b\n weight 5\n", i);
  }
  const auto read = read_pack(labels, "p", pack);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().text.find("labels to ask for"), std::string::npos) << read.error().text;
}

}  // namespace
}  // namespace postern::exposure
