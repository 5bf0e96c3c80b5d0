#include "policy/name_table.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

/// The owners found for a name, the longest first, in text.
std::string found(const NameTable& table, const ZoneRules& rules, std::string_view text) {
  NameTable::Owners owners;
  table.find(name(text), owners);
  std::string all;
  for (std::size_t i = 0; i < owners.count; ++i) {
    const Rule rule = rules.at(table.posting(owners.items[i].posting).rule);
    EXPECT_EQ(rule.name.label_count(), owners.items[i].labels);
    EXPECT_EQ(owners.items[i].whole, rule.name == name(text));
    all += rule.name.to_text() + " ";
  }
  return all;
}

// Every bit of the hash that matters, a few of them, none at all: a table that has nothing but
// collisions must give the same answers.
constexpr std::uint64_t kMasks[] = {~0ULL, 0xffffffff00000000ULL, 0xffffffffULL, 3, 0};

TEST(NameTable, FindsEveryOwnerAboveANameWhateverTheHash) {
  ZoneRules rules;
  for (const char* owner : {"a", "b.a", "c.b.a", "x.c.b.a", "."}) {
    rules.add({.name = name(owner), .scope = Scope::at_and_below});
  }
  for (const std::uint64_t mask : kMasks) {
    SCOPED_TRACE(mask);
    const NameTable table({&rules}, Trigger::qname, 1, mask);
    EXPECT_EQ(found(table, rules, "c.b.a"), "c.b.a. b.a. a. . ");
    EXPECT_EQ(found(table, rules, "y.c.b.a"), "c.b.a. b.a. a. . ");
    EXPECT_EQ(found(table, rules, "z.y.x.c.b.a"), "x.c.b.a. c.b.a. b.a. a. . ");
    EXPECT_EQ(found(table, rules, "cb.a"), "a. . ");
    EXPECT_EQ(found(table, rules, "b"), ". ");
    EXPECT_EQ(found(table, rules, "."), ". ");
  }
}

TEST(NameTable, DoesNotConfuseLabelsThatRunIntoEachOther) {
  ZoneRules rules;
  rules.add({.name = name("ab.c"), .scope = Scope::at_and_below});
  for (const std::uint64_t mask : kMasks) {
    const NameTable table({&rules}, Trigger::qname, 1, mask);
    // One label with a length octet inside, as the wire form of "ab.c" has it.
    EXPECT_EQ(found(table, rules, "ab\\001c"), "");
    EXPECT_EQ(found(table, rules, "a.bc"), "");
    EXPECT_EQ(found(table, rules, "b.c"), "");
    EXPECT_EQ(found(table, rules, "c"), "");
    EXPECT_EQ(found(table, rules, "ab.c.d"), "");
    EXPECT_EQ(found(table, rules, "a.ab.c"), "ab.c. ");
  }
}

TEST(NameTable, ThousandsOfCollisionsNeverConfuseNames) {
  constexpr int kNames = 2000;
  ZoneRules rules;
  for (int i = 0; i < kNames; ++i) {
    rules.add({.name = name("n" + std::to_string(2 * i) + ".example")});
  }
  for (const std::uint64_t mask : kMasks) {
    SCOPED_TRACE(mask);
    const NameTable table({&rules}, Trigger::qname, 99, mask);
    for (int i = 0; i < 2 * kNames; ++i) {
      const std::string text = "n" + std::to_string(i) + ".example";
      ASSERT_EQ(found(table, rules, text), i % 2 == 0 ? text + ". " : "");
    }
  }
}

TEST(NameTable, HoldsTheLongestAndTheDeepestName) {
  std::string deep;
  for (int i = 0; i < 127; ++i) deep += "a.";
  const std::string label(63, 'x');
  const std::string wide = label + "." + label + "." + label + "." + std::string(61, 'y') + ".";
  ZoneRules rules;
  rules.add({.name = name(deep), .scope = Scope::at_and_below});
  rules.add({.name = name(wide), .scope = Scope::at_and_below});
  rules.add({.name = name("a"), .scope = Scope::at_and_below});
  const NameTable table({&rules}, Trigger::qname, 5);
  EXPECT_EQ(found(table, rules, deep), deep + " a. ");
  EXPECT_EQ(found(table, rules, deep.substr(2)), "a. ");
  EXPECT_EQ(found(table, rules, wide), wide + " ");
}

TEST(NameTable, KeepsShadowedRulesInTheOrderOfTheZone) {
  ZoneRules rules;
  for (int i = 0; i < 5; ++i) rules.add({.name = name("a"), .line = static_cast<unsigned>(i)});
  const NameTable table({&rules}, Trigger::qname, 5);
  NameTable::Owners owners;
  table.find(name("a"), owners);
  ASSERT_EQ(owners.count, 1U);
  EXPECT_EQ(table.posting(owners.items[0].posting).rule, 0U);
  EXPECT_EQ(table.posting(owners.items[0].posting).next, NameTable::kNone);
  const auto shadowed = table.shadowed(owners.items[0].posting);
  ASSERT_EQ(shadowed.size(), 4U);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(shadowed[i].rule, i + 1);
}

// A feed that says one name a hundred thousand times must not make its lookups slow: the list
// behind a slot stays as short as with one rule (and building it stays linear).
TEST(NameTable, RepeatedRulesDoNotLengthenALookup) {
  ZoneRules rules;
  for (int i = 0; i < 100'000; ++i) {
    rules.add({.name = name("a"), .scope = static_cast<Scope>(i % 3)});
  }
  const NameTable table({&rules}, Trigger::qname, 5);
  NameTable::Owners owners;
  table.find(name("a"), owners);
  ASSERT_EQ(owners.count, 1U);
  int length = 0;
  for (auto at = owners.items[0].posting; at != NameTable::kNone; at = table.posting(at).next) {
    ++length;
  }
  EXPECT_EQ(length, 3);
}

TEST(NameTable, MemoryStaysUnderFortyOctetsARule) {
  ZoneRules rules;
  for (int i = 0; i < 100'000; ++i) rules.add({.name = name(std::to_string(i) + ".example")});
  EXPECT_LE(NameTable({&rules}, Trigger::qname, 5).memory_octets(), 2'600'000U);
}

}  // namespace
}  // namespace postern::policy
