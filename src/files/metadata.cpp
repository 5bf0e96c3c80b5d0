#include "files/metadata.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace postern::files {
namespace {

Kind kind_of(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return Kind::regular;
    case S_IFDIR:
      return Kind::folder;
    case S_IFLNK:
      return Kind::link;
    case S_IFIFO:
      return Kind::fifo;
    case S_IFSOCK:
      return Kind::socket;
    case S_IFBLK:
    case S_IFCHR:
      return Kind::device;
    default:
      return Kind::unknown;
  }
}

Time time_of(const statx_timestamp& time) {
  return {time.tv_sec, time.tv_nsec};
}

Result<Metadata> look(int folder, const char* name, int flags) {
  struct statx info{};
  if (::statx(folder, name, flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
              STATX_BASIC_STATS | STATX_BTIME, &info) != 0) {
    return Unexpected<Error>(system_error("stat", errno));
  }
  Metadata metadata;
  metadata.kind = kind_of(info.stx_mode);
  metadata.size = info.stx_size;
  metadata.device = gnu_dev_makedev(info.stx_dev_major, info.stx_dev_minor);
  metadata.inode = info.stx_ino;
  metadata.links = info.stx_nlink;
  metadata.mode = info.stx_mode & 07777U;
  metadata.uid = info.stx_uid;
  metadata.gid = info.stx_gid;
  metadata.modified = time_of(info.stx_mtime);
  metadata.changed = time_of(info.stx_ctime);
  metadata.accessed = time_of(info.stx_atime);
  if ((info.stx_mask & STATX_BTIME) != 0) metadata.born = time_of(info.stx_btime);
  return metadata;
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::regular:
      return "file";
    case Kind::folder:
      return "folder";
    case Kind::link:
      return "link";
    case Kind::fifo:
      return "fifo";
    case Kind::socket:
      return "socket";
    case Kind::device:
      return "device";
    case Kind::unknown:
      break;
  }
  return "unknown";
}

WallTime Time::wall() const {
  constexpr std::int64_t kMaxSeconds =
      std::chrono::floor<std::chrono::seconds>(WallTime::max()).time_since_epoch().count() - 1;
  const std::int64_t held = std::clamp(seconds, -kMaxSeconds, kMaxSeconds);
  return WallTime(std::chrono::seconds(held)) + microseconds(nanoseconds / 1000);
}

bool Metadata::is_unchanged_since(const Metadata& before) const {
  return device == before.device && inode == before.inode && size == before.size &&
         modified == before.modified && changed == before.changed;
}

Result<Metadata> metadata_of(int file) {
  return look(file, "", AT_EMPTY_PATH);
}

Result<Metadata> metadata_at(int folder, const char* name) {
  return look(folder, name, 0);
}

}  // namespace postern::files
