#include "files/open_beneath.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files/path.h"

namespace postern::files {
namespace {

// PATH_MAX is 4096 with its NUL; a name is at most 255 octets of it.
constexpr std::size_t kPieceOctets = 4000;
// RESOLVE_BENEATH gives EAGAIN where something above was renamed meanwhile; openat2(2) asks for a
// limited number of tries.
constexpr int kTries = 8;

Error open_error(std::string_view path, int number) {
  const std::string doing = "open " + (path.empty() ? std::string("the root") : std::string(path));
  Error error = system_error(doing, number);
  if (number == ELOOP || number == EXDEV) {
    error.code = Errc::denied;
    error.text = doing + ": a link stands in the way";
  }
  return error;
}

Result<FileDescriptor> open_piece(int folder, std::string_view path, int flags, unsigned mode) {
  const std::string name(path.empty() ? "." : path);
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int number = EAGAIN;
  for (int tries = 0; tries < kTries && (number == EAGAIN || number == EINTR); ++tries) {
    const long opened = ::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how);
    if (opened >= 0) return FileDescriptor(static_cast<int>(opened));
    number = errno;
  }
  return Unexpected<Error>(open_error(path, number));
}

}  // namespace

Result<FileDescriptor> open_beneath(int folder, std::string_view path, int flags, unsigned mode) {
  POSTERN_CHECK(check_path(path));
  FileDescriptor between;
  while (path.size() > kPieceOctets) {
    const std::size_t slash = path.rfind('/', kPieceOctets);
    if (slash == std::string_view::npos) {
      return fail(Errc::invalid_input, "a name of the path is too long");
    }
    between = POSTERN_TRY(open_piece(between ? between.get() : folder, path.substr(0, slash),
                                     O_PATH | O_DIRECTORY, 0));
    path.remove_prefix(slash + 1);
  }
  return open_piece(between ? between.get() : folder, path, flags, mode);
}

Result<FileDescriptor> open_folder_beneath(int folder, std::string_view path) {
  const FileDescriptor entry = POSTERN_TRY(open_beneath(folder, path, O_PATH | O_DIRECTORY));
  return reopen_to_read(entry, O_DIRECTORY);
}

std::string path_through(const FileDescriptor& entry) {
  return "/proc/self/fd/" + std::to_string(entry.get());
}

Result<FileDescriptor> reopen_to_read(const FileDescriptor& entry, int flags) {
  const std::string path = path_through(entry);
  const int all = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags;
  // O_NOATIME is for the owner and for root.
  FileDescriptor opened(::open(path.c_str(), all | O_NOATIME));
  if (!opened && errno == EPERM) opened = FileDescriptor(::open(path.c_str(), all));
  if (!opened) return Unexpected<Error>(system_error("open", errno));
  return opened;
}

}  // namespace postern::files
