// What is refused as a whole, what is counted, and which format is guessed.
#include "intel/whole_feed.h"

#include <string>

#include <gtest/gtest.h>

#include "intel/feed_dump.h"
#include "intel/feed_status.h"
#include "intel/format.h"

namespace postern::intel {
namespace {

FeedOptions options_for(Format format) {
  FeedOptions options;
  options.format = format;
  return options;
}

TEST(WholeFeed, WhatIsNoListIsNamedAndRefused) {
  const struct {
    std::string text;
    std::string want;
  } cases[] = {
      {"", "the text is empty"},
      {"\xef\xbb\xbf \r\n\t\n", "the text is empty"},
      {"<!DOCTYPE html><html><head><title>Sign in</title>",
       "a web page (its title: \"Sign in\") where a list is expected"},
      {"\n <HTML>", "a web page where a list is expected"},
      {"\x1f\x8b\x08", "gzip data where a list"},
      {"\x28\xb5\x2f\xfd....", "zstd data where a list"},
      {"PK\x03\x04", "a zip archive where a list"},
      {"%PDF-1.7", "a PDF document where a list"},
      {std::string("\xff\xfe"
                   "a\0.\0",
                   6),
       "UTF-16 text where a list"},
      {"{\"domains\": []}", "JSON where a list is expected; set format: json"},
      {"[\n {\"domain\": \"a.example\"}]", "JSON where a list is expected; set format: json"},
      {"{\"type\": \"bundle\", \"objects\": []}",
       "JSON where a list is expected; set format: stix"},
      {std::string("a.example\n\0\n", 12), "binary data (a NUL at octet 10)"},
      {"a b\nc d\n", "no rule in 2 lines read as domains (line 1: \"a b\" is more than one word"},
      {"||a.example^\n||b.example^\n",
       "no rule in 2 lines read as domains (line 1: "
       "\"||a.example^\" is adblock syntax; set format: adblock); it looks like adblock: set "
       "format: adblock"},
      {"0.0.0.0 a.example\n",
       "no rule in 1 lines read as domains (line 1: \"0.0.0.0 a.example\" is "
       "more than one word; write one name a line, or set format: hosts if addresses come first); "
       "it looks like hosts: set format: hosts"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.want);
    const auto feed = read_feed(c.text, options_for(Format::domains));
    ASSERT_FALSE(feed.has_value());
    EXPECT_EQ(feed.error().code, Errc::invalid_input);
    EXPECT_EQ(feed.error().text.substr(0, c.want.size()), c.want);
  }
}

TEST(WholeFeed, AListWhereJsonIsExpectedIsNamedAndRefused) {
  for (const Format format : {Format::stix, Format::misp, Format::json}) {
    const auto feed = read_feed("a.example\nb.example\n", options_for(format));
    ASSERT_FALSE(feed.has_value());
    EXPECT_EQ(feed.error().code, Errc::invalid_input);
    EXPECT_EQ(feed.error().text,
              "line 1: neither an object nor an array; if the text is no JSON, set its format");
  }
}

TEST(WholeFeed, CommentsAloneAreAQuietDayAndNotAFault) {
  const auto feed = read_feed("# nothing today\n\n", options_for(Format::domains));
  ASSERT_FALSE(feed.has_value());
  EXPECT_EQ(feed.error().code, Errc::not_found);
}

TEST(WholeFeed, MoreRulesThanAllowedIsAnErrorAndOneLessIsNot) {
  FeedOptions options = options_for(Format::domains);
  options.max_rules = 2;
  EXPECT_TRUE(read_feed("a.example\nb.example\n", options).has_value());
  const auto feed = read_feed("a.example\nb.example\nc.example\n", options);
  ASSERT_FALSE(feed.has_value());
  EXPECT_EQ(feed.error().code, Errc::limit_exceeded);
}

TEST(WholeFeed, EveryLineIsCountedOnceAndTheFirstSkippedAreKept) {
  std::string text = "\xef\xbb\xbf# comment\n\na.example\n";
  for (int i = 0; i < 150; ++i) text += "not a name\n";
  text += "b.example";
  const auto feed = read_feed(text, options_for(Format::domains));
  ASSERT_TRUE(feed.has_value());
  EXPECT_EQ(feed->lines, 154U);
  EXPECT_EQ(feed->lines_ignored, 2U);
  EXPECT_EQ(feed->lines_skipped, 150U);
  ASSERT_EQ(feed->skipped.size(), FeedContent::kMaxSkippedKept);
  EXPECT_EQ(feed->skipped[0].line, 4U);
  EXPECT_EQ(feed->rules.size(), 2U);
  EXPECT_EQ(feed->rules.at(1).line, 154U);
}

TEST(WholeFeed, TwoBadNamesOnALineAreOneSkippedLine) {
  const auto feed = read_feed("0.0.0.0 a/b c/d e.example\n", options_for(Format::hosts));
  ASSERT_TRUE(feed.has_value());
  EXPECT_EQ(feed->lines_skipped, 1U);
  EXPECT_EQ(feed->rules.size(), 1U);
}

TEST(WholeFeed, OneOwnerHasAtMost64Records) {
  std::string text;
  for (int i = 1; i <= 70; ++i) text += fmt::format("192.0.2.{} a.example\n", i);
  const auto feed = read_feed(text, options_for(Format::hosts));
  ASSERT_TRUE(feed.has_value());
  ASSERT_EQ(feed->rules.size(), 1U);
  EXPECT_EQ(feed->rules.local_data(feed->rules.at(0).data).size(), 64U);
  EXPECT_EQ(feed->lines_skipped, 6U);
}

TEST(WholeFeed, EqualRecordSetsAreKeptOnce) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += fmt::format("192.0.2.1 n{}.example\n", i);
  const auto feed = read_feed(text, options_for(Format::hosts));
  ASSERT_TRUE(feed.has_value());
  ASSERT_EQ(feed->rules.size(), 1000U);
  for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(feed->rules.at(i).data, 0U);
}

TEST(GuessFormat, ByWhatMostLinesLookLike) {
  const struct {
    std::string text;
    std::optional<Format> want;
  } cases[] = {
      {"# c\n0.0.0.0 a.example\n::1 localhost\n", Format::hosts},
      {"a.example\nb.example\n", Format::domains},
      {"a.example\n*.b.example\n", Format::wildcard},
      {"[Adblock Plus]\n! c\n||a.example^\n@@||b.example^$important\n", Format::adblock},
      {"address=/a.example/0.0.0.0\nserver=/b.example/\n", Format::dnsmasq},
      {"server:\n  local-zone: \"a.example\" refuse\n", Format::unbound},
      {"$TTL 60\n@ SOA . . 1 1 1 1 1\n NS .\na.example CNAME .\n", Format::rpz},
      {"a.example 60 IN CNAME .\n", Format::rpz},
      {"domain,family\na.example,x\n", Format::csv},
      {"# c\na.example\n192.0.2.1\nb.example\nc.example\n", Format::maltrail},
      {"192.0.2.1:8080\n2001:db8::/32\n", Format::maltrail},
      {"{\"type\": \"bundle\", \"objects\": [{\"type\": \"indicator\"}]}", Format::stix},
      {"{\"objects\": [{\"type\": \"indicator\", \"pattern_type\": \"stix\"}]}", Format::stix},
      {"{\"Event\": {\"Attribute\": []}}", Format::misp},
      {"{\"response\": [{\"type\": \"domain\", \"to_ids\": true}]}", Format::misp},
      {"[{\"domain\": \"a.example\"}]", Format::json},
      {"", std::nullopt},
      {"# only\n! comments\n", std::nullopt},
      {"some words of prose\n", std::nullopt},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(guess_format(c.text), c.want);
  }
}

TEST(Format, EveryNameReadsBack) {
  for (std::size_t i = 0; i < kFormatCount; ++i) {
    const auto format = static_cast<Format>(i);
    EXPECT_EQ(format_from_text(to_string(format)), format);
  }
  EXPECT_EQ(format_from_text("Hosts"), std::nullopt);
}

TEST(Health, HasAWordForEachState) {
  EXPECT_EQ(to_string(Health::never), "never");
  EXPECT_EQ(to_string(Health::good), "good");
  EXPECT_EQ(to_string(Health::stale), "stale");
  EXPECT_EQ(to_string(Health::failed), "failed");
}

}  // namespace
}  // namespace postern::intel
