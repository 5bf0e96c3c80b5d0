#include "feeds/files.h"

#include <cerrno>
#include <cstdio>
#include <functional>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_descriptor.h"

namespace postern::feeds {
namespace {

Error file_error(const std::string& doing, int number) {
  Error error = system_error(doing, number);
  if (number == ENOENT || number == ENOTDIR) error.code = Errc::not_found;
  if (number == EACCES || number == EPERM || number == EROFS) error.code = Errc::denied;
  return error;
}

std::int64_t nanoseconds_of(const timespec& time) {
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

Result<FileStamp> stamp_from(const struct stat& info, const std::string& path) {
  if (!S_ISREG(info.st_mode)) return fail(Errc::invalid_input, path + " is not a regular file");
  return FileStamp{info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size),
                   nanoseconds_of(info.st_mtim), nanoseconds_of(info.st_ctim)};
}

Result<void> write_all(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Unexpected<Error>(file_error("write " + path, errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

struct OpenFile {
  FileDescriptor file;
  FileStamp stamp;
};

/// A regular file to be read, of no more than so many octets.
Result<OpenFile> open_file(const std::string& path, std::uint64_t max_octets) {
  // Without O_NONBLOCK, opening a pipe nobody writes to would wait for ever.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return Unexpected<Error>(file_error("open " + path, errno));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return Unexpected<Error>(file_error("stat " + path, errno));
  const FileStamp stamp = POSTERN_TRY(stamp_from(info, path));
  if (stamp.octets > max_octets) {
    return fail(Errc::limit_exceeded, path + " is over " + std::to_string(max_octets) +
                                          " octets; raise the feed's max_size");
  }
  return OpenFile{std::move(file), stamp};
}

Unexpected<Error> is_being_written(const std::string& path) {
  return fail(Errc::unavailable, path + " is being written; it is read again when it rests");
}

/// Has `write` fill a new file beside `path`, forces it to disk and renames it.
Result<void> replace_by(const std::string& path, unsigned mode,
                        const std::function<Result<void>(int, const std::string&)>& write) {
  const std::string temporary = path + std::string(kUnfinished);
  {
    const FileDescriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file) return Unexpected<Error>(file_error("open " + temporary, errno));
    auto done = write(file.get(), temporary);
    if (done && ::fsync(file.get()) != 0) {
      done = Unexpected<Error>(file_error("fsync " + temporary, errno));
    }
    if (!done) {
      ::unlink(temporary.c_str());
      return done;
    }
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    auto failed = Unexpected<Error>(file_error("rename " + temporary, errno));
    ::unlink(temporary.c_str());
    return failed;
  }
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const FileDescriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory && ::fsync(directory.get()) != 0) {
    return Unexpected<Error>(file_error("fsync " + folder, errno));
  }
  return {};
}

}  // namespace

Result<FileStamp> stamp_of(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return Unexpected<Error>(file_error("open " + path, errno));
  return stamp_from(info, path);
}

Result<FileContent> read_file(const std::string& path, std::uint64_t max_octets) {
  const OpenFile opened = POSTERN_TRY(open_file(path, max_octets));
  FileContent content{{}, opened.stamp};
  // One more, to notice that it has grown meanwhile.
  content.text.resize(static_cast<std::size_t>(content.stamp.octets) + 1);
  std::size_t size = 0;
  while (size < content.text.size()) {
    const ssize_t got =
        ::read(opened.file.get(), content.text.data() + size, content.text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unexpected<Error>(file_error("read " + path, errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > content.stamp.octets) return is_being_written(path);
  content.text.resize(size);
  return content;
}

Result<FileMemory> read_into_memory(const std::string& path, std::uint64_t max_octets) {
  const OpenFile opened = POSTERN_TRY(open_file(path, max_octets));
  FileMemory content{POSTERN_TRY(SharedMemory::create("postern-text")), opened.stamp};
  auto done = content.text.append_file(opened.file.get(), opened.stamp.octets);
  if (!done && done.error().code == Errc::limit_exceeded) return is_being_written(path);
  if (!done) return Unexpected<Error>(std::move(done).error().context(path));
  POSTERN_CHECK(content.text.seal());
  return content;
}

Result<std::string> read_secret(const std::string& path) {
  constexpr std::uint64_t kMaxOctets = 4096;
  auto file = read_file(path, kMaxOctets);
  if (!file) return Unexpected(std::move(file).error().context("secret"));
  std::string secret = file->text.substr(0, file->text.find_first_of("\r\n"));
  if (secret.empty()) {
    return fail(Errc::invalid_input, "secret: the first line of " + path + " is empty");
  }
  return secret;
}

Result<void> replace_file(const std::string& path, std::string_view text, unsigned mode) {
  return replace_by(path, mode, [text](int file, const std::string& name) {
    return write_all(file, text, name);
  });
}

Result<void> replace_file(const std::string& path, const SharedMemory& memory, unsigned mode) {
  return replace_by(path, mode, [&memory](int file, const std::string& name) -> Result<void> {
    auto done = memory.write_to(file);
    if (!done) return Unexpected<Error>(std::move(done).error().context(name));
    return done;
  });
}

}  // namespace postern::feeds
