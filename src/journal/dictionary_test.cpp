#include "journal/dictionary.h"

#include <string>

#include <gtest/gtest.h>

#include "journal/schema.h"
#include "journal/testing.h"

namespace postern::journal {
namespace {

using testing::answered;
using testing::blocked;
using testing::name;
using testing::ScratchFolder;

TEST(IdCache, HoldsNoMoreThanItsCapacityAndKeepsWhatIsUsed) {
  IdCache cache(100, 1);
  cache.insert("often", 7);
  for (int i = 0; i < 1000; ++i) {
    cache.insert("seldom" + std::to_string(i), i);
    EXPECT_EQ(cache.find("often"), 7);
    EXPECT_LE(cache.size(), 102U);
  }
  EXPECT_EQ(cache.find("seldom0"), std::nullopt);
  EXPECT_EQ(cache.find("seldom999"), 999);
  cache.clear();
  EXPECT_EQ(cache.find("often"), std::nullopt);
}

TEST(IdSet, HoldsIdsNearAndFar) {
  IdSet ids;
  for (const std::int64_t id : {1LL, 511LL, 512LL, 1LL << 40}) ids.insert(id);
  for (const std::int64_t id : {1LL, 511LL, 512LL, 1LL << 40}) EXPECT_TRUE(ids.contains(id));
  for (const std::int64_t id : {0LL, 2LL, 510LL, 513LL, (1LL << 40) + 1}) {
    EXPECT_FALSE(ids.contains(id)) << id;
  }
}

struct DictionaryTest : ::testing::Test {
  ScratchFolder folder;
  Database database = open_for_writing(folder.file("journal.db")).value();
  Dictionary dictionary = Dictionary::open(database, 1).value();
};

TEST_F(DictionaryTest, TheSameThingHasTheSameIdAlsoWhenForgotten) {
  const auto first = dictionary.name_id(name("www.example")).value();
  EXPECT_NE(dictionary.name_id(name("example")).value(), first);
  EXPECT_EQ(dictionary.name_id(name("www.example")).value(), first);
  dictionary.forget();
  EXPECT_EQ(dictionary.name_id(name("www.example")).value(), first);
  EXPECT_EQ(database.number("SELECT count(*) FROM name").value(), 2);
}

TEST_F(DictionaryTest, AClientIsAnAddressInAGroup) {
  event::Query query = answered("x.example");
  const auto first = dictionary.client_id(query).value();
  query.group.assign("kids");
  const auto second = dictionary.client_id(query).value();
  EXPECT_NE(first, second);
  query.group.assign("default");
  dictionary.forget();
  EXPECT_EQ(dictionary.client_id(query).value(), first);
}

TEST_F(DictionaryTest, AVerdictIsAllThatDecided) {
  EXPECT_EQ(dictionary.verdict_id(answered("x.example")).value(), std::nullopt);
  const event::Query query = blocked("a.bad.example", "bad.example");
  const auto first = dictionary.verdict_id(query).value();
  ASSERT_TRUE(first);
  event::Query other = query;
  other.rule_line = 18;
  EXPECT_NE(dictionary.verdict_id(other).value(), first);
  other = query;
  other.matched_wildcard = false;
  EXPECT_NE(dictionary.verdict_id(other).value(), first);
  other = query;
  other.zone.assign("hafniu");
  other.action.assign("mnxdomain");
  EXPECT_NE(dictionary.verdict_id(other).value(), first) << "fields do not run together";
  dictionary.forget();
  EXPECT_EQ(dictionary.verdict_id(query).value(), first);
}

TEST_F(DictionaryTest, IdsInUseAreNotedWhetherRememberedOrNot) {
  const auto known = dictionary.name_id(name("known.example")).value();
  IdsInUse in_use;
  dictionary.note_ids_in(&in_use);
  const auto fresh = dictionary.name_id(name("fresh.example")).value();
  EXPECT_FALSE(in_use[0].contains(known));
  static_cast<void>(dictionary.name_id(name("known.example")));
  EXPECT_TRUE(in_use[0].contains(known));
  EXPECT_TRUE(in_use[0].contains(fresh));
}

}  // namespace
}  // namespace postern::journal
