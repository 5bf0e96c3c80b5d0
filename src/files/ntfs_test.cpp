#include "files/ntfs.h"

#include <bit>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace postern::files {
namespace {

using std::string_view_literals::operator""sv;

// As ntfs-3g gives numbers: in the order of this machine.
template <class Number>
void append(Octets& octets, Number number) {
  Octets more(sizeof number);
  std::memcpy(more.data(), &number, sizeof number);
  octets.insert(octets.end(), more.begin(), more.end());
}

TEST(Ntfs, CountsFrom1601) {
  EXPECT_EQ(from_filetime(116'444'736'000'000'000), (Time{0, 0}));
  EXPECT_EQ(from_filetime(0), (Time{-11'644'473'600, 0}));
  EXPECT_EQ(from_filetime(116'444'736'000'000'000 - 1), (Time{-1, 999'999'900}));
  EXPECT_EQ(from_filetime(132'592'032'000'000'005), (Time{1'614'729'600, 500}));
  EXPECT_GT(from_filetime(~std::uint64_t{0}), (Time{0, 0}));
  EXPECT_GT(from_filetime(~std::uint64_t{0}).wall(), WallTime{});
  EXPECT_LT(from_filetime(0).wall(), WallTime{});
}

TEST(Ntfs, TimesBeyondWallTimeAreItsEnds) {
  EXPECT_GT((Time{INT64_MAX, 0}).wall(), WallTime{});
  EXPECT_LT((Time{INT64_MIN, 0}).wall(), WallTime{});
}

TEST(Ntfs, AttributesAndTimesOfTheWrongSizeAreNone) {
  Octets four;
  append(four, std::uint32_t{0x6});
  EXPECT_EQ(parse_ntfs_attributes(four), 0x6U);
  EXPECT_EQ(parse_ntfs_attributes(OctetView(four).first(3)), std::nullopt);
  EXPECT_EQ(parse_ntfs_attributes({}), std::nullopt);
  Octets times;
  for (const std::uint64_t time : {1U, 2U, 3U, 4U}) {
    append(times, std::uint64_t{116'444'736'000'000'000} + time * 10'000'000);
  }
  EXPECT_EQ(parse_ntfs_times(times), (NtfsTimes{{1, 0}, {2, 0}, {3, 0}, {4, 0}}));
  EXPECT_EQ(parse_ntfs_times(OctetView(times).first(24))->changed, Time{});
  for (const std::size_t size : {0U, 7U, 8U, 23U, 31U}) {
    EXPECT_EQ(parse_ntfs_times(OctetView(times).first(size)), std::nullopt) << size;
  }
}

TEST(Ntfs, StreamsAreNamedHoweverTheyAreWritten) {
  EXPECT_EQ(parse_stream_names(octets_of("b\0a\0"sv)), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse_stream_names(octets_of("torn"sv)), (std::vector<std::string>{"torn"}));
  EXPECT_TRUE(parse_stream_names(octets_of("\0\0\0"sv)).empty());
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "s" + std::to_string(i) + '\0';
  EXPECT_EQ(parse_stream_names(octets_of(many)).size(), 1024U);
}

TEST(Ntfs, SaysWhatWindowsHides) {
  NtfsFacts facts;
  facts.attributes = kHidden | kSystem;
  EXPECT_TRUE(facts.is_hidden());
  EXPECT_TRUE(facts.is_system());
  EXPECT_FALSE(facts.is_read_only());
  EXPECT_FALSE(facts.leads_elsewhere());
  facts.reparse_tag = 0xA0000003;
  EXPECT_TRUE(facts.leads_elsewhere());
  facts.reparse_tag = 0x80000017;  // Compressed by Windows: a file like others.
  EXPECT_FALSE(facts.leads_elsewhere());
}

}  // namespace
}  // namespace postern::files
