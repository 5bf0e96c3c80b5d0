#include "evidence/durable.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/open_beneath.h"

namespace postern::evidence {
namespace {

constexpr int kFolder = O_RDONLY | O_DIRECTORY;

}  // namespace

Result<FileDescriptor> open_folder_at(const std::string& path) {
  FileDescriptor folder(::open(path.c_str(), kFolder | O_CLOEXEC));
  if (!folder) return Unexpected<Error>(system_error("open " + path, errno));
  return folder;
}

Result<FileDescriptor> make_folder_at(const std::string& path) {
  std::error_code error;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (error) return Unexpected<Error>(system_error("make " + parent.string(), error.value()));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return Unexpected<Error>(system_error("make " + path, errno));
  }
  return open_folder_at(path);
}

Result<FileDescriptor> make_folder(int parent, std::string_view name, unsigned mode) {
  const std::string text(name);
  if (::mkdirat(parent, text.c_str(), mode) == 0) {
    POSTERN_CHECK(sync_folder(parent));
  } else if (errno != EEXIST) {
    return Unexpected<Error>(system_error("make " + text, errno));
  }
  return files::open_beneath(parent, name, kFolder);
}

Result<void> lock_folder(const FileDescriptor& folder) {
  if (::flock(folder.get(), LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) return fail(Errc::unavailable, "another process is working on it");
  return Unexpected<Error>(system_error("lock", errno));
}

Result<void> write_all(int file, OctetView octets) {
  while (!octets.empty()) {
    const ssize_t written = ::write(file, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Unexpected<Error>(system_error("write", errno));
    octets = octets.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> sync_file(int file) {
  if (::fsync(file) != 0) return Unexpected<Error>(system_error("fsync", errno));
  return {};
}

Result<void> sync_folder(int folder) {
  // Some file systems cannot be asked for folders; what they keep is theirs to say.
  if (::fsync(folder) != 0 && errno != EINVAL && errno != ENOSYS) {
    return Unexpected<Error>(system_error("fsync the folder", errno));
  }
  return {};
}

Result<void> replace_file(int folder, std::string_view name, std::string_view text, unsigned mode) {
  const std::string final_name(name);
  const std::string new_name = final_name + ".new";
  {
    // What a crash left behind may have other permissions.
    ::unlinkat(folder, new_name.c_str(), 0);
    const FileDescriptor file =
        POSTERN_TRY(files::open_beneath(folder, new_name, O_WRONLY | O_CREAT | O_EXCL, mode));
    POSTERN_CHECK(write_all(file.get(), octets_of(text)));
    POSTERN_CHECK(sync_file(file.get()));
  }
  if (::renameat(folder, new_name.c_str(), folder, final_name.c_str()) != 0) {
    return Unexpected<Error>(system_error("rename " + new_name, errno));
  }
  return sync_folder(folder);
}

Result<void> rename_to_new(int folder, const std::string& from, const std::string& to) {
  if (::renameat2(folder, from.c_str(), folder, to.c_str(), RENAME_NOREPLACE) == 0) {
    return sync_folder(folder);
  }
  // FUSE's older file systems, ntfs-3g among them, rename only over; a link is made only anew.
  if (errno == EINVAL || errno == ENOSYS) {
    if (::linkat(folder, from.c_str(), folder, to.c_str(), 0) == 0) {
      if (::unlinkat(folder, from.c_str(), 0) == 0) return sync_folder(folder);
    }
  }
  if (errno == EEXIST) return fail(Errc::invalid_input, "something of that name is there");
  return Unexpected<Error>(system_error("rename", errno));
}

Result<std::string> read_file(int folder, std::string_view name, std::size_t max_octets) {
  const FileDescriptor file =
      POSTERN_TRY(files::open_beneath(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(Errc::invalid_input, std::string(name) + " is no regular file");
  }
  if (static_cast<std::uint64_t>(info.st_size) > max_octets) {
    return fail(Errc::limit_exceeded,
                std::string(name) + " is over " + std::to_string(max_octets) + " octets");
  }
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unexpected<Error>(system_error("read " + std::string(name), errno));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

std::vector<std::string> whole_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

Result<LineFile> LineFile::open(int folder, std::string_view name, std::size_t max_octets) {
  FileDescriptor file = POSTERN_TRY(
      files::open_beneath(folder, name, O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY, 0600));
  POSTERN_CHECK(sync_folder(folder));
  const std::string text = POSTERN_TRY(read_file(folder, name, max_octets));
  std::vector<std::string> lines = whole_lines(text);
  const std::size_t end = text.rfind('\n');
  const std::size_t whole = end == std::string::npos ? 0 : end + 1;
  if (whole != text.size() && ::ftruncate(file.get(), static_cast<off_t>(whole)) != 0) {
    return Unexpected<Error>(system_error("cut the torn line of " + std::string(name), errno));
  }
  return LineFile(std::move(file), std::move(lines));
}

Result<void> LineFile::append(std::string_view line) {
  // One write: what is torn is a tail, never the middle.
  POSTERN_CHECK(write_all(file_.get(), octets_of(std::string(line) + "\n")));
  return sync_file(file_.get());
}

}  // namespace postern::evidence
