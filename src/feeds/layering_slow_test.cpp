// A short list that changes beside a long one that does not: what is built, kept and found again.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "feeds/builder.h"
#include "feeds/feeds_fixture.h"
#include "feeds/image_store.h"

namespace postern::feeds {
namespace {

using testing::eventually;
using testing::list;

struct LayeringTest : testing::FeedsFixture {
  static constexpr int kLong = 40'000;

  // A long list, and a short one that is `text`.
  std::vector<Source> long_and_short(const std::string& text) {
    folder.write("long.txt", list(kLong));
    folder.write("short.txt", text);
    return {file_source("long", "long.txt"), file_source("short", "short.txt")};
  }
  void change_short(const std::string& text, const std::string& expected) {
    folder.replace("short.txt", text);
    ASSERT_TRUE(eventually([&] { return blocks(expected); })) << status(1).last_error;
  }
  // What is written once it is in force.
  void await_file(const std::string& name) {
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(image(name)); })) << name;
  }
  std::string image(const std::string& name) const {
    return folder.file("cache/rules-" + name + ".image");
  }
  std::vector<std::uint64_t> kept() { return ImageStore(folder.file("cache"), log).numbers(); }
  std::shared_ptr<const policy::RuleImage> ground() const {
    return policy.current()->images().front();
  }
};

TEST_F(LayeringTest, OnlyTheShortListIsBuiltAndTheNextStartFindsBoth) {
  const auto sources = long_and_short("one.example\n");
  start(sources);
  const auto before = ground();
  change_short("two.example\n", "two.example");
  EXPECT_FALSE(blocks("one.example"));
  EXPECT_TRUE(blocks("bad7.example"));
  EXPECT_EQ(ground(), before);
  EXPECT_EQ(policy.current()->rule_count(), kLong + 1U);
  await_file("2-on-1");
  EXPECT_LT(std::filesystem::file_size(image("2-on-1")), 10'000U);
  change_short("three.example\n", "three.example");
  EXPECT_FALSE(blocks("two.example"));
  EXPECT_EQ(ground(), before);
  EXPECT_EQ(policy.current()->images().size(), 2U) << "the second one is replaced";
  await_file("3-on-1");
  // What a start finds is not built again, nor is there a second ground.
  restart(sources);
  EXPECT_TRUE(blocks("three.example") && blocks("bad7.example"));
  EXPECT_FALSE(blocks("one.example") || blocks("two.example"));
  EXPECT_EQ(kept(), (std::vector<std::uint64_t>{3, 2, 1}));
  change_short("four.example\n", "four.example");
  await_file("5-on-1");
  // Neither list is to be had.
  feeds.reset();
  std::filesystem::remove(folder.file("long.txt"));
  std::filesystem::remove(folder.file("short.txt"));
  restart(sources);
  EXPECT_TRUE(blocks("four.example") && blocks("bad7.example"));
  EXPECT_FALSE(blocks("three.example"));
}

TEST_F(LayeringTest, WhatLiesOverTheGroundIsBuiltWithItOnceThereIsMuchOfIt) {
  start(long_and_short("one.example\n"));
  std::string much;
  for (int i = 0; i < kLong / 3; ++i) much += "much" + std::to_string(i) + ".example\n";
  const auto before = ground();
  change_short(much, "much77.example");
  EXPECT_NE(ground(), before);
  EXPECT_EQ(policy.current()->images().size(), 1U);
  await_file("2");
}

TEST_F(LayeringTest, GoingBackFindsWhatLayOverTheGround) {
  start(long_and_short("one.example\n"));
  change_short("two.example\n", "two.example");
  change_short("three.example\n", "three.example");
  await_file("3-on-1");
  const auto before = ground();
  for (const auto& [generation, blocked] : {std::pair(2, "two.example"), {1, "one.example"}}) {
    SCOPED_TRACE(generation);
    const auto done = feeds->order({.kind = GateOrder::Kind::roll_back_all,
                                    .feed = {},
                                    .generation = static_cast<std::uint64_t>(generation)});
    ASSERT_TRUE(done) << done.error().text;
    for (const char* each : {"one.example", "two.example", "three.example"}) {
      EXPECT_EQ(blocks(each), std::string(each) == blocked) << each;
    }
    EXPECT_TRUE(blocks("bad7.example"));
    EXPECT_EQ(ground(), before) << "the one in memory is that which these lie on";
  }
  await_file("4-on-1");
  await_file("5");
}

TEST_F(LayeringTest, ARollbackOfOneFeedIsFoundByTheNextStart) {
  auto sources = long_and_short("one.example\n");
  folder.write("other.txt", "other1.example\n");
  sources.push_back(file_source("other", "other.txt"));
  const auto change_other = [&](int number) {
    const std::string name = "other" + std::to_string(number) + ".example";
    folder.replace("other.txt", name + "\n");
    ASSERT_TRUE(eventually([&] { return blocks(name); }));
  };
  start(sources);
  change_other(2);
  change_short("two.example\n", "two.example");
  change_other(3);
  await_file("4-on-1");
  ASSERT_TRUE(feeds->order({.kind = GateOrder::Kind::roll_back_feed, .feed = "short"}));
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    EXPECT_TRUE(blocks("one.example") && blocks("other3.example") && blocks("bad7.example"));
    EXPECT_FALSE(blocks("two.example"));
    restart(sources);
  }
}

