#include "evidence/record.h"

#include <string>

#include <gtest/gtest.h>

#include "evidence/manifest.h"
#include "evidence/time_text.h"

namespace postern::evidence {
namespace {

Record whole_record() {
  Record record;
  record.path = "a/trailing. /no\xff utf8";
  record.metadata = {files::Kind::regular,
                     12,
                     ~0ULL,
                     ~0ULL,
                     1,
                     04755,
                     7,
                     8,
                     {1, 2},
                     {-5, 999'999'999},
                     {3, 0},
                     files::Time{-11'644'473'600, 100}};
  record.content = Kept{std::string(64, 'a'), 12};
  record.ntfs = files::NtfsFacts{0x27,
                                 files::NtfsTimes{{1, 1}, {2, 2}, {3, 3}, {4, 4}},
                                 0xA0000003,
                                 {"Zone.Identifier", "\xfe"}};
  record.attributes = {{"user.x", {std::string(64, 'b'), 3}}};
  record.attributes_not_kept = {"user.big: too large"};
  record.changed_while_read = true;
  return record;
}

TEST(Record, ReadsBackAsItWas) {
  const Record record = whole_record();
  const auto back = record_from_json(to_json(record));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(*back, record);
  Record link;
  link.path = "l";
  link.metadata.kind = files::Kind::link;
  link.target = "C:\\\xff";
  EXPECT_EQ(record_from_json(to_json(link)), link);
  Record gone;
  gone.path = "g";
  gone.not_kept = "open g: No such file or directory";
  EXPECT_EQ(record_from_json(to_json(gone)), gone);
}

TEST(Record, WhatIsTornOrLeadsOutIsRefused) {
  const std::string line = to_json(whole_record());
  for (std::size_t size = 0; size < line.size(); ++size) {
    EXPECT_FALSE(record_from_json(line.substr(0, size))) << size;
  }
  for (const std::string path : {"../x", "/etc/passwd", "a/../../x", "a//b"}) {
    Record record = whole_record();
    record.path = path;
    EXPECT_FALSE(record_from_json(to_json(record))) << path;
  }
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"04755\"", "\"010000\""},
           {"\"04755\"", "\"rwx\""},
           {"1.000000002", "1.2"},
           {std::string(64, 'a'), std::string(63, 'a')},
           {"\"file\"", "\"shell\""},
           {"\"uid\":7", "\"uid\":4294967296"},
           {"\"uid\":7", "\"uid\":-1"}}) {
    std::string changed = line;
    ASSERT_NE(changed.find(from), std::string::npos) << from;
    changed.replace(changed.find(from), from.size(), to);
    EXPECT_FALSE(record_from_json(changed)) << to;
  }
}

TEST(TimeText, ReadsBackAsItWas) {
  for (const auto& [time, text] : std::vector<std::pair<files::Time, std::string>>{
           {{0, 0}, "0.000000000"},
           {{1'614'643'200, 123'456'700}, "1614643200.123456700"},
           {{-1, 500'000'000}, "-0.500000000"},
           {{-1, 0}, "-1.000000000"},
           {{-5, 999'999'999}, "-4.000000001"},
           {{-11'644'473'600, 0}, "-11644473600.000000000"},
           {{INT64_MAX, 999'999'999}, "9223372036854775807.999999999"}}) {
    EXPECT_EQ(to_decimal(time), text);
    EXPECT_EQ(from_decimal(text), time) << text;
  }
  for (const std::string text : {"", "1", "1.", "1.5", "--1.000000000", "1.00000000x",
                                 "-.000000000", "9223372036854775808.000000000", "1.-00000000"}) {
    EXPECT_EQ(from_decimal(text), std::nullopt) << text;
  }
}

TEST(TimeText, SaysMomentsToPeople) {
  EXPECT_EQ(to_utc(WallTime(std::chrono::seconds(1'614'643'201))), "2021-03-02T00:00:01Z");
  EXPECT_EQ(to_utc(WallTime(std::chrono::seconds(-1))), "1969-12-31T23:59:59Z");
}

TEST(Manifest, ReadsBackAndRefusesWhatIsOutOfOrder) {
  Manifest manifest;
  manifest.header.case_name = "case";
  manifest.header.root = "/mnt/\xff";
  manifest.header.records = 2;
  Record one = whole_record();
  one.path = "a";
  Record two = whole_record();
  two.path = "b";
  manifest.records = {one, two};
  const auto back = manifest_from_text(to_text(manifest));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->records, manifest.records);
  EXPECT_EQ(back->header.root, manifest.header.root);
  EXPECT_EQ(*back->find("b"), two);
  EXPECT_EQ(back->find("c"), nullptr);
  manifest.records = {two, one};
  EXPECT_FALSE(manifest_from_text(to_text(manifest)));
  manifest.records = {one, one};
  EXPECT_FALSE(manifest_from_text(to_text(manifest)));
  manifest.records = {one};
  EXPECT_FALSE(manifest_from_text(to_text(manifest)));
  EXPECT_FALSE(manifest_from_text(""));
}

}  // namespace
}  // namespace postern::evidence
