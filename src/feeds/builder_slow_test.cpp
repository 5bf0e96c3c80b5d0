// Feeds read and images built, here and in a process of its own.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "feeds/builder.h"
#include "feeds/digest.h"
#include "feeds/feeds_fixture.h"
#include "policy/generation.h"
#include "policy/testing.h"

namespace postern::feeds {
namespace {

BuildCommand command_of(std::string what = "work") {
  return {POSTERN_BINARY_DIR "/src/feeds/build_process_main", {"builder", std::move(what)}, 0};
}

// Longer than what is read without a process.
std::string long_list(std::string_view label, std::size_t names = 30'000) {
  std::string text;
  for (std::size_t i = 0; i < names; ++i) {
    text += std::string(label) + std::to_string(i) + ".example\n";
  }
  return text;
}

intel::FeedOptions domains() {
  intel::FeedOptions options;
  options.format = intel::Format::domains;
  return options;
}

bool blocks(const HeldImage& image, std::string_view name) {
  const auto generation =
      policy::Generation::create(policy::testing::frame_of(*image.image), {image.image});
  return (*generation)->decide(0, dns::Name::from_text(name).value()).blocks();
}

TEST(Builder, DoesTheSameHereAndInAProcess) {
  const std::string text = long_list("n") + "not a name at all\n";
  for (const BuildCommand& command : {BuildCommand{}, command_of()}) {
    SCOPED_TRACE(command.program);
    const Builder builder(command);
    auto first = builder.read(text, domains(), Origin::remote);
    ASSERT_TRUE(first) << first.error().text;
    EXPECT_EQ(first->rule_count(), 30'000U);
    EXPECT_EQ(first->lines_skipped, 1U);
    EXPECT_EQ(first->first_skipped.substr(0, 11), "line 30001:");
    EXPECT_EQ(first->sha256, sha256_hex(text));
    auto second = builder.read("other.example\n", domains(), Origin::local);
    ASSERT_TRUE(second) << second.error().text;
    const Builder::Zone zones[] = {{"first", "from a", &*first}, {"second", "from b", &*second}};
    const auto image = builder.build(zones, 77, {});
    ASSERT_TRUE(image) << image.error().text;
    ASSERT_EQ(image->image->zones().size(), 2U);
    EXPECT_EQ(image->image->zones()[0].name, "first");
    EXPECT_EQ(image->image->zones()[1].source, "from b");
    EXPECT_TRUE(blocks(*image, "n29999.example"));
    EXPECT_TRUE(blocks(*image, "other.example"));
    EXPECT_FALSE(blocks(*image, "n30000.example"));
    // And again, the rules of the first out of that image, beside new ones of the second.
    Content in_image;
    in_image.held = *image;
    in_image.image_zone = 0;
    auto third = builder.read("third.example\n", domains(), Origin::local);
    const Builder::Zone again[] = {{"second", "", &*third}, {"first", "", &in_image}};
    const auto merged = builder.build(again, 78, {});
    ASSERT_TRUE(merged) << merged.error().text;
    EXPECT_EQ(merged->image->rule_count(), 30'001U);
    EXPECT_TRUE(blocks(*merged, "n29999.example"));
    EXPECT_TRUE(blocks(*merged, "third.example"));
    EXPECT_FALSE(blocks(*merged, "other.example"));
  }
}

TEST(Builder, SaysOfARefusedTextWhatIsWrongWithIt) {
  const Builder builder(command_of());
  const auto content = builder.read("<html>" + long_list("n"), domains(), Origin::remote);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code, Errc::invalid_input);
  EXPECT_NE(content.error().text.find("a web page"), std::string::npos) << content.error().text;
}

TEST(Builder, SurvivesAProcessThatDoesNot) {
  struct Case {
    std::string what, error;
  };
  for (const Case& c : {Case{"crash", "ended by signal 11"}, Case{"fail", "ended with code 3"},
                        Case{"say nothing", "gave no outcome"},
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
                        // It has found no way out.
                        Case{"look around", "ended with code 5"}
#endif
       }) {
    SCOPED_TRACE(c.what);
    const Builder builder(command_of(c.what));
    const auto content = builder.read(long_list("n"), domains(), Origin::remote);
    ASSERT_FALSE(content);
    EXPECT_NE(content.error().text.find(c.error), std::string::npos) << content.error().text;
  }
  const Builder missing(BuildCommand{"/there/is/no/such/program", {"builder"}, 0});
  const auto content = missing.read(long_list("n"), domains(), Origin::remote);
  ASSERT_FALSE(content);
  EXPECT_NE(content.error().text.find("start /there/is"), std::string::npos);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Builder, HoldsAProcessToItsMemory) {
  BuildCommand command = command_of();
  command.max_memory = 16U << 20;
  const Builder builder(command);
  const auto content = builder.read(long_list("n", 1'000'000), domains(), Origin::remote);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code, Errc::limit_exceeded) << content.error().text;
  EXPECT_NE(content.error().text.find("more memory"), std::string::npos) << content.error().text;
}
#endif

TEST(Builder, AnOctetThatIsWrittenDoesNotPassForTheEnd) {
  Builder builder(command_of("say done and wait"));
  std::jthread stopper([&builder] {
    // Long enough for the octet to come, most of the time; stopped before is right, too.
    std::this_thread::sleep_for(milliseconds(200));
    builder.stop();
  });
  EXPECT_EQ(builder.read(long_list("n"), domains(), Origin::remote).error().text, "stopped");
}

TEST(Builder, StopsWhatIsUnderWay) {
  Builder builder(command_of("never end"));
  std::jthread stopper([&builder] {
    // Long enough for the process to be under way, most of the time; stopped before is right, too.
    std::this_thread::sleep_for(milliseconds(20));
    builder.stop();
  });
  const auto began = std::chrono::steady_clock::now();
  const auto content = builder.read(long_list("n"), domains(), Origin::remote);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(30));
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().text, "stopped");
}

