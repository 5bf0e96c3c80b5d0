// Rules that are kept on disk as an image: what a restart finds, and what it does not believe.
#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "feeds/digest.h"
#include "feeds/feeds_fixture.h"
#include "feeds/image_source.h"
#include "feeds/image_store.h"
#include "feeds/obtain.h"
#include "feeds/store.h"

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
  for (int i = 1; i < 12; ++i) {
    folder.replace("local.txt", "n" + std::to_string(i) + ".example\n");
    ASSERT_TRUE(eventually([&] { return blocks("n" + std::to_string(i) + ".example"); }));
  }
  EXPECT_TRUE(eventually(
      [&] { return images() == std::vector<std::uint64_t>{12, 11, 10, 9, 8, 7, 6, 5, 4, 3}; }));
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

/// "2026-03-02T08:00:00Z".
std::string rfc3339(std::chrono::system_clock::time_point at) {
  const std::time_t seconds_since = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  ::gmtime_r(&seconds_since, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string indicator(const std::string& host, const std::string& from, const std::string& until) {
  return R"({"type":"indicator","pattern_type":"stix","id":"indicator--)" + host +
         R"(","valid_from":")" + from + R"(","valid_until":")" + until +
         R"(","pattern":"[domain-name:value = ')" + host + R"(.example']"})";
}

TEST_F(ImageKeeperTest, RulesBeginAndCeaseToHoldInTheirTimeWithoutTheirFeed) {
  Source stix = file_source("stix", "stix.json");
  stix.format.format = intel::Format::stix;
  const std::string soon = rfc3339(std::chrono::system_clock::now() + std::chrono::seconds(2));
  folder.write("stix.json", R"({"type":"bundle","id":"bundle--1","objects":[)" +
                                indicator("past", "2020-01-01T00:00:00Z", soon) + "," +
                                indicator("future", soon, "2090-01-01T00:00:00Z") + "]}");
  start({stix});
  ASSERT_TRUE(blocks("past.example")) << status().last_error;
  ASSERT_FALSE(blocks("future.example"));
  const std::uint64_t before = generation();
  EXPECT_TRUE(eventually([&] { return blocks("future.example") && !blocks("past.example"); }));
  EXPECT_GE(rfc3339(std::chrono::system_clock::now()), soon);
  EXPECT_EQ(generation(), before + 1);
  EXPECT_EQ(status().rules, 2U);
  // Nor at a start: they come back from the image.
  const auto modified = std::filesystem::last_write_time(folder.file("stix.json"));
  folder.write("stix.json", std::string(folder.read("stix.json").size(), '?'));
  std::filesystem::last_write_time(folder.file("stix.json"), modified);
  restart({stix});
  EXPECT_TRUE(blocks("future.example"));
  EXPECT_FALSE(blocks("past.example"));
}

TEST_F(ImageKeeperTest, AnAcceptanceEndsWithItsTryThoughNothingHadChanged) {
  folder.write("local.txt", list(3000));
  start({file_source("local", "local.txt")});
  const auto last_try = status().last_try;
  ASSERT_TRUE(feeds->update("local", Acceptance::any_size));
  ASSERT_TRUE(eventually([&] { return status().last_try != last_try; }));
  folder.replace("local.txt", list(3));
  EXPECT_TRUE(eventually([&] { return status().health == intel::Health::stale; }));
  EXPECT_EQ(status().rules, 3000U);
}

TEST_F(ImageKeeperTest, AFileWithTheTimesOfBeforeIsReadWhereAskedForAndAtAStart) {
  folder.write("local.txt", "one.example\n");
  start({file_source("local", "local.txt")});
  const auto rewrite = [&](std::string_view text) {
    const auto modified = std::filesystem::last_write_time(folder.file("local.txt"));
    std::fstream(folder.file("local.txt"), std::ios::in | std::ios::out) << text;
    std::filesystem::last_write_time(folder.file("local.txt"), modified);
  };
  rewrite("two.example\n");
  ASSERT_TRUE(feeds->update("local", Acceptance::checked));
  EXPECT_TRUE(eventually([&] { return blocks("two.example"); }));
  feeds.reset();
  rewrite("six.example\n");
  restart({file_source("local", "local.txt")});
  EXPECT_TRUE(eventually([&] { return blocks("six.example"); }));
}

