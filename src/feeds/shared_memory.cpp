#include "feeds/shared_memory.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postern::feeds {
namespace {

Unexpected<Error> failed(const char* doing) {
  return Unexpected<Error>(system_error(doing, errno));
}

/// What fits into one call.
constexpr std::size_t kMost = std::size_t{1} << 30;

}  // namespace

Result<SharedMemory> SharedMemory::create(const char* name) {
  FileDescriptor fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return failed("get shared memory");
  return SharedMemory(std::move(fd));
}

Result<void> SharedMemory::append(OctetView octets) {
  while (!octets.empty()) {
    const ssize_t done = ::write(fd_.get(), octets.data(), std::min(octets.size(), kMost));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed("write to shared memory");
    octets = octets.subspan(static_cast<std::size_t>(done));
  }
  return {};
}

Result<void> SharedMemory::append_file(int file, std::uint64_t max_octets) {
  for (std::uint64_t left = max_octets;;) {
    // One more, to see that there is more.
    const std::size_t most = std::min<std::uint64_t>(left, kMost - 1) + 1;
    const ssize_t done = ::sendfile(fd_.get(), file, nullptr, most);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed("read into shared memory");
    if (done == 0) return {};
    if (static_cast<std::uint64_t>(done) > left) {
      return fail(Errc::limit_exceeded, "over " + std::to_string(max_octets) + " octets");
    }
    left -= static_cast<std::uint64_t>(done);
  }
}

Result<void> SharedMemory::write_to(int file) const {
  const std::uint64_t size = POSTERN_TRY(this->size());
  for (off_t at = 0; static_cast<std::uint64_t>(at) < size;) {
    const ssize_t done =
        ::sendfile(file, fd_.get(), &at,
                   std::min<std::uint64_t>(size - static_cast<std::uint64_t>(at), kMost));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed("write");
    if (done == 0) return fail(Errc::corrupt, "shared memory became shorter");
  }
  return {};
}

Result<void> SharedMemory::seal() {
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  if (::fcntl(fd_.get(), F_ADD_SEALS, kSeals) != 0) return failed("seal shared memory");
  return {};
}

Result<std::uint64_t> SharedMemory::size() const {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return failed("look at shared memory");
  return static_cast<std::uint64_t>(status.st_size);
}

bool SharedMemory::read_at(std::uint64_t offset, std::span<std::uint8_t> into) const {
  while (!into.empty()) {
    const ssize_t got = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return true;
}

Result<std::shared_ptr<const Mapping>> Mapping::of(const SharedMemory& memory) {
  const std::uint64_t size = POSTERN_TRY(memory.size());
  OctetView octets;
  if (size > 0) {
    // Shared mappings of what is sealed are refused before Linux 6.7; nothing is written, so
    // private is the same.
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, memory.fd(), 0);
    if (at == MAP_FAILED) return failed("map shared memory");
    octets = {static_cast<const std::uint8_t*>(at), static_cast<std::size_t>(size)};
  }
  return std::shared_ptr<const Mapping>(new Mapping(octets));
}

Mapping::~Mapping() {
  if (!octets_.empty()) ::munmap(const_cast<std::uint8_t*>(octets_.data()), octets_.size());
}

void Mapping::let_go() const {
  if (octets_.empty()) return;
  ::madvise(const_cast<std::uint8_t*>(octets_.data()), octets_.size(), MADV_DONTNEED);
}

}  // namespace postern::feeds
