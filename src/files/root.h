// Root: a folder that is swept: opened once, and only read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "files/file.h"
#include "files/metadata.h"

namespace postern::files {

/// Everything beneath is opened relative to the folder, by paths that no link and no ".." can
/// lead out of it (files/open_beneath.h), for reading alone. What its name leads to later is of no
/// matter. Mounted file systems beneath are part of it. Any thread may use a Root.
///
/// Paths are those of files/path.h. Errors of opening: `not_found` where it is gone, `denied` also
/// where a link stands in the way, `invalid_input` where the path is none, or not of that kind.
class Root {
 public:
  /// Paths that `find` gives at most, and follows at most at each step.
  static constexpr std::size_t kMaxFound = 256;

  /// `path` is the user's own: links in it are followed.
  static Result<Root> open(const std::string& path);

  /// As it was given to `open`.
  const std::string& path() const { return path_; }
  const Metadata& metadata() const { return metadata_; }
  const FileDescriptor& descriptor() const { return folder_; }

  /// Stands for the entry without opening it (O_PATH): a FIFO, a device or a link is not touched.
  Result<FileDescriptor> entry(std::string_view path) const;

  /// Of the entry; a link is not followed.
  Result<Metadata> metadata_of(std::string_view path) const;

  /// A regular file. Anything else is `invalid_input` and was not opened.
  Result<File> open_file(std::string_view path) const;

  /// A folder, to be listed.
  Result<FileDescriptor> open_folder(std::string_view path) const;

  /// Where a link says it leads; as octets, not followed.
  Result<std::string> link_target(std::string_view path) const;

  /// Whether what the link at `path` leads to stands beneath the root, by links that never leave
  /// it on their way.
  bool leads_beneath(std::string_view path) const;

  /// The paths that Windows would take for this one (letters of ASCII in either case), as they are
  /// written here: the very same one first, the others sorted. Empty where there is none; a folder
  /// that cannot be read has none. One with the wrong case is found by reading its folder.
  std::vector<std::string> find(std::string_view path) const;

 private:
  Root(std::string path, FileDescriptor folder, const Metadata& metadata)
      : path_(std::move(path)), folder_(std::move(folder)), metadata_(metadata) {}

  std::string path_;
  FileDescriptor folder_;
  Metadata metadata_;
};

/// Opens what `entry` stands for, as Root::open_file does.
Result<File> open_regular(const FileDescriptor& entry);

/// Where the link that `entry` stands for says it leads.
Result<std::string> read_link(const FileDescriptor& entry);

}  // namespace postern::files
