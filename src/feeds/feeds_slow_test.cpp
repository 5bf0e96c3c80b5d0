#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "feeds/builder.h"
#include "feeds/feeds_fixture.h"
#include "feeds/obtain.h"
#include "feeds/testing.h"

namespace postern::feeds {
namespace {

using testing::eventually;
using testing::list;
using testing::WebServer;

using FeedsTest = testing::FeedsFixture;

TEST_F(FeedsTest, WhatNeedsNoNetworkIsInForceAtOnce) {
  folder.write("local.txt", "local.example\n");
  start({text_source("pack", "pack.example\n"), file_source("local", "local.txt"),
         url_source("remote", "http://127.0.0.1:1/list")});
  EXPECT_TRUE(blocks("pack.example"));
  EXPECT_TRUE(blocks("local.example"));
  EXPECT_EQ(generation(), 1U);
  EXPECT_EQ(status(0).health, intel::Health::good);
  EXPECT_EQ(status(0).source, "built in");
  EXPECT_EQ(status(1).rules, 1U);
  EXPECT_EQ(status(1).generation, 1U);
  EXPECT_EQ(policy.current()->zone_count(), 3U) << "a feed without content keeps its place";
  EXPECT_TRUE(eventually([&] { return status(2).health == intel::Health::failed; }));
  EXPECT_NE(status(2).last_error.find("http://127.0.0.1:1/list"), std::string::npos);
  EXPECT_TRUE(status(2).next_try);
  EXPECT_EQ(generation(), 1U);
}

TEST_F(FeedsTest, AFileReplacedOrRewrittenInPlaceTakesEffectByItself) {
  folder.write("local.txt", "one.example\n");
  start({file_source("local", "local.txt")});
  ASSERT_TRUE(blocks("one.example"));
  folder.replace("local.txt", "two.example\n");
  EXPECT_TRUE(eventually([&] { return blocks("two.example"); }));
  EXPECT_FALSE(blocks("one.example"));
  EXPECT_EQ(generation(), 2U);
  folder.write("local.txt", "three.example\n");
  EXPECT_TRUE(eventually([&] { return blocks("three.example"); }));
  EXPECT_EQ(generation(), 3U);
  EXPECT_EQ(status().rules, 1U);
}

// Else the last worker to look would free it, in the middle of answering.
TEST_F(FeedsTest, AReplacedGenerationIsFreedHereOnceNobodyReadsIt) {
  folder.write("local.txt", "one.example\n");
  start({file_source("local", "local.txt")});
  feeds->wait_until_local_sources_are_in_force();
  Published<policy::Generation>::Reader worker(policy);
  const std::weak_ptr<const policy::Generation> old = policy.current();
  folder.write("local.txt", "two.example\n");
  ASSERT_TRUE(eventually([&] { return policy.current() != old.lock(); }));
  worker.get();
  EXPECT_FALSE(old.expired());  // The worker let go of it, and did not have to free it.
  EXPECT_TRUE(eventually([&] { return old.expired(); }));
}

TEST_F(FeedsTest, AFileThatComesLaterIsSeen) {
  start({file_source("local", "local.txt")});
  EXPECT_EQ(status().health, intel::Health::failed);
  EXPECT_NE(status().last_error.find("local.txt"), std::string::npos);
  folder.write("local.txt", "one.example\n");
  EXPECT_TRUE(eventually([&] { return blocks("one.example"); }));
  EXPECT_TRUE(eventually([&] { return status().health == intel::Health::good; }));
}

// Nobody tells of these: the folder was not there to be watched, or is another one by now.
TEST_F(FeedsTest, AFolderMadeLaterOrReplacedIsLookedInto) {
  namespace fs = std::filesystem;
  look_every = milliseconds(50);
  start({file_source("later", "later/list.txt"), file_source("moved", "moved/list.txt"),
         file_source("linked", "link/list.txt")});
  fs::create_directory(folder.file("later"));
  folder.write("later/list.txt", "one.example\n");
  ASSERT_TRUE(eventually([&] { return blocks("one.example"); }));
  folder.write("later/list.txt", "one.example\ntwo.example\n");
  EXPECT_TRUE(eventually([&] { return blocks("two.example"); }));

  for (const std::string version : {"1", "2"}) {
    fs::create_directory(folder.file("new"));
    folder.write("new/list.txt", "moved" + version + ".example\n");
    if (version == "2") fs::rename(folder.file("moved"), folder.file("old"));
    fs::rename(folder.file("new"), folder.file("moved"));
    EXPECT_TRUE(eventually([&] { return blocks("moved" + version + ".example"); }));
  }
  folder.write("moved/list.txt", "moved3.example\n");
  EXPECT_TRUE(eventually([&] { return blocks("moved3.example"); }));

  for (const std::string version : {"v1", "v2"}) {
    fs::create_directory(folder.file(version));
    folder.write(version + "/list.txt", version + ".example\n");
    fs::create_directory_symlink(version, folder.file("link~"));
    fs::rename(folder.file("link~"), folder.file("link"));
    EXPECT_TRUE(eventually([&] { return blocks(version + ".example"); }));
  }
  EXPECT_FALSE(blocks("v1.example"));
}

// Between two looks the system tells of a folder that goes.
TEST_F(FeedsTest, AFolderThatIsReplacedWhileWatchedIsSeenAtOnce) {
  look_every = std::chrono::hours(1);
  std::filesystem::create_directory(folder.file("lists"));
  folder.write("lists/list.txt", "one.example\n");
  start({file_source("local", "lists/list.txt")});
  ASSERT_TRUE(blocks("one.example"));
  std::filesystem::create_directory(folder.file("new"));
  folder.write("new/list.txt", "two.example\n");
  std::filesystem::rename(folder.file("lists"), folder.file("old"));
  ASSERT_TRUE(eventually([&] { return status().health == intel::Health::stale; }));
  std::filesystem::rename(folder.file("new"), folder.file("lists"));
  ASSERT_TRUE(feeds->update("local", Acceptance::checked));
  EXPECT_TRUE(eventually([&] { return blocks("two.example"); }));
}

// A file that is not there or cannot be read is tried on the schedule, not at each look.
TEST_F(FeedsTest, AMissingFileIsNotReadAtEachLook) {
  look_every = milliseconds(1);
  start({file_source("none", "none.txt"), file_source("local", "local.txt")});
  folder.write("local.txt", "one.example\n");
  ASSERT_TRUE(eventually([&] { return blocks("one.example"); }));
  EXPECT_EQ(metric("postern_feed_failures_total", "none"), 1);
}

TEST_F(FeedsTest, AFileThatGoesBadLeavesWhatWasInForceAlsoAfterARestart) {
  folder.write("local.txt", "one.example\n");
  start({file_source("local", "local.txt")});
  struct Case {
    std::string_view what;
    std::string content;
    std::string_view error;
  };
  const Case cases[] = {
      {"a web page", "<!DOCTYPE html><html><title>Moved</title></html>\n", "web page"},
      {"nothing", "", "empty"},
      {"binary",
       std::string("\x7f"
                   "ELF\0\0\0\0\1\2\3",
                   11),
       "binary"},
      {"too large", std::string(1'000'001, 'a'), "over 1000000 octets; raise the feed's max_size"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    folder.replace("local.txt", c.content);
    ASSERT_TRUE(eventually([&] { return status().last_error.find(c.error) != std::string::npos; }))
        << status().last_error;
    EXPECT_EQ(status().health, intel::Health::stale);
    EXPECT_EQ(status().rules, 1U);
    EXPECT_TRUE(blocks("one.example"));
    EXPECT_EQ(generation(), 1U);
  }
  restart({file_source("local", "local.txt")});
  EXPECT_TRUE(blocks("one.example"));
  EXPECT_EQ(status().health, intel::Health::stale);
  EXPECT_EQ(generation(), 2U) << "numbers go on";
  std::filesystem::remove(folder.file("local.txt"));
  ASSERT_TRUE(
      eventually([&] { return status().last_error.find("No such file") != std::string::npos; }));
  EXPECT_TRUE(blocks("one.example"));
}

TEST_F(FeedsTest, AnOwnerMayEmptyALocalList) {
  folder.write("local.txt", "one.example\n");
  start({file_source("local", "local.txt")});
  folder.replace("local.txt", "# nothing any more\n");
  EXPECT_TRUE(eventually([&] { return !blocks("one.example"); }));
  EXPECT_TRUE(eventually([&] { return status().rules == 0; }));
  EXPECT_EQ(status().health, intel::Health::good);
}

TEST_F(FeedsTest, AListThatShrinksToNearlyNothingIsRefusedAlsoByARestart) {
  folder.write("local.txt", list(2000));
  const Source source = file_source("local", "local.txt");
  start({source});
  ASSERT_EQ(status().rules, 2000U);
  folder.replace("local.txt", list(199));
  ASSERT_TRUE(eventually([&] { return status().health == intel::Health::stale; }));
  EXPECT_NE(status().last_error.find("199 rules where there were 2000"), std::string::npos);
  restart({source});
  EXPECT_EQ(status().rules, 2000U);
  EXPECT_EQ(status().health, intel::Health::stale);
  // The way out that the refusal names; it holds for one copy.
  EXPECT_NE(status().last_error.find("\"postern feed update local --accept\""), std::string::npos)
      << status().last_error;
  ASSERT_TRUE(feeds->update("local", Acceptance::any_size));
  EXPECT_TRUE(eventually([&] { return status().rules == 199; })) << status().last_error;
  EXPECT_NE(log.text().find("this once any number of rules is taken"), std::string::npos);
  folder.replace("local.txt", list(2000));
  ASSERT_TRUE(eventually([&] { return status().rules == 2000; }));
  folder.replace("local.txt", list(100));
  ASSERT_TRUE(eventually([&] { return status().health == intel::Health::stale; }));
}

TEST_F(FeedsTest, APipeIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo(folder.file("local.txt").c_str(), 0600), 0);
  start({file_source("local", "local.txt")});
  EXPECT_NE(status().last_error.find("not a regular file"), std::string::npos);
}

TEST_F(FeedsTest, ReconfiguringKeepsWhatIsTheSameAndDropsWhatIsGone) {
  folder.write("a.txt", "a.example\n");
  folder.write("b.txt", "b.example\n");
  start({file_source("a", "a.txt"), file_source("b", "b.txt")});
  Source a = file_source("a", "a.txt");
  a.zone.ttl_s = 77;
  feeds->reconfigure(options({text_source("c", "c.example\n"), a}));
  ASSERT_TRUE(eventually([&] { return blocks("c.example"); }));
  EXPECT_TRUE(blocks("a.example"));
  EXPECT_FALSE(blocks("b.example"));
  const auto after = policy.current();
  EXPECT_EQ(after->zone(1).ttl_s, 77U);
  ASSERT_TRUE(feeds->wait_until_reconfigured(milliseconds(20'000)).value());
  EXPECT_EQ(feeds->update("b", Acceptance::checked).error().code, Errc::not_found);
  folder.write("a.txt", "aa.example\n");
  EXPECT_TRUE(eventually([&] { return blocks("aa.example"); })) << "still watched";
}

TEST_F(FeedsTest, AWrongPathOrFormatLeavesTheOldRulesUntilAGoodCopyComes) {
  folder.write("a.txt", "a.example\n");
  start({file_source("a", "a.txt")});
  ASSERT_TRUE(blocks("a.example"));
  feeds->reconfigure(options({file_source("a", "wrong.txt")}));
  ASSERT_TRUE(
      eventually([&] { return status().last_error.find("wrong.txt") != std::string::npos; }));
  EXPECT_EQ(status().health, intel::Health::stale);
  EXPECT_EQ(status().rules, 1U);
  EXPECT_TRUE(status().last_success);
  EXPECT_TRUE(blocks("a.example"));
  // The same text again is content of the new source all the same.
  folder.write("wrong.txt", "a.example\n");
  EXPECT_TRUE(eventually([&] { return status().health == intel::Health::good; }));
  EXPECT_TRUE(blocks("a.example"));
  Source misread = file_source("a", "wrong.txt");
  misread.format.format = intel::Format::csv;
  feeds->reconfigure(options({misread}));
  ASSERT_TRUE(eventually([&] { return status().format == "csv"; }));
  EXPECT_EQ(status().health, intel::Health::stale);
  EXPECT_NE(status().last_error, "");
  EXPECT_TRUE(blocks("a.example"));
  // Another reading of the same text takes effect, although its octets are the same.
  Source below = file_source("a", "wrong.txt");
  below.format.scope = policy::Scope::at_and_below;
  feeds->reconfigure(options({below}));
  EXPECT_TRUE(eventually([&] { return blocks("www.a.example"); }));
  EXPECT_TRUE(eventually([&] { return status().health == intel::Health::good; }));
}

TEST_F(FeedsTest, AnOptionOfTheFormatThatChangesHasTheFileReadAgain) {
  folder.write("list.json", R"([{"a": "a.example", "b": "b.example", "gone": true}])");
  Source source = file_source("local", "list.json");
  source.format.format = intel::Format::json;
  source.format.json.field = "a";
  start({source});
  EXPECT_TRUE(blocks("a.example"));
  source.format.json.field = "b";
  feeds->reconfigure(options({source}));
  ASSERT_TRUE(feeds->wait_until_reconfigured(seconds(20)).value());
  EXPECT_TRUE(blocks("b.example"));
  EXPECT_FALSE(blocks("a.example"));
}

TEST_F(FeedsTest, WhatCannotBeReadIsNamedAfterAReconfiguration) {
  folder.write("good.txt", "one.example\n");
  start({file_source("good", "good.txt")});
  EXPECT_TRUE(feeds->unreadable().empty());
  // Not the one that is to come from elsewhere: it is still being asked for.
  feeds->reconfigure(options({file_source("good", "good.txt"), file_source("missing", "none.txt"),
                              url_source("remote", "http://127.0.0.1:1/list")}));
  ASSERT_TRUE(feeds->wait_until_reconfigured(seconds(20)).value());
  const auto unreadable = feeds->unreadable();
  ASSERT_EQ(unreadable.size(), 1U);
  EXPECT_EQ(unreadable[0].name, "missing");
  EXPECT_NE(unreadable[0].last_error.find("none.txt"), std::string::npos);
  folder.write("none.txt", "two.example\n");
  feeds->reconfigure(options({file_source("missing", "none.txt")}));
  ASSERT_TRUE(feeds->wait_until_reconfigured(seconds(20)).value());
  EXPECT_TRUE(feeds->unreadable().empty());
  EXPECT_TRUE(blocks("two.example"));
}

TEST_F(FeedsTest, AnImpossibleReconfigurationLeavesTheOldOne) {
  start({text_source("a", "a.example\n")});
  Options impossible = options({text_source("b", "b.example\n")});
  impossible.groups[0].zones.push_back(7);
  feeds->reconfigure(impossible);
  ASSERT_TRUE(
      eventually([&] { return log.text().find("the old one stays") != std::string::npos; }));
  EXPECT_TRUE(blocks("a.example"));
  EXPECT_EQ(generation(), 1U);
  EXPECT_TRUE(eventually([&] { return status().name == "a"; }));
}

TEST_F(FeedsTest, ACacheFolderThatCannotBeUsedIsSaidAndDoesNotStopProtection) {
  folder.write("in-the-way", "");
  Options made = options({text_source("a", "a.example\n")});
  made.cache_dir = folder.file("in-the-way/cache");
  feeds = Feeds::start(made, policy, log);
  feeds->wait_until_local_sources_are_in_force();
  EXPECT_TRUE(blocks("a.example"));
  EXPECT_NE(log.text().find("generation numbers are not kept"), std::string::npos);
}

struct DownloadsTest : FeedsTest {
  void serve(std::string_view behaviour) { server.files.replace("feed", behaviour); }

  WebServer server;
};

TEST_F(DownloadsTest, AFeedIsFetchedThenOnlyWhenItHasChanged) {
  server.files.write("list.txt", list(5));
  serve("file list.txt");
  start({url_source("feed", server.url("feed"))});
  ASSERT_TRUE(eventually([&] { return blocks("bad4.example"); }));
  ASSERT_TRUE(eventually([&] { return status().health == intel::Health::good; }));
  const std::uint64_t first = generation();
  const auto success = status().last_success;
  ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
  ASSERT_TRUE(eventually([&] { return status().last_success != success; }));
  EXPECT_EQ(generation(), first) << "nothing new, no new generation";
  server.files.replace("list.txt", list(6));
  ASSERT_TRUE(feeds->update("", Acceptance::checked));
  ASSERT_TRUE(eventually([&] { return blocks("bad5.example"); }));
  EXPECT_EQ(generation(), first + 1);
  EXPECT_EQ(server.requests(), "/feed 200\n/feed 304\n/feed 200\n");
}

TEST_F(DownloadsTest, SinceWhenAListHasARuleIsKnownOverUpdatesAndRestarts) {
  const auto since = [&](std::string_view name) {
    const auto matches =
        policy.current()->explain(0, dns::Name::from_text(name).value(), policy::Trigger::qname);
    return matches.empty() || !matches[0].note ? 0 : matches[0].note->first_seen_s;
  };
  server.files.write("list.txt", "old.example\ngone.example\n");
  serve("file list.txt");
  start({url_source("feed", server.url("feed"))});
  ASSERT_TRUE(eventually([&] { return blocks("old.example"); }));
  const std::uint32_t first = since("old.example");
  EXPECT_NEAR(first,
              policy::note_seconds(
                  std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now())),
              100);
  // The times are in whole seconds.
  std::this_thread::sleep_for(milliseconds(1100));
  server.files.replace("list.txt", "new.example\nold.example\n");
  ASSERT_TRUE(feeds->update("", Acceptance::checked));
  ASSERT_TRUE(eventually([&] { return blocks("new.example"); }));
  const std::uint32_t second = since("new.example");
  EXPECT_GT(second, first);
  EXPECT_EQ(since("old.example"), first);
  restart({url_source("feed", server.url("feed"))});
  EXPECT_EQ(since("new.example"), second);
  EXPECT_EQ(since("old.example"), first);
  server.files.replace("list.txt", "new.example\nold.example\ngone.example\n");
  ASSERT_TRUE(feeds->update("", Acceptance::checked));
  ASSERT_TRUE(eventually([&] { return blocks("gone.example"); }));
  EXPECT_GE(since("gone.example"), second) << "it was away";
  EXPECT_EQ(since("new.example"), second);
}

TEST_F(DownloadsTest, TheLastGoodCopyProtectsAfterARestartWithoutTheServer) {
  server.files.write("list.txt", list(5));
  serve("file list.txt");
  const Source feed = url_source("feed", server.url("feed"));
  start({feed});
  ASSERT_TRUE(eventually([&] { return status().rules == 5; }));
  restart({feed});
  EXPECT_TRUE(blocks("bad4.example"));
  EXPECT_EQ(status().health, intel::Health::good);
  EXPECT_TRUE(status().last_success);
  EXPECT_GT(generation(), 1U) << "numbers go on";
  EXPECT_EQ(server.requests(), "/feed 200\n") << "it is young enough not to be asked for again";
  ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
  EXPECT_TRUE(eventually([&] { return server.requests() == "/feed 200\n/feed 304\n"; }));
  // Another source under the same name is another feed.
  serve("status 500");
  Source elsewhere = feed;
  elsewhere.url += "?other";
  restart({elsewhere});
  EXPECT_FALSE(blocks("bad4.example"));
}

TEST_F(DownloadsTest, NoBadAnswerWeakensWhatIsInForce) {
  struct Case {
    std::string_view behaviour;
    std::string_view error;
  };
  const Case cases[] = {
      {"status 404", "404"},
      {"loop", "redirects"},
      {"redirect file:///etc/passwd", "rotocol"},
      {"file page.html", "web page"},
      {"file binary", "binary"},
      {"file empty", "empty"},
      {"file comments", "no rule"},
      {"file few.txt", "149 rules where there were 1500: less than 60 %"},
      {"file cut.gz", "damaged or cut off"},
      {"file bomb.gz", "unpacked it is over 1000000 octets"},
      {"endless", "over 1000000 octets"},
      {"announced", "over 1000000 octets"},
      {"bomb", "over 1000000 octets"},
      {"encoded bomb.gz", "unpacked it is over 1000000 octets"},
      {"coded list.txt gzip", "not in the coding"},
      {"coded list.txt br", "other than gzip and zstd"},
      {"truncated list.txt", "bytes"},
      {"trickle", "imeout"},
  };
  server.files.write("list.txt", list(1500));
  server.files.write("page.html", "<html><head><title>Sign in</title></head></html>\n");
  server.files.write("binary", std::string("\1\0\2\0\3\0", 6));
  server.files.write("empty", "");
  server.files.write("comments", "# nothing here\n");
  server.files.write("few.txt", list(149));
  // Made by the tools, not by the code under test.
  ASSERT_EQ(::system(("cd " + server.files.path() +
                      " && gzip -k list.txt && head -c 500 list.txt.gz > cut.gz"
                      " && head -c 50000000 /dev/zero | gzip > bomb.gz")
                         .c_str()),
            0);
  serve("file list.txt.gz");
  Source feed = url_source("feed", server.url("feed"));
  feed.fetch_timeout = seconds(3);
  start({feed});
  ASSERT_TRUE(eventually([&] { return status().rules == 1500; })) << status().last_error;
  const std::uint64_t first = generation();
  const std::string meta = folder.read("cache/feed.meta");
  for (const Case& c : cases) {
    SCOPED_TRACE(c.behaviour);
    serve(c.behaviour);
    update_and_fail("feed");
    EXPECT_NE(status().last_error.find(c.error), std::string::npos) << status().last_error;
    EXPECT_EQ(status().health, intel::Health::stale);
    EXPECT_EQ(status().rules, 1500U);
    EXPECT_EQ(generation(), first);
    EXPECT_TRUE(blocks("bad1499.example"));
    EXPECT_EQ(folder.read("cache/feed.meta"), meta) << "the copy on disk stays too";
  }
  server.files.replace("list.txt", list(1400));
  serve("encoded list.txt");
  ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
  EXPECT_TRUE(eventually([&] { return status().rules == 1400; }));
  EXPECT_EQ(status().health, intel::Health::good);
  EXPECT_EQ(status().last_error, "");
  serve("encoded list.txt.gz");  // A packed file, and packed once more on its way.
  ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
  EXPECT_TRUE(eventually([&] { return status().rules == 1500; })) << status().last_error;
}

TEST_F(DownloadsTest, APackedCopyWaitsWhileAnotherIsUnpacked) {
  server.files.write("list.txt", list(30));
  UnpackTurns turns;
  const Builder builder{BuildCommand{}};
  for (const std::string_view behaviour : {"encoded list.txt", "file list.txt"}) {
    SCOPED_TRACE(behaviour);
    serve(behaviour);
    const bool is_packed = behaviour.starts_with("encoded");
    Job job;
    job.urls = {server.url("feed")};
    job.max_octets = 1'000'000;
    job.timeout = seconds(20);
    job.format.format = intel::Format::domains;
    const std::atomic<bool> go_on{false};
    auto other = turns.take(go_on);
    ASSERT_TRUE(other);
    std::atomic<bool> is_done{false};
    std::jthread thread([&] {
      Postponed postponed;
      const auto obtained = obtain(job, go_on, {turns, builder}, postponed);
      EXPECT_TRUE(obtained) << (obtained ? "" : obtained.error().text);
      is_done = true;
    });
    ASSERT_TRUE(eventually([&] { return turns.waits() == 1; }));
    ASSERT_TRUE(is_packed || eventually([&] { return is_done.load(); }));
    EXPECT_EQ(is_done, !is_packed);
    other.reset();
  }
}

TEST_F(DownloadsTest, WhatIsMeantToBeShortIsAcceptedOnceAndWhatIsNoListNever) {
  server.files.write("list.txt", list(1500));
  server.files.write("few.txt", list(3));
  server.files.write("page.html", "<html><head><title>Sign in</title></head></html>\n");
  server.files.write("sorry.txt", "Service\nTemporarily\nUnavailable\n");
  server.files.write("comments", "# nothing here\n");
  server.files.write("binary", std::string("\1\0\2\0\3\0", 6));
  serve("file list.txt");
  const Source feed = url_source("feed", server.url("feed"));
  start({feed});
  ASSERT_TRUE(eventually([&] { return status().rules == 1500; })) << status().last_error;
  EXPECT_EQ(feeds->update("", Acceptance::any_size).error().code, Errc::invalid_input);
  for (const std::string_view no_list : {"page.html", "sorry.txt", "comments", "binary"}) {
    SCOPED_TRACE(no_list);
    serve("file " + std::string(no_list));
    update_and_fail("feed", Acceptance::any_size);
    EXPECT_EQ(status().rules, 1500U);
  }
  // Each of these tries has used its acceptance up.
  serve("file few.txt");
  update_and_fail("feed");
  EXPECT_NE(status().last_error.find("\"postern feed update feed --accept\""), std::string::npos)
      << status().last_error;
  ASSERT_TRUE(feeds->update("feed", Acceptance::any_size));
  EXPECT_TRUE(eventually([&] { return status().rules == 3; })) << status().last_error;
  restart({feed});
  EXPECT_EQ(status().rules, 3U) << "what was accepted is the copy to go on from";
}

TEST_F(DownloadsTest, AnAcceptanceGivenDuringAFetchHoldsForTheNext) {
  server.files.write("list.txt", list(1500));
  server.files.write("few.txt", list(3));
  serve("file list.txt");
  Source feed = url_source("feed", server.url("feed"));
  feed.fetch_timeout = seconds(1);
  start({feed});
  ASSERT_TRUE(eventually([&] { return status().rules == 1500; })) << status().last_error;
  serve("trickle");
  ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
  ASSERT_TRUE(eventually([&] { return server.requests() == "/feed 200\n/feed 200\n"; }));
  serve("file few.txt");
  ASSERT_TRUE(feeds->update("feed", Acceptance::any_size));
  EXPECT_TRUE(eventually([&] { return status().rules == 3; })) << status().last_error;
}

TEST_F(DownloadsTest, AMessageInPlainTextReplacesNoList) {
  server.files.write("list.txt", list(900));
  server.files.write("sorry.txt", "Service\nTemporarily\nUnavailable\n");
  server.files.write("few.txt", list(89));
  server.files.write("tenth.txt", list(90));
  serve("file list.txt");
  start({url_source("feed", server.url("feed"))});
  ASSERT_TRUE(eventually([&] { return status().rules == 900; })) << status().last_error;
  const std::string meta = folder.read("cache/feed.meta");
  serve("file sorry.txt");
  update_and_fail("feed");
  EXPECT_NE(status().last_error.find("none of its names has a dot"), std::string::npos)
      << status().last_error;
  serve("file few.txt");
  update_and_fail("feed");
  EXPECT_NE(status().last_error.find("89 rules where there were 900"), std::string::npos)
      << status().last_error;
  EXPECT_TRUE(blocks("bad899.example"));
  EXPECT_EQ(folder.read("cache/feed.meta"), meta);
  serve("file tenth.txt");
  ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
  EXPECT_TRUE(eventually([&] { return status().rules == 90; }));
}

TEST_F(DownloadsTest, AWrongUrlLeavesTheOldRulesUntilTheNewSourceAnswers) {
  server.files.write("list.txt", list(100));
  server.files.write("short.txt", list(3, "new"));
  serve("file list.txt");
  start({url_source("feed", server.url("feed"))});
  ASSERT_TRUE(eventually([&] { return status().rules == 100; })) << status().last_error;
  feeds->reconfigure(options({url_source("feed", server.url("wrong"))}));
  ASSERT_TRUE(eventually([&] { return status().last_error.find("404") != std::string::npos; }));
  EXPECT_EQ(status().health, intel::Health::stale);
  EXPECT_EQ(status().rules, 100U);
  EXPECT_TRUE(blocks("bad99.example"));
  // Shorter by far, but of another source: nothing to compare it with.
  server.files.write("wrong", "file short.txt");
  ASSERT_TRUE(feeds->update("feed", Acceptance::checked));
  EXPECT_TRUE(eventually([&] { return blocks("new2.example"); }));
  EXPECT_FALSE(blocks("bad99.example"));
  EXPECT_TRUE(eventually([&] { return status().health == intel::Health::good; }));
  feeds->reconfigure(options({text_source("other", "other.example\n")}));
  EXPECT_TRUE(eventually([&] { return !blocks("new2.example"); })) << "removed is gone at once";
}

TEST_F(DownloadsTest, AWrongFormatLeavesTheRulesOfTheRightOne) {
  server.files.write("list.txt", list(100));
  serve("file list.txt");
  Source feed = url_source("feed", server.url("feed"));
  start({feed});
  ASSERT_TRUE(eventually([&] { return status().rules == 100; })) << status().last_error;
  Source misread = feed;
  misread.format.format = intel::Format::rpz;
  feeds->reconfigure(options({misread}));
  ASSERT_TRUE(eventually([&] { return metric("postern_feed_failures_total", "feed") == 1; }));
  EXPECT_EQ(status().health, intel::Health::stale);
  EXPECT_EQ(status().format, "rpz");
  EXPECT_NE(status().last_error.find("/feed"), std::string::npos) << status().last_error;
  EXPECT_TRUE(blocks("bad99.example"));
  feeds->reconfigure(options({feed}));
  EXPECT_TRUE(eventually([&] { return status().health == intel::Health::good; }));
  EXPECT_EQ(status().last_error, "");
  EXPECT_TRUE(blocks("bad99.example"));
}

TEST_F(DownloadsTest, AMirrorServesWhereTheFirstDoesNot) {
  server.files.write("list.txt", list(5));
  server.files.write("page.html", "<html></html>");
  server.files.write("mirror", "file list.txt");
  serve("file page.html");
  Source feed = url_source("feed", server.url("feed"));
  feed.mirrors = {"http://127.0.0.1:1/dead", server.url("mirror")};
  start({feed});
  EXPECT_TRUE(eventually([&] { return status().rules == 5; })) << status().last_error;
  EXPECT_EQ(server.requests(), "/feed 200\n/mirror 200\n");
}

TEST_F(DownloadsTest, ASlowServerHoldsUpNeitherFilesNorTheEnd) {
  serve("trickle");
  folder.write("local.txt", "one.example\n");
  start({url_source("slow1", server.url("feed")), url_source("slow2", server.url("feed")),
         url_source("slow3", server.url("feed")), file_source("local", "local.txt")});
  ASSERT_TRUE(eventually([&] { return server.requests() == "/feed 200\n/feed 200\n"; }));
  folder.replace("local.txt", "two.example\n");
  EXPECT_TRUE(eventually([&] { return blocks("two.example"); }));
  const auto began = std::chrono::steady_clock::now();
  feeds->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
  feeds->stop();  // Again is no harm.
}

TEST_F(DownloadsTest, NoCredentialIsEverShown) {
  serve("status 403");
  start({url_source("feed", "http://user:secret@127.0.0.1:" + server.port() + "/feed?key=secret")});
  ASSERT_TRUE(eventually([&] { return status().health == intel::Health::failed; }));
  EXPECT_NE(status().last_error.find("403"), std::string::npos);
  const std::string shown = status().source + status().last_error + log.text();
  EXPECT_EQ(shown.find("secret"), std::string::npos) << shown;
}

}  // namespace
}  // namespace postern::feeds
