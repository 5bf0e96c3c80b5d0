// What tests of packs and of quarantine share.
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "evidence/pack.h"
#include "files/testing.h"

namespace postern::evidence::testing {

using files::testing::TemporaryFolder;

/// 2026-03-02T08:00:00Z, every time it is asked.
inline Witness witness() {
  return {"tester (uid 0)", "here", "postern test",
          [] { return WallTime(std::chrono::seconds(1'772'438'400)); }};
}

/// A swept tree in "root", packs and keys beside it.
class Server {
 public:
  Server() {
    write("inetpub/wwwroot/aspnet_client/shell.aspx", "<%@ Page Language=\"Jscript\" %>");
    write("inetpub/wwwroot/web.config", "<configuration/>");
    write("Windows/win.ini", "");
    set_times("inetpub/wwwroot/aspnet_client/shell.aspx", 1'614'643'200, 123'456'789);
    set_times("inetpub/wwwroot/aspnet_client", 1'614'643'201, 7);
  }

  const TemporaryFolder& folder() const { return folder_; }
  std::string operator/(std::string_view name) const { return folder_ / name; }
  std::string root() const { return folder_ / "root"; }
  std::string at(std::string_view path) const { return root() + "/" + std::string(path); }
  void write(std::string_view path, std::string_view text) const {
    folder_.write("root/" + std::string(path), text);
  }
  std::string read(std::string_view path) const { return TemporaryFolder::read(at(path)); }

  void set_times(std::string_view path, std::int64_t seconds, long nanoseconds) const {
    const std::array<timespec, 2> times{timespec{seconds + 9, 9}, timespec{seconds, nanoseconds}};
    EXPECT_EQ(::utimensat(AT_FDCWD, at(path).c_str(), times.data(), AT_SYMLINK_NOFOLLOW), 0);
  }
  void set_attribute(std::string_view path, const char* name, std::string_view value) const {
    EXPECT_EQ(::setxattr(at(path).c_str(), name, value.data(), value.size(), 0), 0);
  }

  SigningKey key() const {
    auto key = SigningKey::open_or_make(folder_ / "keys");
    EXPECT_TRUE(key);
    return *std::move(key);
  }

  PackOrder order(std::vector<std::string> places) const {
    return {root(), folder_ / "pack", "case 1", std::move(places), witness()};
  }

  /// Makes the pack at "pack"; it has to succeed.
  PackReport make_pack(std::vector<std::string> places) const {
    auto report = create_pack(order(std::move(places)), key());
    EXPECT_TRUE(report) << report.error().text;
    return report.value_or(PackReport{});
  }

 private:
  TemporaryFolder folder_;
};

inline constexpr const char* kShell = "inetpub/wwwroot/aspnet_client/shell.aspx";

inline struct stat look(const std::string& path) {
  struct stat info{};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info;
}

/// That two files have the same octets, mode, owner and times of change.
inline void expect_alike(const std::string& one, const std::string& other) {
  SCOPED_TRACE(one + " and " + other);
  EXPECT_EQ(TemporaryFolder::read(one), TemporaryFolder::read(other));
  const struct stat left = look(one);
  const struct stat right = look(other);
  EXPECT_EQ(left.st_mode, right.st_mode);
  EXPECT_EQ(left.st_uid, right.st_uid);
  EXPECT_EQ(left.st_gid, right.st_gid);
  EXPECT_EQ(left.st_mtim.tv_sec, right.st_mtim.tv_sec);
  EXPECT_EQ(left.st_mtim.tv_nsec, right.st_mtim.tv_nsec);
}

}  // namespace postern::evidence::testing
