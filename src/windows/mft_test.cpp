#include "windows/mft.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "windows/testing/mft_writer.h"

namespace postern::windows {
namespace {

using testing::TestMftFile;
using testing::write_mft;
using testing::write_mft_record;

constexpr MftTimes kStandard{10, 20, 30, 40};
constexpr MftTimes kOfName{1, 2, 3, 4};

ReadAt reader_of(const Octets& octets) {
  return [&octets](std::uint64_t offset, std::span<std::uint8_t> into) -> Result<std::size_t> {
    if (offset >= octets.size()) return 0;
    const std::size_t count = std::min<std::size_t>(into.size(), octets.size() - offset);
    std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  };
}

std::vector<MftEntry> entries_of(const Octets& octets, std::uint64_t* unread = nullptr) {
  std::vector<MftEntry> out;
  auto reader = MftReader::open(reader_of(octets));
  EXPECT_TRUE(reader.has_value());
  if (!reader) return out;
  while (const MftEntry* entry = reader->next()) out.push_back(*entry);
  if (unread != nullptr) *unread = reader->unread();
  return out;
}

TEST(Mft, FilesAreReadWithBothKindsOfTimes) {
  for (const std::size_t size : {1'024U, 4'096U, 512U}) {
    SCOPED_TRACE(size);
    const auto entries = entries_of(write_mft({{.name = "$MFT"},
                                               {.name = "a.aspx",
                                                .parent = 7,
                                                .parent_sequence = 3,
                                                .sequence = 9,
                                                .standard = kStandard,
                                                .of_name = kOfName,
                                                .streams = {"Zone.Identifier"}},
                                               {.name = "gone.aspx", .in_use = false},
                                               {.name = "folder", .is_folder = true}},
                                              size));
    ASSERT_EQ(entries.size(), 4U);
    const MftEntry& page = entries[1];
    EXPECT_EQ(page.record, 1U);
    EXPECT_EQ(page.sequence, 9);
    EXPECT_EQ(page.parent, 7U);
    EXPECT_EQ(page.parent_sequence, 3);
    EXPECT_EQ(page.name, "a.aspx");
    EXPECT_EQ(page.standard, kStandard);
    EXPECT_EQ(page.of_name, kOfName);
    EXPECT_EQ(page.attributes, 0x20U);
    EXPECT_EQ(page.streams, std::vector<std::string>{"Zone.Identifier"});
    EXPECT_TRUE(page.in_use);
    EXPECT_FALSE(page.is_folder);
    EXPECT_FALSE(entries[2].in_use);
    EXPECT_TRUE(entries[3].is_folder);
  }
}

TEST(Mft, TheLongNameCounts) {
  const auto entries = entries_of(write_mft({{.name = "$MFT"},
                                             {.name = "Program Files", .dos_name = "PROGRA~1"},
                                             {.name = "", .dos_name = "ONLY~1"}}));
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[1].name, "Program Files");
  EXPECT_EQ(entries[2].name, "ONLY~1");
}

TEST(Mft, RecordsWithoutAFileArePassedOverAndTornOnesCounted) {
  Octets octets = write_mft({{.name = "$MFT"}, {.name = "torn"}, {.name = ""}, {.name = "last"}});
  octets[1'024 + 1'022] ^= 1;             // Its second sector is an older one.
  octets.insert(octets.end(), 1'024, 0);  // Never used.
  const Octets bad(1'024, 0x42);          // No record at all.
  octets.insert(octets.end(), bad.begin(), bad.end());
  const Octets more = write_mft_record({.name = "behind"});
  octets.insert(octets.end(), more.begin(), more.end());
  octets.insert(octets.end(), 100, 0x46);  // A record that is cut.
  std::uint64_t unread = 0;
  const auto entries = entries_of(octets, &unread);
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[1].name, "last");
  EXPECT_EQ(entries[2].name, "behind");
  EXPECT_EQ(entries[2].record, 6U);
  EXPECT_EQ(unread, 3U);
}

TEST(Mft, WhatIsNoTableIsRefused) {
  for (const Octets& octets :
       {Octets{}, Octets(100, 0), Octets(2'048, 0x46), write_mft_record({.name = "x"}, 512)}) {
    Octets changed = octets;
    if (changed.size() == 512) changed[28] = 7;  // A record of no known size.
    EXPECT_FALSE(MftReader::open(reader_of(changed)).has_value());
  }
}

TEST(Mft, ErrorsOfTheFileAreTold) {
  const Octets octets = write_mft({{.name = "$MFT"}, {.name = "x"}});
  auto reader = MftReader::open(
      [&](std::uint64_t offset, std::span<std::uint8_t> into) -> Result<std::size_t> {
        if (offset >= 1'024) return fail(Errc::unavailable, "bad sector");
        return reader_of(octets)(offset, into);
      });
  ASSERT_TRUE(reader.has_value());
  EXPECT_NE(reader->next(), nullptr);
  EXPECT_EQ(reader->next(), nullptr);
  ASSERT_TRUE(reader->read_error().has_value());
  EXPECT_EQ(reader->read_error()->text, "bad sector");
}

TEST(Mft, DamagedRecordsDoNoHarm) {
  std::mt19937 random(9);
  const Octets good =
      write_mft_record({.name = "page.aspx", .dos_name = "PAGE~1.ASP", .streams = {"x", "y"}});
  for (int round = 0; round < 20'000; ++round) {
    Octets octets = good;
    for (int i = 0; i < 4; ++i) {
      octets[random() % (round % 2 == 0 ? 300 : octets.size())] =
          static_cast<std::uint8_t>(random());
    }
    MftEntry entry;
    static_cast<void>(read_mft_record(octets, 1, entry));
    EXPECT_LE(entry.name.size(), 255U * 3);
  }
}

}  // namespace
}  // namespace postern::windows
