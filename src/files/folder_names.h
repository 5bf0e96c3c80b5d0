// FolderNames: the names in a folder, read on in portions of a bounded size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace postern::files {

/// Reads a folder from its beginning. A portion is sorted by octets; a folder that fits into one,
/// as nearly all do, comes in the same order every time. Used by one thread.
class FolderNames {
 public:
  /// `folder` is open for reading; its position is used, and it may be closed afterwards.
  static Result<FolderNames> open(const FileDescriptor& folder);

  int descriptor() const { return ::dirfd(stream_.get()); }

  /// Reads the next portion: about `max_octets` of names, more of them staying for later. Empty at
  /// the end. An error (a damaged file system) ends it, behind the names that came before.
  Result<void> read_portion(std::size_t max_octets);

  /// The portion's names.
  std::size_t size() const { return starts_.size(); }
  bool empty() const { return starts_.empty(); }
  /// Ends with a NUL, like all of them; valid until the next portion.
  const char* name(std::size_t index) const { return text_.data() + starts_[index]; }
  /// What they hold in memory.
  std::size_t octets() const { return text_.size() + starts_.size() * sizeof(std::uint32_t); }

 private:
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };

  explicit FolderNames(DIR* stream) : stream_(stream) {}

  std::unique_ptr<DIR, Close> stream_;
  std::string text_;  // Names, each with its NUL.
  std::vector<std::uint32_t> starts_;
};

/// The names in the folder that equal_ignoring_case takes for `name`, sorted by portions. Reads all
/// names there; what cannot be read has none.
std::vector<std::string> names_like(const FileDescriptor& folder, std::string_view name);

}  // namespace postern::files
