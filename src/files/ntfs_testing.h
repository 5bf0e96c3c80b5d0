// A real NTFS for tests, mounted by ntfs-3g; tests on it are skipped where that cannot be had.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file_descriptor.h"
#include "files/testing.h"

namespace postern::files::testing {

/// Runs a program in silence; whether it ended well.
inline bool run(std::vector<std::string> words) {
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
    is_mounted_ = ::geteuid() == 0 && run({"/usr/sbin/mkntfs", "-F", "-q", image}) &&
                  run({"ntfs-3g", image, mount()});
    if (!is_mounted_) GTEST_SKIP() << "SKIPPED: no NTFS: needs ntfs-3g, /dev/fuse and root";
  }
  void TearDown() override {
    if (!is_mounted_) return;
    EXPECT_EQ(::umount(mount().c_str()), 0);
  }

  /// Mounts it anew: the kernel remembers for a second what an entry was before.
  void remount(const std::string& options = "streams_interface=xattr") {
    ASSERT_EQ(::umount(mount().c_str()), 0);
    is_mounted_ = run({"ntfs-3g", "-o", options, folder_ / "image", mount()});
    ASSERT_TRUE(is_mounted_);
  }

  std::string mount() const { return folder_ / "mount"; }
  void set(const std::string& name, const std::string& attribute, const std::string& value) const {
    ::setxattr((mount() + "/" + name).c_str(), attribute.c_str(), value.data(), value.size(), 0);
  }

  TemporaryFolder folder_;
  bool is_mounted_ = false;
};

inline void append_word(std::string& octets, std::uint64_t word, int size) {
  for (int i = 0; i < size; ++i) octets += static_cast<char>((word >> (8 * i)) & 0xFF);
}

/// The octets of a junction to `target`, such as "C:\x".
inline std::string junction_to(const std::string& target) {
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

}  // namespace postern::files::testing
