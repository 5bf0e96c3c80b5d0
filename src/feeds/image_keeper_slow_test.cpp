// Rules that are kept on disk as an image: what a restart finds, and what it does not believe.
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "feeds/feeds_fixture.h"
#include "feeds/image_source.h"
#include "feeds/image_store.h"

namespace postern::feeds {
namespace {

using testing::eventually;
using testing::list;

struct ImageKeeperTest : testing::FeedsFixture {
  std::vector<std::uint64_t> images() { return ImageStore(folder.file("cache"), log).numbers(); }
  std::string image_file(std::uint64_t number) const {
    return "cache/rules-" + std::to_string(number) + ".image";
  }
};

TEST_F(ImageKeeperTest, ARestartProtectsByTheImageAlone) {
  folder.write("local.txt", "local.example\n");
  const std::vector<Source> sources = {text_source("pack", "pack.example\n"),
                                       file_source("local", "local.txt")};
  start(sources);
  EXPECT_EQ(images(), std::vector<std::uint64_t>{1});
  feeds.reset();
  // Neither the list nor its last good copy is to be had.
  std::filesystem::remove(folder.file("local.txt"));
  std::filesystem::remove(folder.file("cache/local.meta"));
  policy.publish(policy::Generation::empty());
  start(sources);
  EXPECT_TRUE(blocks("pack.example"));
  EXPECT_TRUE(blocks("local.example"));
  EXPECT_EQ(generation(), 2U);
  EXPECT_EQ(status(1).health, intel::Health::stale);
  EXPECT_EQ(status(1).rules, 1U);
  EXPECT_NE(status(1).last_error.find("No such file"), std::string::npos);
}

TEST_F(ImageKeeperTest, WhatIsUnchangedIsNotReadAgain) {
  folder.write("local.txt", "local.example\nbad line here\n");
  start({file_source("local", "local.txt"), text_source("pack", "pack.example\n")});
  ASSERT_EQ(status(0).lines_skipped, 1U);
  const std::string skipped = status(0).first_skipped;
  restart({file_source("local", "local.txt"), text_source("pack", "pack.example\n")});
  EXPECT_EQ(images(), std::vector<std::uint64_t>{1}) << "nothing was compiled";
  EXPECT_EQ(generation(), 2U);
  EXPECT_EQ(status(0).health, intel::Health::good);
  EXPECT_EQ(status(0).lines_skipped, 1U);
  EXPECT_EQ(status(0).first_skipped, skipped);
  // Another order and other options of the zones take no compiling either.
  Source pack = text_source("pack", "pack.example\n");
  pack.zone.ttl_s = 99;
  restart({pack, file_source("local", "local.txt")});
  EXPECT_EQ(images(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(policy.current()->zone(0).ttl_s, 99U);
  EXPECT_TRUE(blocks("pack.example"));
  EXPECT_TRUE(blocks("local.example"));
}

TEST_F(ImageKeeperTest, WhatChangedMeanwhileIsReadAndTheRestTakenOver) {
  folder.write("local.txt", "local.example\n");
  start({file_source("local", "local.txt"), text_source("pack", "pack.example\n")});
  feeds.reset();
  folder.write("local.txt", "other.example\n");
  start({file_source("local", "local.txt"), text_source("pack", "pack.example\n"),
         text_source("new", "new.example\n")});
  EXPECT_FALSE(blocks("local.example"));
  for (const char* blocked : {"other.example", "pack.example", "new.example"}) {
    EXPECT_TRUE(blocks(blocked)) << blocked;
  }
  EXPECT_EQ(images(), (std::vector<std::uint64_t>{3, 1}));
  // And while it runs: one feed changes, the others' rules come out of the image.
  folder.replace("local.txt", "third.example\n");
  ASSERT_TRUE(eventually([&] { return blocks("third.example"); }));
  EXPECT_FALSE(blocks("other.example"));
  EXPECT_TRUE(blocks("pack.example"));
  EXPECT_TRUE(blocks("new.example"));
}

TEST_F(ImageKeeperTest, OnlyTheLastImagesAreKept) {
  folder.write("local.txt", "n0.example\n");
  start({file_source("local", "local.txt")});
  for (int i = 1; i < 6; ++i) {
    folder.replace("local.txt", "n" + std::to_string(i) + ".example\n");
    ASSERT_TRUE(eventually([&] { return blocks("n" + std::to_string(i) + ".example"); }));
  }
  EXPECT_TRUE(eventually([&] { return images() == std::vector<std::uint64_t>{6, 5, 4}; }));
}

TEST_F(ImageKeeperTest, ADamagedImageIsPassedOverForTheOneBefore) {
  folder.write("local.txt", "one.example\n");
  start({file_source("local", "local.txt")});
  folder.replace("local.txt", "two.example\n");
  ASSERT_TRUE(eventually([&] { return images().size() == 2; }));
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    feeds.reset();
    const std::uint64_t number = images().front();
    std::string octets = folder.read(image_file(number));
    octets[octets.size() / 2] = static_cast<char>(octets[octets.size() / 2] ^ 1);
    folder.write(image_file(number), octets);
    policy.publish(policy::Generation::empty());
    start({file_source("local", "local.txt")});
    EXPECT_TRUE(blocks("two.example")) << "read from the list";
    EXPECT_FALSE(blocks("one.example"));
    EXPECT_NE(log.text().find("rules of generation " + std::to_string(number)), std::string::npos);
    EXPECT_NE(log.text().find("its checksum does not hold"), std::string::npos);
  }
}

TEST_F(ImageKeeperTest, AnotherBuildReadsTheFeedsAnewBehindTheProtection) {
  folder.write("local.txt", "local.example\n");
  start({file_source("local", "local.txt")});
  program = "another build";
  restart({file_source("local", "local.txt")});
  EXPECT_EQ(images(), (std::vector<std::uint64_t>{3, 1})) << "the old one's was in force before";
  EXPECT_TRUE(blocks("local.example"));
}

TEST_F(ImageKeeperTest, RulesOfAnotherSourceAreNotTakenOver) {
  folder.write("a.txt", "a.example\n");
  start({file_source("local", "a.txt"), text_source("pack", "pack.example\n")});
  restart({file_source("local", "b.txt"), text_source("pack", "pack.example\n")});
  EXPECT_FALSE(blocks("a.example"));
  EXPECT_TRUE(blocks("pack.example"));
  Source scoped = file_source("local", "a.txt");
  scoped.format.scope = policy::Scope::at_and_below;
  restart({scoped, text_source("pack", "pack.example\n")});
  EXPECT_TRUE(blocks("www.a.example")) << "read in another way";
}

TEST_F(ImageKeeperTest, RulesWithTimesInThemAreReadAtEachStart) {
  Source stix = file_source("stix", "stix.json");
  stix.format.format = intel::Format::stix;
  folder.write("stix.json",
               R"({"type":"bundle","id":"bundle--1","objects":[{"type":"indicator",)"
               R"("id":"indicator--1","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z",)"
               R"("pattern":"[domain-name:value = 'bad.example']"}]})");
  start({stix});
  ASSERT_TRUE(blocks("bad.example")) << status().last_error;
  restart({stix});
  EXPECT_TRUE(blocks("bad.example"));
  EXPECT_EQ(status().rules, 1U);
  EXPECT_EQ(status().health, intel::Health::good);
}

TEST(ImageSourceText, ComesBackAsItWas) {
  const ImageSource full{
      "digest", "sha", "0.1 7", 12, FileStamp{1, 2, 3, 4}, "line 3: \"x\nsource\" is no name"};
  auto back = image_source_from(to_text(full));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->first_skipped, "line 3: \"x source\" is no name");
  back->first_skipped = full.first_skipped;
  EXPECT_EQ(*back, full);
  EXPECT_EQ(image_source_from(to_text({})), ImageSource{});
  for (const char* text : {"", "x", "postern-feed 2\na\nb\nc\n1\n\n",
                           "postern-feed 1\na\nb\nc\nx\n\n", "postern-feed 1\na\nb\nc\n1\n"}) {
    EXPECT_FALSE(image_source_from(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace postern::feeds