struct BuilderInFeeds : testing::FeedsFixture {
  Options with(std::string what, std::vector<Source> sources) {
    Options made = options(std::move(sources));
    made.builder = command_of(std::move(what));
    return made;
  }
};

TEST_F(BuilderInFeeds, LongListsComeIntoForceAndShortOnesBesideThem) {
  folder.write("long.txt", long_list("a"));
  folder.write("short.txt", "short.example\n");
  Source large = file_source("long", "long.txt");
  feeds = Feeds::start(with("work", {large, file_source("short", "short.txt")}), policy, log);
  feeds->wait_until_local_sources_are_in_force();
  EXPECT_TRUE(blocks("a29999.example")) << log.text();
  EXPECT_TRUE(blocks("short.example"));
  folder.replace("short.txt", "changed.example\n");
  ASSERT_TRUE(testing::eventually([&] { return blocks("changed.example"); })) << log.text();
  EXPECT_TRUE(blocks("a29999.example"));
  EXPECT_FALSE(blocks("short.example"));
}

TEST_F(BuilderInFeeds, OwnListsThatCouldNotBeReadAreTriedAgain) {
  Options made = with("work", {text_source("own", long_list("a"))});
  made.builder.program = folder.file("builder");
  made.first_retry = seconds(1);
  feeds = Feeds::start(std::move(made), policy, log);
  feeds->wait_until_local_sources_are_in_force();
  EXPECT_FALSE(blocks("a1.example"));
  std::filesystem::create_symlink(command_of().program, folder.file("builder"));
  EXPECT_TRUE(testing::eventually([&] { return blocks("a1.example"); })) << log.text();
  EXPECT_TRUE(testing::eventually([&] { return status().health == intel::Health::good; }));
}

TEST_F(BuilderInFeeds, AReaderThatCrashesLeavesWhatIsInForce) {
  folder.write("list.txt", "short.example\n");
  feeds = Feeds::start(with("crash", {file_source("list", "list.txt")}), policy, log);
  feeds->wait_until_local_sources_are_in_force();
  ASSERT_TRUE(blocks("short.example"));
  folder.replace("list.txt", long_list("a"));
  ASSERT_TRUE(testing::eventually([&] {
    return status().last_error.find("signal 11") != std::string::npos;
  })) << status().last_error;
  EXPECT_TRUE(blocks("short.example"));
}

}  // namespace
}  // namespace postern::feeds
