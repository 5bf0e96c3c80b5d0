#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "journal/retention.h"
#include "journal/store.h"
#include "journal/testing.h"

namespace postern::journal {
namespace {

using testing::answered;
using testing::at_second;
using testing::blocked;
using testing::integrity_of;
using testing::number_in;
using testing::ScratchFolder;

constexpr std::int64_t kDay = 86'400;

struct RetentionTest : ::testing::Test {
  std::unique_ptr<Store> open() { return Store::open(options, at_second(0), log).value(); }

  // Names are `prefix`N.example, one a second from `second` on.
  void fill(Store& store, int count, std::int64_t second, const std::string& prefix = "n") {
    ASSERT_TRUE(store.begin());
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(store.add(answered(prefix + std::to_string(i) + ".example", second + i)));
    }
    ASSERT_TRUE(store.commit());
  }

  static int tidy_all(Store& store, WallTime now) {
    for (int steps = 1; steps < 10'000; ++steps) {
      const auto more = store.tidy(now);
      if (!more || !*more) return steps;
    }
    return -1;
  }

  std::int64_t count(const std::string& table) {
    return number_in(options.path, "SELECT count(*) FROM " + table);
  }

  ScratchFolder folder;
  NullLog log;
  StoreOptions options{.path = folder.file("journal.db"), .retention = {}, .seed = 1};
};

TEST_F(RetentionTest, WhatIsTooOldGoesAndNothingElse) {
  options.retention.days = 10;
  auto store = open();
  fill(*store, 1000, 0, "old");
  fill(*store, 1000, 5 * kDay, "young");
  tidy_all(*store, at_second(9 * kDay));
  EXPECT_EQ(count("query"), 2000);
  tidy_all(*store, at_second(10 * kDay + 1100));
  EXPECT_EQ(count("query"), 1000);
  EXPECT_EQ(number_in(options.path, "SELECT min(at) FROM query"),
            at_second(5 * kDay).time_since_epoch().count());
  EXPECT_EQ(store->retention().rows_removed(), 1000U);
  tidy_all(*store, at_second(40 * kDay));
  EXPECT_EQ(count("query"), 0) << "the last segment too, once it has ended";
}

TEST_F(RetentionTest, AnIdIsNeverGivenTwiceThoughRowsGo) {
  options.retention.days = 1;
  auto store = open();
  fill(*store, 10, 0);
  fill(*store, 10, kDay);
  tidy_all(*store, at_second(kDay + 5000));
  store.reset();
  store = open();
  fill(*store, 1, 2 * kDay);
  EXPECT_EQ(number_in(options.path, "SELECT max(id) FROM query"), 21);
}

TEST_F(RetentionTest, TheFileStaysUnderItsCapAndTheNewestStay) {
  options.retention.max_octets = RetentionOptions::kMinOctets;
  auto store = open();
  // Every row with a name of its own: the worst for the dictionary.
  std::int64_t second = 0;
  for (int batch = 0; batch < 20; ++batch) {
    fill(*store, 8192, second, "random-subdomain-" + std::to_string(batch) + "-");
    second += 8192;
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(store->tidy(at_second(second)));
    ASSERT_LE(std::filesystem::file_size(options.path), RetentionOptions::kMinOctets);
  }
  EXPECT_GT(store->retention().rows_removed(), 60'000U);
  EXPECT_GT(store->retention().entries_removed(), 50'000U) << "names went with their rows";
  EXPECT_GT(count("query"), 15'000) << "room is not wasted";
  EXPECT_EQ(number_in(options.path, "SELECT max(at) FROM query"),
            at_second(second - 1).time_since_epoch().count());
  EXPECT_EQ(
      number_in(options.path, "SELECT count(*) FROM query WHERE name NOT IN (SELECT id FROM name)"),
      0);
  EXPECT_EQ(integrity_of(options.path), "ok");
}

TEST_F(RetentionTest, AFullFileMakesRoomWhenTold) {
  options.retention.max_octets = RetentionOptions::kMinOctets;
  auto store = open();
  Errc error{};
  for (int batch = 0; batch < 100 && error == Errc{}; ++batch) {
    ASSERT_TRUE(store->begin());
    Result<void> done;
    for (int i = 0; i < 8192 && done; ++i) {
      done =
          store->add(answered("b" + std::to_string(batch) + "-" + std::to_string(i) + ".example"));
    }
    if (done) done = store->commit();
    if (!done) {
      error = done.error().code;
      store->rollback();
    }
  }
  ASSERT_EQ(error, Errc::limit_exceeded) << "retention never ran: the hard bound holds";
  ASSERT_TRUE(store->make_room());
  fill(*store, 8192, 0, "after");
  EXPECT_LE(std::filesystem::file_size(options.path), RetentionOptions::kMinOctets);
  EXPECT_EQ(integrity_of(options.path), "ok");
}

TEST_F(RetentionTest, ALoweredCapShrinksTheFile) {
  options.retention.max_octets = 64ULL << 20;
  auto store = open();
  for (int batch = 0; batch < 15; ++batch) {
    fill(*store, 8192, batch * 8192, "b" + std::to_string(batch) + "-");
  }
  store.reset();
  const auto before = std::filesystem::file_size(options.path);
  ASSERT_GT(before, RetentionOptions::kMinOctets);
  options.retention.max_octets = RetentionOptions::kMinOctets;
  store = open();
  EXPECT_GT(tidy_all(*store, at_second(15 * 8192)), 0);
  store.reset();  // The last connection brings the file up to date.
  EXPECT_LE(std::filesystem::file_size(options.path), RetentionOptions::kMinOctets);
  EXPECT_EQ(integrity_of(options.path), "ok");
}

TEST_F(RetentionTest, UnusedNamesGoAndThoseInUseStayThoughRowsAreWrittenMeanwhile) {
  options.retention.days = 10;
  options.retention.sweep_after_rows = 1000;
  auto store = open();
  fill(*store, 1000, 0, "gone");
  ASSERT_TRUE(store->begin());
  ASSERT_TRUE(store->add(blocked("a.bad.example", "bad.example", 500)));
  ASSERT_TRUE(store->commit());
  fill(*store, 100, 5 * kDay, "stays");
  // "back" is unused when the names are looked through, and used again before they are removed.
  fill(*store, 1, 0, "back");
  const WallTime now = at_second(11 * kDay);
  int step = 0;
  for (bool more = true; more && step < 100; ++step) {
    more = store->tidy(now).value();
    fill(*store, 1, 11 * kDay + step, "back");
  }
  EXPECT_GE(step, 4);
  EXPECT_EQ(
      number_in(options.path, "SELECT count(*) FROM query WHERE name NOT IN (SELECT id FROM name)"),
      0);
  EXPECT_EQ(count("name"), 101);
  EXPECT_EQ(count("verdict"), 0) << "the rule's row went, and its verdict";
  EXPECT_EQ(count("client"), 1);
}

}  // namespace
}  // namespace postern::journal
