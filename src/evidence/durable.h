// Writing that a crash leaves whole: as it was before, or as it is meant to be.
//
// Everything here is relative to an open folder, by files/open_beneath.h: a link in a pack from
// elsewhere leads nowhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "base/octets.h"
#include "base/result.h"

namespace postern::evidence {

/// Opens a folder by the path that a user gave.
Result<FileDescriptor> open_folder_at(const std::string& path);
/// The same, and makes it, and those above it, where it is not there. 0700.
Result<FileDescriptor> make_folder_at(const std::string& path);
/// The folder `name` in `parent`, made (and its name forced to disk) where it is not there.
Result<FileDescriptor> make_folder(int parent, std::string_view name, unsigned mode = 0700);

/// Fails where another process holds it; held until the descriptor goes.
Result<void> lock_folder(const FileDescriptor& folder);

Result<void> write_all(int file, OctetView octets);
Result<void> sync_file(int file);
/// Forces the names in a folder to disk.
Result<void> sync_folder(int folder);

/// Writes NAME.new beside it, forces it to disk and renames.
Result<void> replace_file(int folder, std::string_view name, std::string_view text,
                          unsigned mode = 0600);

/// Renames within the folder, never over what is there: `invalid_input` where there is something.
Result<void> rename_to_new(int folder, const std::string& from, const std::string& to);

/// A regular file, whole; `limit_exceeded` over `max_octets`.
Result<std::string> read_file(int folder, std::string_view name, std::size_t max_octets);

/// A file of lines that only grows. A line is there once `append` has returned; one that a crash
/// tore is cut off when the file is opened.
class LineFile {
 public:
  /// Makes it where it is not there. `limit_exceeded` over `max_octets`.
  static Result<LineFile> open(int folder, std::string_view name, std::size_t max_octets);

  /// The lines that were there when it was opened, without their ends.
  const std::vector<std::string>& lines() const { return lines_; }
  /// Forced to disk. `line` holds no line break.
  Result<void> append(std::string_view line);

 private:
  LineFile(FileDescriptor file, std::vector<std::string> lines)
      : file_(std::move(file)), lines_(std::move(lines)) {}

  FileDescriptor file_;
  std::vector<std::string> lines_;
};

/// The lines of `text`; what stands behind the last line break is left out.
std::vector<std::string> whole_lines(std::string_view text);

}  // namespace postern::evidence
