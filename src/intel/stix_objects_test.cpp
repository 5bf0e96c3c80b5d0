#include "intel/stix_objects.h"

#include <gtest/gtest.h>

#include "intel/format.h"

namespace postern::intel {
namespace {

std::string indicator(std::string_view id, std::string_view modified, std::string_view more) {
  return R"({"type":"indicator","id":"indicator--)" + std::string(id) + R"(","modified":")" +
         std::string(modified) + R"(",)" + std::string(more) + "}";
}

std::string pattern(std::string_view name) {
  return R"("pattern_type":"stix","pattern":"[domain-name:value = ')" + std::string(name) +
         R"(']")";
}

std::string text_of(const std::vector<std::string>& all) {
  StixObjects objects(1'000'000);
  for (const std::string& each : all) EXPECT_TRUE(objects.take(each));
  return objects.to_text();
}

TEST(StixObjects, TheNewestVersionOfEachIsKeptWhateverTheOrder) {
  const std::string old_one = indicator("1", "2025-01-01T00:00:00Z", pattern("old.example"));
  const std::string new_one = indicator("1", "2025-01-02T00:00:00.000001Z", pattern("new.example"));
  const std::string other = indicator("2", "2025-01-01T00:00:00Z", pattern("other.example"));
  EXPECT_EQ(text_of({old_one, other, new_one}), new_one + "\n" + other + "\n");
  EXPECT_EQ(text_of({new_one, old_one}), new_one + "\n");
}

TEST(StixObjects, OfARevokedOneNothingIsLeftAndNoOlderVersionComesBack) {
  const std::string good = indicator("1", "2025-01-01T00:00:00Z", pattern("a.example"));
  const std::string revoked =
      indicator("1", "2025-01-02T00:00:00Z", pattern("a.example") + R"(,"revoked":true)");
  const std::string text = text_of({good, revoked, good});
  EXPECT_EQ(text,
            "{\"type\":\"indicator\",\"id\":\"indicator--1\",\"modified\":\"2025-01-02T00:00:00Z\","
            "\"revoked\":true}\n");
  FeedOptions options;
  options.format = Format::stix;
  const auto feed = read_feed(text, options);
  ASSERT_FALSE(feed);
  EXPECT_EQ(feed.error().code, Errc::not_found);  // No rule, and nothing wrong with that.
}

TEST(StixObjects, OnlyWhatAStixFeedReadsIsKept) {
  struct Case {
    std::string text;
    bool is_kept;
  };
  const Case cases[] = {
      {indicator("1", "2025-01-01T00:00:00Z", pattern("a.example")), true},
      {R"({"type":"marking-definition","id":"marking-definition--1"})", true},
      {R"({"type":"indicator","id":"i","pattern_type":"yara","pattern":"x"})", false},
      {R"({"type":"malware","id":"m"})", false},
      {R"({"type":"identity"})", false},
      {"{}", false},
      // What is wrong with it is for the reader of the feed to say.
      {R"({"type":"indicator",})", true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    StixObjects objects(1'000'000);
    EXPECT_EQ(objects.is_of_use(c.text), c.is_kept);
    ASSERT_TRUE(objects.take(c.text));
    EXPECT_EQ(objects.size(), c.is_kept ? 1U : 0U);
  }
}

TEST(StixObjects, ATextReadsBackAsItself) {
  const std::string text = text_of({
      indicator("1", "2025-01-01T00:00:00Z", pattern("a.example")),
      "{\n \"type\" : \"indicator\",\r\n \"id\" : \"x\" }",
      R"({"type":"indicator","no":})",
  });
  StixObjects again(1'000'000);
  ASSERT_TRUE(again.take_lines(text));
  EXPECT_EQ(again.to_text(), text);
  EXPECT_EQ(again.size(), 3U);
  EXPECT_EQ(StixObjects(1).to_text(), "[]\n");
  StixObjects none(1);
  EXPECT_TRUE(none.take_lines("[]\n"));
  EXPECT_EQ(none.size(), 0U);
}

TEST(StixObjects, TheBoundCountsEachObjectOnce) {
  const std::string one = indicator("1", "2025-01-01T00:00:00Z", pattern("a.example"));
  StixObjects objects(one.size() + 1);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(objects.take(one));
  const auto second = objects.take(indicator("2", "2025-01-01T00:00:00Z", pattern("a.example")));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::limit_exceeded);
  EXPECT_NE(second.error().text.find("raise the feed's max_size"), std::string::npos);
}

}  // namespace
}  // namespace postern::intel
