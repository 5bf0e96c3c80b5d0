// Against a real NTFS that ntfs-3g mounts; skipped where that cannot be had.
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "files/extended_attributes.h"
#include "files/ntfs.h"
#include "files/testing.h"
#include "files/walk.h"

namespace postern::files {
namespace {

using testing::TemporaryFolder;

bool run(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t quiet{};
  ::posix_spawn_file_actions_init(&quiet);
  ::posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, argv[0], &quiet, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&quiet);
  int status = 0;
  return failed == 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

/// A small NTFS, mounted as long as it lives.
class NtfsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string image = folder_ / "image";
    const FileDescriptor file(::open(image.c_str(), O_CREAT | O_RDWR, 0600));
    ASSERT_EQ(::ftruncate(file.get(), 8 << 20), 0);
    folder_.make_folder("mount");
    is_mounted_ = run({"/usr/sbin/mkntfs", "-F", "-q", image}) && run({"ntfs-3g", image, mount()});
    if (!is_mounted_) GTEST_SKIP() << "SKIPPED: no NTFS: needs ntfs-3g, /dev/fuse and root";
  }
  void TearDown() override {
    if (!is_mounted_) return;
    EXPECT_EQ(::umount(mount().c_str()), 0);
  }

  /// Mounts it anew: the kernel remembers for a second what an entry was before.
  void remount() {
    ASSERT_EQ(::umount(mount().c_str()), 0);
    is_mounted_ = run({"ntfs-3g", folder_ / "image", mount()});
    ASSERT_TRUE(is_mounted_);
  }

  std::string mount() const { return folder_ / "mount"; }
  void set(const std::string& name, const std::string& attribute, const std::string& value) const {
    ::setxattr((mount() + "/" + name).c_str(), attribute.c_str(), value.data(), value.size(), 0);
  }

  TemporaryFolder folder_;
  bool is_mounted_ = false;
};

void append_word(std::string& octets, std::uint64_t word, int size) {
  for (int i = 0; i < size; ++i) octets += static_cast<char>((word >> (8 * i)) & 0xFF);
}

/// The octets of a junction to `target`, such as "C:\x".
std::string junction_to(const std::string& target) {
  std::string path;
  for (const char c : "\\??\\" + target) path += std::string{c, '\0'};
  std::string shown;
  for (const char c : target) shown += std::string{c, '\0'};
  std::string body;
  append_word(body, 0, 2);
  append_word(body, path.size(), 2);
  append_word(body, path.size() + 2, 2);
  append_word(body, shown.size(), 2);
  body += path + std::string(2, '\0') + shown + std::string(2, '\0');
  std::string all;
  append_word(all, 0xA0000003, 4);
  append_word(all, body.size(), 2);
  append_word(all, 0, 2);
  return all + body;
}

TEST_F(NtfsTest, AttributesTimesAndStreamsAreSeen) {
  folder_.write("mount/shell.aspx", "x");
  set("shell.aspx", "user.Zone.Identifier", "[ZoneTransfer]");
  std::string hidden;
  append_word(hidden, 0x27, 4);  // Read-only, hidden, system, archive: "RHSA".
  set("shell.aspx", "system.ntfs_attrib", hidden);
  std::string times;
  for (const std::uint64_t time : {1U, 2U, 3U}) {
    append_word(times, 116'444'736'000'000'000 + time * 10'000'000 + 7, 8);
  }
  set("shell.aspx", "system.ntfs_times", times);
  const auto root = Root::open(mount());
  ASSERT_TRUE(root);
  NotExaminedList not_examined;
  Walk walk(*root, not_examined);
  const Entry* entry = walk.next();
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->path, "shell.aspx");
  ASSERT_TRUE(entry->ntfs);
  EXPECT_EQ(entry->ntfs->attributes & 0x27, 0x27U);
  EXPECT_TRUE(entry->ntfs->is_hidden());
  EXPECT_TRUE(entry->ntfs->is_system());
  EXPECT_TRUE(entry->ntfs->is_read_only());
  EXPECT_EQ(entry->ntfs->streams, (std::vector<std::string>{"Zone.Identifier"}));
  ASSERT_TRUE(entry->ntfs->times);
  EXPECT_EQ(entry->ntfs->times->created, (Time{1, 700}));
  EXPECT_EQ(entry->ntfs->times->modified, (Time{2, 700}));
  EXPECT_EQ(entry->metadata.modified, (Time{2, 700}));
  const auto stream = attribute(*walk.open_entry(), "user.Zone.Identifier");
  ASSERT_TRUE(stream);
  EXPECT_EQ(text_of(*stream), "[ZoneTransfer]");
}

TEST_F(NtfsTest, JunctionsAreNotFollowed) {
  folder_.write("outside/secret", "x");
  folder_.write("mount/real/a", "x");
  folder_.make_folder("mount/to real");
  folder_.make_folder("mount/real/to above");
  folder_.make_folder("mount/to another disk");
  set("to real", "system.ntfs_reparse_data", junction_to("C:\\real"));
  set("real/to above", "system.ntfs_reparse_data", junction_to("C:\\"));
  set("to another disk", "system.ntfs_reparse_data", junction_to("Z:\\logs"));
  remount();
  const auto root = Root::open(mount());
  NotExaminedList not_examined;
  Walk walk(*root, not_examined);
  std::map<std::string, Kind> kinds;
  std::map<std::string, bool> reparse;
  while (const Entry* entry = walk.next()) {
    kinds[entry->path] = entry->metadata.kind;
    reparse[entry->path] = entry->ntfs && entry->ntfs->leads_elsewhere();
  }
  EXPECT_EQ(kinds, (std::map<std::string, Kind>{{"real", Kind::folder},
                                                {"real/a", Kind::regular},
                                                {"real/to above", Kind::link},
                                                {"to another disk", Kind::link},
                                                {"to real", Kind::link}}));
  EXPECT_TRUE(reparse["to real"]);
  EXPECT_FALSE(reparse["real"]);
  std::map<std::string, Reason> left_out;
  for (const NotExamined& item : not_examined.named()) left_out[item.path] = item.reason;
  EXPECT_EQ(left_out.count("to another disk"), 1U);
}

TEST_F(NtfsTest, AMountBeneathTheRootIsPartOfIt) {
  folder_.write("mount/a", "x");
  folder_.write("b", "x");
  const auto root = Root::open(folder_.path());
  NotExaminedList not_examined;
  Walk walk(*root, not_examined);
  std::map<std::string, bool> ntfs;
  while (const Entry* entry = walk.next()) ntfs[entry->path] = entry->ntfs.has_value();
  EXPECT_EQ(ntfs, (std::map<std::string, bool>{
                      {"b", false}, {"image", false}, {"mount", true}, {"mount/a", true}}));
}

}  // namespace
}  // namespace postern::files
