#include "evidence/beneath.h"

#include <cerrno>
#include <filesystem>
#include <utility>

#include <fcntl.h>

#include "evidence/durable.h"
#include "files/metadata.h"

namespace postern::evidence {
namespace {

bool is_same(const files::Metadata& left, const files::Metadata& right) {
  return left.device == right.device && left.inode == right.inode;
}

/// Whether the folder that `at` is open on is `wanted`, or stands beneath it: by going up.
Result<bool> stands_in(FileDescriptor at, const files::Metadata& wanted) {
  files::Metadata here = POSTERN_TRY(files::metadata_of(at.get()));
  for (;;) {
    if (is_same(here, wanted)) return true;
    FileDescriptor above(::openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!above) return Unexpected<Error>(system_error("open the folder above", errno));
    const files::Metadata next = POSTERN_TRY(files::metadata_of(above.get()));
    if (is_same(next, here)) return false;
    here = next;
    at = std::move(above);
  }
}

/// The nearest folder above, or itself, that is there.
Result<FileDescriptor> nearest_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::path at = std::filesystem::absolute(path, error);
  if (error) return Unexpected<Error>(system_error(path, error.value()));
  for (;;) {
    auto folder = open_folder_at(at.string());
    const bool goes_up =
        !folder && folder.error().code == Errc::not_found && at.has_relative_path();
    if (!goes_up) return folder;
    at = at.parent_path();
  }
}

}  // namespace

Result<void> check_apart(const files::Root& root, const std::string& path,
                         const std::string& what) {
  FileDescriptor folder = POSTERN_TRY(nearest_folder(path));
  const files::Metadata there = POSTERN_TRY(files::metadata_of(folder.get()));
  if (POSTERN_TRY(stands_in(std::move(folder), root.metadata()))) {
    return fail(Errc::denied, what + " (" + path + ") would stand beneath the swept root " +
                                  root.path() + ", where nothing is written");
  }
  FileDescriptor own(::openat(root.descriptor().get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::error_code ignored;
  const bool is_there = std::filesystem::is_directory(path, ignored);
  if (own && is_there && POSTERN_TRY(stands_in(std::move(own), there))) {
    return fail(Errc::denied, what + " (" + path + ") holds the swept root");
  }
  return {};
}

}  // namespace postern::evidence