TEST_F(ImageKeeperTest, ACopyThatWasLostIsFetchedAndKeptAgain) {
  testing::WebServer web;
  web.files.write("list", "one.example\n");
  web.files.write("feed", "file list");
  const Source source = url_source("web", web.url("feed"));
  const auto copies = [&] {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder.file("cache"))) {
      if (entry.path().extension() == ".feed") found.push_back(entry.path());
    }
    return found;
  };
  start({source});
  ASSERT_TRUE(eventually([&] { return blocks("one.example") && copies().size() == 1; }));
  feeds.reset();
  for (const auto& copy : copies()) std::filesystem::remove(copy);
  restart({source});
  EXPECT_TRUE(blocks("one.example"));
  ASSERT_TRUE(feeds->update("web", Acceptance::checked));
  EXPECT_TRUE(eventually([&] { return copies().size() == 1; }));
}

TEST_F(ImageKeeperTest, AZoneExpiresThoughItsCopyIsNotToBeHad) {
  Source zone = source("zone");
  zone.format.format = intel::Format::rpz;
  zone.transfer.emplace();
  zone.transfer->zone = dns::Name::from_text("rpz.example").value();
  zone.transfer->primaries = {"tcp://127.0.0.1:1"};
  zone.transfer->on_expire = OnExpire::drop;
  zone.format.origin = zone.transfer->zone;
  const Source pack = text_source("pack", "pack.example\n");
  const std::string text =
      "rpz.example. 60 IN SOA ns.example. h.example. 1 3600 600 86400 60\n"
      "bad.example.rpz.example. 60 IN CNAME .\n";
  CopyStore store(folder.file("cache"));
  const auto now = std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
  CopyFacts facts{source_digest(zone), "", {}, sha256_hex(text), now, 1};
  ASSERT_TRUE(store.save("zone", facts, testing::in_memory(text)));
  start({zone, pack});
  ASSERT_TRUE(blocks("bad.example")) << log.text();
  feeds.reset();
  facts.checked_at = now - std::chrono::hours(24 * 365);
  ASSERT_TRUE(store.save_facts("zone", facts));
  zone.max_octets = 10;  // The copy is not read any more.
  restart({zone, pack});
  EXPECT_TRUE(eventually([&] { return !blocks("bad.example"); }));
  EXPECT_TRUE(eventually([&] { return status().last_error.find("EXPIRED") == 0; }))
      << status().last_error;
  EXPECT_TRUE(blocks("pack.example"));
}

TEST_F(ImageKeeperTest, NumbersGoOnFromTheImagesWhereTheirFileIsLost) {
  folder.write("local.txt", "n0.example\n");
  start({file_source("local", "local.txt")});
  for (std::uint64_t i = 1; i < 4; ++i) {
    folder.replace("local.txt", "n" + std::to_string(i) + ".example\n");
    ASSERT_TRUE(eventually([&] { return images().front() == i + 1; }));
  }
  feeds.reset();
  std::filesystem::remove(folder.file("cache/generation"));
  folder.write("local.txt", "new.example\n");
  restart({file_source("local", "local.txt")});
  EXPECT_TRUE(eventually([&] { return blocks("new.example"); }));
  EXPECT_TRUE(eventually([&] { return images() == std::vector<std::uint64_t>{6, 4, 3, 2, 1}; }));
}

TEST_F(ImageKeeperTest, WhatIsNoImageIsPassedOverAndWhatIsUnfinishedRemoved) {
  folder.write("local.txt", "one.example\n");
  start({file_source("local", "local.txt")});
  feeds.reset();
  ASSERT_EQ(::mkfifo(folder.file(image_file(99)).c_str(), 0600), 0);
  std::filesystem::create_directory(folder.file(image_file(98)));
  folder.write("cache/rules-18446744073709551615.image", "no number of ours");
  folder.write("cache/rules-77.image.new", "half");
  folder.write("cache/local-0123456789abcdef.feed.new", "half");
  folder.write("cache/notes.new", "somebody's");
  restart({file_source("local", "local.txt")});
  EXPECT_TRUE(blocks("one.example"));
  EXPECT_EQ(generation(), 100U);
  EXPECT_NE(log.text().find("is not a regular file"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder.file("cache/rules-77.image.new")));
  EXPECT_FALSE(std::filesystem::exists(folder.file("cache/local-0123456789abcdef.feed.new")));
  EXPECT_TRUE(std::filesystem::exists(folder.file("cache/notes.new")));
}

TEST(ImageSourceText, ComesBackAsItWas) {
  const ImageSource full{
      "digest", "sha", "0.1 7", 12, FileStamp{1, 2, 3, 4, 5}, "line 3: \"x\nsource\" is no name"};
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
