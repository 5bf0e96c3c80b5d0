// Whole files, read and written with care.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "feeds/shared_memory.h"

namespace postern::feeds {

/// What tells two states of a file apart without reading it.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t octets = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;  ///< Its status; nobody can set it back.

  bool operator==(const FileStamp&) const = default;
};

struct FileContent {
  std::string text;
  FileStamp stamp;
};

/// The file's stamp. Errors: `not_found`, `denied`, `invalid_input` where it is no regular file.
Result<FileStamp> stamp_of(const std::string& path);

/// The whole file; `limit_exceeded` over `max_octets`. Never waits on a pipe or device.
Result<FileContent> read_file(const std::string& path, std::uint64_t max_octets);

struct FileMemory {
  SharedMemory text;  ///< Sealed.
  FileStamp stamp;
};

/// The same for what may be large: it passes through none of our memory.
Result<FileMemory> read_into_memory(const std::string& path, std::uint64_t max_octets);

/// A secret: the first line of a file of at most 4 KiB. Errors name no secrets.
Result<std::string> read_secret(const std::string& path);

/// What `replace_file` writes has this behind its name until it is whole.
inline constexpr std::string_view kUnfinished = ".new";

/// Writes `text` beside `path`, forces it to disk and renames: after a crash the file is the old
/// one or the new one, whole.
Result<void> replace_file(const std::string& path, std::string_view text, unsigned mode = 0640);
/// The same with what is in shared memory, which passes through none of ours.
Result<void> replace_file(const std::string& path, const SharedMemory& memory,
                          unsigned mode = 0640);

}  // namespace postern::feeds
