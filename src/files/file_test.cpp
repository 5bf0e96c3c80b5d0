#include "files/file.h"

#include <array>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "files/root.h"
#include "files/testing.h"

namespace postern::files {
namespace {

using testing::TemporaryFolder;

std::string streamed(const File& file, std::size_t buffer_octets) {
  Octets buffer(buffer_octets);
  std::string text;
  EXPECT_TRUE(file.stream(buffer, [&](OctetView block) {
    EXPECT_LE(block.size(), buffer_octets);
    text += text_of(block);
    return true;
  }));
  return text;
}

TEST(File, StreamsInBlocksWhatReadAtGivesToo) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += std::to_string(i);
  folder.write("a", text);
  const auto root = Root::open(folder.path());
  ASSERT_TRUE(root);
  const auto file = root->open_file("a");
  ASSERT_TRUE(file);
  EXPECT_EQ(streamed(*file, 997), text);
  EXPECT_EQ(streamed(*file, 1 << 20), text);
  std::array<std::uint8_t, 5> five{};
  EXPECT_EQ(file->read_at(10, five), 5U);
  EXPECT_EQ(text_of(five), text.substr(10, 5));
  EXPECT_EQ(file->read_at(text.size() - 2, five), 2U);
  EXPECT_EQ(file->read_at(text.size() + 9, five), 0U);
  EXPECT_EQ(file->read_whole(text.size()), Octets(text.begin(), text.end()));
  EXPECT_EQ(file->read_whole(text.size() - 1).error().code, Errc::limit_exceeded);
}

TEST(File, StreamStopsWhenItIsToldTo) {
  const TemporaryFolder folder;
  folder.write("a", std::string(1000, 'x'));
  const auto root = Root::open(folder.path());
  const auto file = root->open_file("a");
  Octets buffer(100);
  int blocks = 0;
  EXPECT_TRUE(file->stream(buffer, [&](OctetView) { return ++blocks < 3; }));
  EXPECT_EQ(blocks, 3);
}

TEST(File, SaysThatItChangedWhileItWasRead) {
  const TemporaryFolder folder;
  folder.write("a", std::string(1000, 'x'));
  const auto root = Root::open(folder.path());
  const auto file = root->open_file("a");
  EXPECT_EQ(file->changed(), false);
  EXPECT_EQ(streamed(*file, 100).size(), 1000U);
  EXPECT_EQ(file->changed(), false) << "reading is no change";
  std::filesystem::resize_file(folder / "a", 400);
  EXPECT_EQ(file->changed(), true);
  EXPECT_EQ(streamed(*file, 100).size(), 400U);
  EXPECT_EQ(file->read_whole(1000).error().code, Errc::unavailable);
}

TEST(File, AFileThatGrowsForEverIsReadToAnEnd) {
  const TemporaryFolder folder;
  folder.write("a", std::string(1000, 'x'));
  const auto root = Root::open(folder.path());
  const auto file = root->open_file("a");
  Octets buffer(100);
  std::size_t octets = 0;
  EXPECT_TRUE(file->stream(buffer, [&](OctetView block) {
    std::ofstream(folder / "a", std::ios::app) << std::string(200, 'y');
    octets += block.size();
    return true;
  }));
  EXPECT_EQ(octets, 1000U);
  EXPECT_EQ(file->changed(), true);
}

TEST(File, ASizeSetBackWithItsTimeIsSeenByTheStatusTime) {
  const TemporaryFolder folder;
  folder.write("a", "before");
  const auto root = Root::open(folder.path());
  const auto file = root->open_file("a");
  struct stat info{};
  ASSERT_EQ(::stat((folder / "a").c_str(), &info), 0);
  folder.write("a", "behind");
  const std::array<timespec, 2> times{info.st_atim, info.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, (folder / "a").c_str(), times.data(), 0), 0);
  EXPECT_EQ(file->changed(), true);
}

}  // namespace
}  // namespace postern::files
