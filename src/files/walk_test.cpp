#include "files/walk.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/testing.h"

namespace postern::files {
namespace {

using testing::TemporaryFolder;

struct Walked {
  std::vector<std::string> paths;
  std::map<std::string, Reason> left_out;
};

Walked walked(const TemporaryFolder& folder, WalkOptions options = {}, std::string_view from = {}) {
  const auto root = Root::open(folder.path());
  EXPECT_TRUE(root);
  NotExaminedList not_examined;
  Walk walk(*root, not_examined, from, options);
  Walked result;
  while (const Entry* entry = walk.next()) result.paths.push_back(entry->path);
  for (const NotExamined& item : not_examined.named()) result.left_out[item.path] = item.reason;
  EXPECT_EQ(not_examined.count(), result.left_out.size());
  return result;
}

using Paths = std::vector<std::string>;
using LeftOut = std::map<std::string, Reason>;

TEST(Walk, GivesEveryEntryAFolderBeforeWhatIsInIt) {
  const TemporaryFolder folder;
  folder.write("b/2", "");
  folder.write("b/1/x", "");
  folder.write("a", "");
  folder.make_folder("c");
  const Walked all = walked(folder);
  EXPECT_EQ(all.paths, (Paths{"a", "b", "b/1", "b/1/x", "b/2", "c"}));
  EXPECT_TRUE(all.left_out.empty());
  EXPECT_EQ(walked(folder, {}, "b").paths, (Paths{"b/1", "b/1/x", "b/2"}));
  EXPECT_EQ(walked(folder, {}, "none").left_out, (LeftOut{{"none", Reason::vanished}}));
  EXPECT_EQ(walked(folder, {}, "../").paths, Paths{});
}

TEST(Walk, LeavesOutAFolderOnDemand) {
  const TemporaryFolder folder;
  folder.write("a/x", "");
  folder.write("b/x", "");
  const auto root = Root::open(folder.path());
  NotExaminedList not_examined;
  Walk walk(*root, not_examined);
  EXPECT_EQ(walk.next()->path, "a");
  walk.skip_folder();
  EXPECT_EQ(walk.next()->path, "b");
  EXPECT_EQ(walk.next()->path, "b/x");
  EXPECT_EQ(walk.next(), nullptr);
  EXPECT_EQ(walk.next(), nullptr);
}

TEST(Walk, LinksAreEntriesAndLeadNowhere) {
  const TemporaryFolder folder;
  folder.write("in/a", "");
  folder.link("..", "in/up");
  folder.link("in", "loop");
  folder.link("self", "self");
  folder.link("/etc", "etc");
  folder.link("gone", "dangling");
  const Walked all = walked(folder);
  EXPECT_EQ(all.paths, (Paths{"dangling", "etc", "in", "in/a", "in/up", "loop", "self"}));
  EXPECT_EQ(all.left_out,
            (LeftOut{{"dangling", Reason::link}, {"etc", Reason::link}, {"self", Reason::link}}));
}

TEST(Walk, SpecialFilesAreNamedAndNotOpened) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  const Walked all = walked(folder);
  EXPECT_EQ(all.paths, (Paths{"fifo"}));
  EXPECT_EQ(all.left_out, (LeftOut{{"fifo", Reason::special}}));
}

TEST(Walk, WhatIsTooDeepIsNamed) {
  const TemporaryFolder folder;
  folder.write("1/2/3/4/x", "");
  WalkOptions options;
  options.max_depth = 3;
  const Walked all = walked(folder, options);
  EXPECT_EQ(all.paths, (Paths{"1", "1/2", "1/2/3"}));
  EXPECT_EQ(all.left_out, (LeftOut{{"1/2/3", Reason::too_deep}}));
}

TEST(Walk, AsDeepAsItGoesWithoutRunningOutOfDescriptors) {
  const TemporaryFolder folder;
  FileDescriptor at(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY));
  for (int i = 0; i < 600; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "deeper and deeper", 0700), 0);
    at = FileDescriptor(::openat(at.get(), "deeper and deeper", O_RDONLY | O_DIRECTORY));
  }
  const Walked all = walked(folder);
  EXPECT_EQ(all.paths.size(), WalkOptions{}.max_depth);
  EXPECT_EQ(all.left_out, (LeftOut{{all.paths.back(), Reason::too_deep}}));
}

TEST(Walk, WhatIsTooManyIsSaid) {
  const TemporaryFolder folder;
  for (int i = 0; i < 10; ++i) folder.write("d/" + std::to_string(i), "");
  WalkOptions options;
  options.max_entries = 5;
  const Walked all = walked(folder, options);
  EXPECT_EQ(all.paths.size(), 5U);
  EXPECT_EQ(all.left_out, (LeftOut{{"d", Reason::too_many}}));
}

