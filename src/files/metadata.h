// What a file system says of an entry without its content.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace postern::files {

enum class Kind : std::uint8_t { regular, folder, link, fifo, socket, device, unknown };

/// "file", "folder", "link", "fifo", "socket", "device", "unknown".
std::string_view to_string(Kind kind);

/// A file system's time, exact: NTFS's begin in 1601, which nanoseconds in 64 bits do not reach.
struct Time {
  std::int64_t seconds = 0;       ///< Since 1970-01-01T00:00:00Z; before it, negative.
  std::uint32_t nanoseconds = 0;  ///< Below 10^9, always forward.

  auto operator<=>(const Time&) const = default;
  /// To the microsecond below; the ends of what WallTime can say for what is beyond them.
  WallTime wall() const;
};

struct Metadata {
  Kind kind = Kind::unknown;
  std::uint64_t size = 0;    ///< Octets; of a link, its target's text.
  std::uint64_t device = 0;  ///< Tells mounted file systems apart.
  std::uint64_t inode = 0;   ///< Of ntfs-3g and ntfs3: the number of the MFT record.
  std::uint32_t links = 0;   ///< Names that the file has.
  std::uint32_t mode = 0;    ///< The permission bits, 07777.
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  Time modified;
  Time changed;  ///< Of the status; no ordinary call sets it back.
  Time accessed;
  std::optional<Time> born;  ///< Where the file system keeps it.

  bool operator==(const Metadata&) const = default;
  /// Whether it is the same file and nobody wrote to it between the two looks: device, inode,
  /// size and both times. Reading changes none of them.
  bool is_unchanged_since(const Metadata& before) const;
};

/// Of what `file` is open on, by any means, O_PATH too.
Result<Metadata> metadata_of(int file);

/// Of `name` in the folder, links not followed. `name` is one name, never a path from outside.
Result<Metadata> metadata_at(int folder, const char* name);

}  // namespace postern::files
