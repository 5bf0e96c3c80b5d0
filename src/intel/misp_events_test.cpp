#include "intel/misp_events.h"

#include <string>

#include <gtest/gtest.h>

#include "intel/whole_feed.h"

namespace postern::intel {
namespace {

constexpr std::uint64_t kRoom = 1U << 20;
constexpr std::string_view kEvent =
    R"({"Event":{"uuid":"5f-1","info":"x","Tag":[{"name":"tlp:amber"},{"name":"osint"}],
        "Attribute":[
          {"type":"domain","value":"bad.example","to_ids":true,"timestamp":"1614672000"},
          {"type":"hostname","value":"seen.example","to_ids":false},
          {"type":"domain","value":"gone.example","to_ids":true,"deleted":true},
          {"type":"md5","value":"00","to_ids":true}],
        "Object":[{"name":"o","Attribute":[
          {"type":"ip-dst","value":"192.0.2.1","to_ids":1,"Tag":[{"name":"tlp:red"}]}]},
          {"name":"p","deleted":true,"Attribute":[
          {"type":"domain","value":"p.example","to_ids":true}]}]}})";

std::string versions(const MispManifest& manifest) {
  std::string text;
  for (const auto& each : manifest.events) {
    text += each.uuid + " " + std::to_string(each.timestamp) + "; ";
  }
  return text + std::to_string(manifest.unread) + " unread";
}

TEST(MispManifest, ListsEventsWhoseNamesAreFitForAnAddress) {
  const auto manifest = read_misp_manifest(
      R"({"5f-1":{"timestamp":"1614672000","Orgc":{"name":"CERT"}},"5F-2":{"timestamp":7},
          "../../etc/passwd":{"timestamp":"1"},"5f-3":{"timestamp":"soon"},"5f-4":{},"5f-5":3})");
  ASSERT_TRUE(manifest);
  EXPECT_EQ(versions(*manifest), "5f-1 1614672000; 5F-2 7; 4 unread");
  EXPECT_EQ(versions(read_misp_manifest("{}").value()), "0 unread");
  for (const std::string_view bad : {"", "[]", "<html>", R"({"a b":{"timestamp":1}})"}) {
    EXPECT_FALSE(read_misp_manifest(bad)) << bad;
  }
}

TEST(MispEvents, KeepsWhatIsForDetectionWithItsMarkings) {
  MispEvents events(kRoom);
  ASSERT_TRUE(events.take({"5f-1", 9}, kEvent));
  EXPECT_EQ(
      events.to_text(),
      R"({"event":"5f-1","event_timestamp":9,"type":"domain","value":"bad.example",)"
      R"("timestamp":"1614672000","to_ids":true,"Tag":[{"name":"tlp:amber"}]})"
      "\n"
      R"({"event":"5f-1","event_timestamp":9,"type":"ip-dst","value":"192.0.2.1","to_ids":true,)"
      R"("Tag":[{"name":"tlp:amber"},{"name":"tlp:red"}]})"
      "\n");
}

TEST(MispEvents, IsReadByTheFormatAsTheEventsThemselvesAre) {
  MispEvents events(kRoom);
  ASSERT_TRUE(events.take({"5f-1", 9}, kEvent));
  ASSERT_TRUE(events.take({"5f-2", 1}, R"({"Event":{"uuid":"5f-2"}})"));
  FeedOptions options;
  options.format = Format::misp;
  const auto whole = read_feed(kEvent, options);
  const auto kept = read_feed(events.to_text(), options);
  ASSERT_TRUE(whole) << whole.error().text;
  ASSERT_TRUE(kept) << kept.error().text;
  ASSERT_EQ(kept->rules.size(), 2U);
  ASSERT_EQ(whole->rules.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(kept->rules.at(i).name, whole->rules.at(i).name);
    EXPECT_EQ(kept->rules.at(i).prefix, whole->rules.at(i).prefix);
    EXPECT_EQ(kept->rules.at(i).scope, whole->rules.at(i).scope);
  }
  EXPECT_EQ(kept->lines_skipped, 0U);
  EXPECT_EQ(kept->tlp, Tlp::red);
}

TEST(MispEvents, ANewVersionTakesThePlaceOfTheOldAndWhatIsGoneGoes) {
  MispEvents events(kRoom);
  const auto event = [](std::string_view uuid, std::string_view name) {
    return R"({"Event":{"uuid":")" + std::string(uuid) +
           R"(","Attribute":[{"type":"domain","to_ids":true,"value":")" + std::string(name) +
           R"("}]}})";
  };
  ASSERT_TRUE(events.take({"5f-1", 1}, event("5f-1", "a.example")));
  ASSERT_TRUE(events.take({"5f-2", 1}, event("5f-2", "b.example")));
  MispEvents again(kRoom);
  ASSERT_TRUE(again.take_lines(events.to_text()));
  EXPECT_EQ(again.to_text(), events.to_text());
  EXPECT_TRUE(again.has({"5f-1", 1}));
  EXPECT_FALSE(again.has({"5f-1", 2}));
  ASSERT_TRUE(again.take({"5f-1", 2}, event("5f-1", "c.example")));
  EXPECT_EQ(again.to_text().find("a.example"), std::string::npos);
  EXPECT_NE(again.to_text().find("c.example"), std::string::npos);
  EXPECT_EQ(again.keep_only({{"5f-1", 5}}), 1U);
  EXPECT_EQ(again.to_text().find("b.example"), std::string::npos);
  EXPECT_EQ(again.keep_only({}), 1U);
  EXPECT_EQ(again.to_text(), "[]\n");
}

TEST(MispEvents, WhatIsNoEventOrTooMuchIsRefusedAndChangesNothing) {
  MispEvents events(kRoom);
  ASSERT_TRUE(events.take({"5f-1", 9}, kEvent));
  const std::string before = events.to_text();
  for (const std::string_view bad : {"", "<html>", "[]", R"({"response":[]})",
                                     R"({"Event":{"uuid":"5f-9"}})", R"({"Event":3})"}) {
    EXPECT_FALSE(events.take({"5f-1", 10}, bad)) << bad;
  }
  EXPECT_EQ(events.to_text(), before);
  EXPECT_FALSE(events.take_lines("{\"type\":\"domain\"}\n"));
  MispEvents small(100);
  EXPECT_EQ(small.take({"5f-1", 9}, kEvent).error().code, Errc::limit_exceeded);
}

}  // namespace
}  // namespace postern::intel