TEST(Walk, AFolderOfMoreNamesThanAreHeldComesWholeInPortions) {
  const TemporaryFolder folder;
  const FileDescriptor at(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY));
  constexpr int kNames = 3000;
  const std::string padding(200, 'p');
  for (int i = 0; i < kNames; ++i) {
    const std::string name = std::to_string(i) + padding;
    ASSERT_GE(FileDescriptor(::openat(at.get(), name.c_str(), O_CREAT | O_WRONLY, 0600)).get(), 0);
  }
  WalkOptions options;
  options.max_names_octets = 1;  // Less than one portion, the least of which is 64 KiB.
  Paths paths = walked(folder, options).paths;
  EXPECT_FALSE(std::ranges::is_sorted(paths)) << "it came in one portion";
  std::ranges::sort(paths);
  EXPECT_EQ(paths, walked(folder).paths);
  EXPECT_EQ(paths.size(), std::size_t{kNames});
}

TEST(Walk, WhatVanishesIsNamedAndTheRestComes) {
  const TemporaryFolder folder;
  folder.write("a", "");
  folder.write("b/x", "");
  folder.write("c", "");
  folder.write("d", "");
  const auto root = Root::open(folder.path());
  NotExaminedList not_examined;
  Walk walk(*root, not_examined);
  EXPECT_EQ(walk.next()->path, "a");
  std::filesystem::remove(folder / "c");
  EXPECT_EQ(walk.next()->path, "b");
  std::filesystem::remove_all(folder / "b");
  EXPECT_EQ(walk.next()->path, "d");
  EXPECT_EQ(walk.next(), nullptr);
  ASSERT_EQ(not_examined.count(), 2U);
  EXPECT_EQ(not_examined.named()[0].path, "b");
  EXPECT_EQ(not_examined.named()[1].path, "c");
  EXPECT_EQ(not_examined.named()[1].reason, Reason::vanished);
}

TEST(Walk, AFolderThatIsSwappedForALinkOrAnotherIsNotEntered) {
  const TemporaryFolder folder;
  folder.write("outside/secret", "");
  folder.write("a/x", "");
  folder.write("b/x", "");
  folder.write("other/y", "");
  const auto root = Root::open(folder.path());
  NotExaminedList not_examined;
  Walk walk(*root, not_examined);
  EXPECT_EQ(walk.next()->path, "a");
  std::filesystem::rename(folder / "a", folder / "was a");
  folder.link("/etc", "a");
  EXPECT_EQ(walk.next()->path, "b");
  std::filesystem::rename(folder / "b", folder / "was b");
  std::filesystem::rename(folder / "other", folder / "b");
  EXPECT_EQ(walk.next()->path, "outside");
  ASSERT_EQ(not_examined.count(), 3U);
  EXPECT_EQ(not_examined.named()[0].path, "a");
  EXPECT_EQ(not_examined.named()[1].path, "b");
  EXPECT_EQ(not_examined.named()[1].reason, Reason::changed);
  EXPECT_EQ(not_examined.named()[2].path, "other");
}

TEST(Walk, WhatMayNotBeReadIsNamed) {
  if (::geteuid() == 0) GTEST_SKIP() << "SKIPPED: root may read everything";
  const TemporaryFolder folder;
  folder.write("closed/x", "");
  ASSERT_EQ(::chmod((folder / "closed").c_str(), 0), 0);
  const Walked all = walked(folder);
  EXPECT_EQ(all.left_out, (LeftOut{{"closed", Reason::denied}}));
  ASSERT_EQ(::chmod((folder / "closed").c_str(), 0700), 0);
}

TEST(Walk, AFolderMountedInItselfIsNoLoop) {
  const TemporaryFolder folder;
  folder.write("a/b/x", "");
  if (::mount((folder / "a").c_str(), (folder / "a/b").c_str(), nullptr, MS_BIND, nullptr) != 0) {
    GTEST_SKIP() << "SKIPPED: may not mount";
  }
  const Walked all = walked(folder);
  EXPECT_EQ(::umount((folder / "a/b").c_str()), 0);
  EXPECT_EQ(all.paths, (Paths{"a", "a/b"}));
  EXPECT_EQ(all.left_out, (LeftOut{{"a/b", Reason::loop}}));
}

TEST(Walk, OpensTheFileItCameByAfterItsFolderWasMoved) {
  const TemporaryFolder folder;
  folder.write("d/a", "text");
  const auto root = Root::open(folder.path());
  NotExaminedList not_examined;
  Walk walk(*root, not_examined);
  walk.next();
  EXPECT_FALSE(walk.open_file()) << "a folder is no file";
  ASSERT_EQ(walk.next()->path, "d/a");
  std::filesystem::rename(folder / "d", folder / "moved");
  const auto file = walk.open_file();
  ASSERT_TRUE(file);
  EXPECT_EQ(text_of(*file->read_whole(10)), "text");
}

TEST(NotExaminedList, NamesTheFirstAndCountsAll) {
  NotExaminedList list;
  for (std::size_t i = 0; i < NotExaminedList::kMaxNamed + 5; ++i) {
    list.add("x", Reason::denied, "");
  }
  EXPECT_EQ(list.named().size(), NotExaminedList::kMaxNamed);
  EXPECT_EQ(list.count(), NotExaminedList::kMaxNamed + 5);
}

}  // namespace
}  // namespace postern::files