TEST_F(LayeringTest, TheGroundIsTheSameThoughThePastWasAskedAbout) {
  start(long_and_short("one.example\n"));
  await_file("1");
  const auto before = ground();
  const auto then = std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
  // Files are not stamped more finely than this.
  ASSERT_TRUE(
      eventually([&] { return std::chrono::system_clock::now() > then + milliseconds(20); }));
  ASSERT_TRUE(feeds->generation_at(then + milliseconds(20)));
  change_short("two.example\n", "two.example");
  EXPECT_EQ(ground(), before);
  await_file("2-on-1");
}

TEST_F(LayeringTest, AGroundStaysAsLongAsSomethingLiesOnIt) {
  const auto sources = long_and_short("n0.example\n");
  start(sources);
  for (int i = 1; i < 14; ++i) {
    const std::string name = "n" + std::to_string(i) + ".example";
    change_short(name + "\n", name);
    await_file(std::to_string(i + 1) + "-on-1");
  }
  EXPECT_TRUE(eventually(
      [&] { return kept() == std::vector<std::uint64_t>{14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 1}; }));
  restart(sources);
  EXPECT_TRUE(blocks("n13.example") && blocks("bad7.example"));
}

TEST_F(LayeringTest, WithoutItsGroundOnDiskAllIsBuilt) {
  const auto sources = long_and_short("one.example\n");
  start(sources);
  change_short("two.example\n", "two.example");
  await_file("2-on-1");
  std::filesystem::remove(image("1"));
  change_short("three.example\n", "three.example");
  EXPECT_TRUE(blocks("bad7.example"));
  EXPECT_FALSE(blocks("two.example"));
  await_file("3");
  // And at a start, where either is damaged.
  change_short("four.example\n", "four.example");
  await_file("4-on-3");
  feeds.reset();
  std::fstream(image("3"), std::ios::in | std::ios::out | std::ios::binary) << "damage";
  restart(sources);
  EXPECT_TRUE(blocks("four.example") && blocks("bad7.example"));
  EXPECT_FALSE(blocks("three.example"));
  EXPECT_NE(log.text().find("rules of generation 4 are passed over"), std::string::npos);
}

TEST_F(LayeringTest, VotesAreCountedAgainWhereAListOfTheirsChangesOnly) {
  auto sources = long_and_short("one.example\nbad7.example\n");
  folder.write("other.txt", "other.example\n");
  sources.push_back(file_source("other", "other.txt"));
  Source counted = source("counted");
  counted.zone.votes = policy::Votes{.zones = {0, 1}, .doubts = {}};
  sources.push_back(counted);
  auto made = options(sources);
  made.groups[0].zones = {2, 3};
  feeds = Feeds::start(made, policy, log);
  feeds->wait_until_local_sources_are_in_force();
  EXPECT_TRUE(blocks("bad7.example") && blocks("other.example"));
  EXPECT_FALSE(blocks("one.example") || blocks("bad8.example"));
  const auto before = ground();
  folder.replace("short.txt", "bad8.example\n");
  ASSERT_TRUE(eventually([&] { return blocks("bad8.example"); }));
  EXPECT_FALSE(blocks("bad7.example"));
  EXPECT_EQ(ground(), before);
  const auto over = policy.current()->images().at(1);
  EXPECT_EQ(over->rule_count(), 2U) << "the short list and what is counted";
  folder.replace("other.txt", "new.example\n");
  ASSERT_TRUE(eventually([&] { return blocks("new.example"); }));
  EXPECT_TRUE(blocks("bad8.example"));
  EXPECT_EQ(status(3).rules, 1U);
  // A list of theirs that is read in another way is another one.
  EXPECT_FALSE(blocks("www.bad8.example"));
  made.sources[0].format.scope = policy::Scope::at_and_below;
  made.sources[1].format.scope = policy::Scope::at_and_below;
  feeds->reconfigure(made);
  EXPECT_TRUE(eventually([&] { return blocks("www.bad8.example"); }));
  const std::uint64_t counted_at = generation();
  // Nor are they counted at a start.
  EXPECT_TRUE(eventually([&] { return kept().front() == counted_at; }));
  feeds.reset();
  policy.publish(policy::Generation::empty());
  feeds = Feeds::start(made, policy, log);
  feeds->wait_until_local_sources_are_in_force();
  EXPECT_TRUE(blocks("www.bad8.example") && blocks("new.example"));
  EXPECT_EQ(kept().front(), counted_at);
}

}  // namespace
}  // namespace postern::feeds
