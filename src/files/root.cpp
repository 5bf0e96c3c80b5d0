#include "files/root.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files/folder_names.h"
#include "files/open_beneath.h"
#include "files/path.h"

namespace postern::files {

Result<File> open_regular(const FileDescriptor& entry) {
  // Asked of the descriptor, not of the name: what is opened next is what was looked at.
  const Metadata before = POSTERN_TRY(metadata_of(entry.get()));
  if (before.kind != Kind::regular) {
    return fail(Errc::invalid_input,
                "it is no regular file but a " + std::string(to_string(before.kind)));
  }
  FileDescriptor file = POSTERN_TRY(reopen_to_read(entry));
  const Metadata metadata = POSTERN_TRY(metadata_of(file.get()));
  return File(std::move(file), metadata);
}

Result<std::string> read_link(const FileDescriptor& entry) {
  std::string target(kMaxPathOctets, '\0');
  const ssize_t size = ::readlinkat(entry.get(), "", target.data(), target.size());
  if (size < 0) return Unexpected<Error>(system_error("read the link", errno));
  target.resize(static_cast<std::size_t>(size));
  return target;
}

Result<Root> Root::open(const std::string& path) {
  FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return Unexpected<Error>(system_error("open " + path, errno));
  auto metadata = files::metadata_of(folder.get());
  if (!metadata) return Unexpected<Error>(std::move(metadata).error().context(path));
  return Root(path, std::move(folder), *metadata);
}

Result<FileDescriptor> Root::entry(std::string_view path) const {
  return open_beneath(folder_.get(), path, O_PATH);
}

Result<Metadata> Root::metadata_of(std::string_view path) const {
  const FileDescriptor entry = POSTERN_TRY(this->entry(path));
  return files::metadata_of(entry.get());
}

Result<File> Root::open_file(std::string_view path) const {
  const FileDescriptor entry = POSTERN_TRY(this->entry(path));
  auto file = open_regular(entry);
  if (!file) return Unexpected<Error>(std::move(file).error().context(path));
  return file;
}

Result<FileDescriptor> Root::open_folder(std::string_view path) const {
  return open_folder_beneath(folder_.get(), path);
}

Result<std::string> Root::link_target(std::string_view path) const {
  const FileDescriptor entry = POSTERN_TRY(this->entry(path));
  auto target = read_link(entry);
  if (!target) return Unexpected<Error>(std::move(target).error().context(path));
  return target;
}

bool Root::leads_beneath(std::string_view path) const {
  if (!check_path(path) || path.empty()) return false;
  // The one place where links are followed, and only to learn whether they stay beneath: what is
  // opened is a mere O_PATH, and is closed again.
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const std::string name(path);
  const long opened = ::syscall(SYS_openat2, folder_.get(), name.c_str(), &how, sizeof how);
  const FileDescriptor target(static_cast<int>(opened));
  return static_cast<bool>(target);
}

std::vector<std::string> Root::find(std::string_view path) const {
  std::vector<std::string> found;
  if (!check_path(path)) return found;
  found.emplace_back();
  for (const std::string_view name : names_of(path)) {
    std::vector<std::string> deeper;
    for (const std::string& folder : found) {
      const auto opened = open_folder(folder);
      if (!opened) continue;
      for (const std::string& match : names_like(*opened, name)) {
        if (deeper.size() < kMaxFound) deeper.push_back(joined(folder, match));
      }
    }
    found = std::move(deeper);
  }
  std::ranges::sort(found, [path](const std::string& left, const std::string& right) {
    return std::pair(left != path, std::string_view(left)) <
           std::pair(right != path, std::string_view(right));
  });
  return found;
}

}  // namespace postern::files
