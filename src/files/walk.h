// Walk: every entry beneath a root, depth first, whatever the tree is like.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "files/file.h"
#include "files/folder_names.h"
#include "files/metadata.h"
#include "files/not_examined.h"
#include "files/ntfs.h"
#include "files/root.h"

namespace postern::files {

struct WalkOptions {
  /// Folders in each other. Each holds a descriptor while what is beneath is walked.
  std::size_t max_depth = 256;
  /// Entries in all: half an hour of walking, more than any server of the kind has.
  std::uint64_t max_entries = 200'000'000;
  /// Names of the folders that are being walked, in memory. A folder with more comes in portions.
  std::size_t max_names_octets = 64U << 20;
  /// Whether NTFS is asked for its facts, where the mount has them: three calls more an entry.
  bool wants_ntfs = true;
};

/// One entry, as it was when the walk came by.
struct Entry {
  std::string path;  ///< Beneath the root.
  Metadata metadata;
  std::optional<NtfsFacts> ntfs;  ///< Where the mount gives them.
};

/// Goes through a tree once. Links are entries, never followed; a link to what is not beneath the
/// root is also on the list of what was not examined, like FIFOs, sockets and devices, what is too
/// deep, what vanished and what could not be looked at. Nothing ends the walk before the tree does,
/// but `max_entries`. A folder that is one of those above it (a mount may do that) is not entered.
///
/// Memory: `max_names_octets` of names and a little for each folder above. Time: two system calls
/// an entry, four a folder. Used by one thread; the root and the list outlive it.
class Walk {
 public:
  /// Begins at the folder `from` ("" is the root), which is not itself an entry.
  Walk(const Root& root, NotExaminedList& not_examined, std::string_view from = {},
       WalkOptions options = {});

  /// The next entry, a folder before what is in it; null at the end. Valid until the next call.
  const Entry* next();

  /// Leaves out what is beneath the folder that `next` gave last.
  void skip_folder() { wants_to_enter_ = false; }

  /// Opens the regular file that `next` gave last: through its folder, which may have been moved.
  Result<File> open_file() const;

  /// Stands for the entry that `next` gave last (O_PATH), for its extended attributes.
  Result<FileDescriptor> open_entry() const;

  std::uint64_t entries() const { return entries_; }

 private:
  struct Level {
    FolderNames names;
    std::string path;
    Metadata folder;
    std::size_t index = 0;  // Of the name that comes next.
    bool ended = false;     // No portion is left behind this one.
  };

  bool look_at(const Level& level, const char* name);
  void look_at_ntfs(const Level& level, const char* name);
  void note_what_is_not_examined();
  void enter(Result<FileDescriptor> folder, std::string path, const Metadata& metadata);
  void read_portion(Level& level);
  bool holds_itself(const Metadata& folder) const;
  bool is_ntfs(const FileDescriptor& entry, std::uint64_t device);

  const Root& root_;
  NotExaminedList& not_examined_;
  WalkOptions options_;
  std::vector<Level> levels_;
  std::size_t held_octets_ = 0;
  Entry entry_;
  bool wants_to_enter_ = false;  // The folder in `entry_`.
  std::uint64_t entries_ = 0;
  std::map<std::uint64_t, bool> ntfs_devices_;
};

}  // namespace postern::files
