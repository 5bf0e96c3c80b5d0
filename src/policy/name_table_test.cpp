#include "policy/name_table.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "policy/image_writer.h"
#include "policy/rule_image.h"

namespace postern::policy {
namespace {

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

/// An image of one zone, and its table.
struct Table {
  explicit Table(const ZoneRules& rules, std::uint64_t mask = ~0ULL) {
    const ZoneContent zone{"z", "", &rules};
    const auto octets = std::make_shared<Octets>(build_image({&zone, 1}, 99, mask).value());
    image = RuleImage::open(*octets, octets).value();
  }
  const NameTable* operator->() const { return &image->names(Trigger::qname); }

  std::shared_ptr<const RuleImage> image;
};

/// The owners found for a name, the longest first, in text.
std::string found(const Table& table, std::string_view text) {
  NameTable::Owners owners;
  table->find(name(text), owners);
  std::string all;
  for (std::size_t i = 0; i < owners.count; ++i) {
    const auto owner = table->owner_at(owners.items[i].entry);
    EXPECT_TRUE(owner.has_value());
    if (!owner) continue;
    EXPECT_EQ(owner->label_count(), owners.items[i].labels);
    EXPECT_EQ(owners.items[i].whole, *owner == name(text));
    all += owner->to_text() + " ";
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
    const Table table(rules, mask);
    EXPECT_EQ(found(table, "c.b.a"), "c.b.a. b.a. a. . ");
    EXPECT_EQ(found(table, "y.c.b.a"), "c.b.a. b.a. a. . ");
    EXPECT_EQ(found(table, "z.y.x.c.b.a"), "x.c.b.a. c.b.a. b.a. a. . ");
    EXPECT_EQ(found(table, "cb.a"), "a. . ");
    EXPECT_EQ(found(table, "b"), ". ");
    EXPECT_EQ(found(table, "."), ". ");
  }
}

TEST(NameTable, DoesNotConfuseLabelsThatRunIntoEachOther) {
  ZoneRules rules;
  rules.add({.name = name("ab.c"), .scope = Scope::at_and_below});
  for (const std::uint64_t mask : kMasks) {
    const Table table(rules, mask);
    // One label with a length octet inside, as the wire form of "ab.c" has it.
    EXPECT_EQ(found(table, "ab\\001c"), "");
    EXPECT_EQ(found(table, "a.bc"), "");
    EXPECT_EQ(found(table, "b.c"), "");
    EXPECT_EQ(found(table, "c"), "");
    EXPECT_EQ(found(table, "ab.c.d"), "");
    EXPECT_EQ(found(table, "a.ab.c"), "ab.c. ");
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
    const Table table(rules, mask);
    for (int i = 0; i < 2 * kNames; ++i) {
      const std::string text = "n" + std::to_string(i) + ".example";
      ASSERT_EQ(found(table, text), i % 2 == 0 ? text + ". " : "");
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
  const Table table(rules);
  EXPECT_EQ(found(table, deep), deep + " a. ");
  EXPECT_EQ(found(table, deep.substr(2)), "a. ");
  EXPECT_EQ(found(table, wide), wide + " ");
}

TEST(NameTable, KeepsShadowedRulesInTheOrderOfTheZone) {
  ZoneRules rules;
  for (unsigned i = 1; i <= 5; ++i) rules.add({.name = name("a"), .line = i});
  const Table table(rules);
  NameTable::Owners owners;
  table->find(name("a"), owners);
  ASSERT_EQ(owners.count, 1U);
  Postings postings = table->postings(owners.items[0]);
  Posting posting;
  ASSERT_TRUE(postings.next(posting));
  EXPECT_EQ(posting.line, 1U);
  const auto shadowed = table->shadowed(posting.at);
  ASSERT_EQ(shadowed.size(), 4U);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(table->posting_of(shadowed[i]).line, i + 2);
  EXPECT_FALSE(postings.next(posting));
}

// A feed that says one name a hundred thousand times must not make its lookups slow: the list
// of an owner stays as short as with one rule (and building it stays linear).
TEST(NameTable, RepeatedRulesDoNotLengthenALookup) {
  ZoneRules rules;
  for (int i = 0; i < 100'000; ++i) {
    rules.add({.name = name("a"), .scope = static_cast<Scope>(i % 3)});
  }
  const Table table(rules);
  NameTable::Owners owners;
  table->find(name("a"), owners);
  ASSERT_EQ(owners.count, 1U);
  Postings postings = table->postings(owners.items[0]);
  int length = 0;
  for (Posting posting; postings.next(posting);) ++length;
  EXPECT_EQ(length, 3);
}

TEST(NameTable, TakesLittleMoreThanTheNamesWithoutTheirFrequentEnds) {
  ZoneRules rules;
  for (unsigned i = 0; i < 100'000; ++i) {
    rules.add({.name = name("n" + std::to_string(i) + ".example"), .line = i + 1});
  }
  // Label of six octets and its size, end, kind, line of two or three, bucket.
  EXPECT_LE(Table(rules).image->size_octets(), 1'500'000U);
}

}  // namespace
}  // namespace postern::policy
