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

constexpr int kSealTries = 30;

Unexpected<Error> failed(const char* doing) {
  return Unexpected<Error>(system_error(doing, errno));
}

/// What fits into one call.
constexpr std::size_t kMost = std::size_t{1} << 30;
constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::size_t kLargePage = std::size_t{2} << 20;

/// At least one.
std::size_t large_pages(std::uint64_t octets) {
  return (std::max<std::uint64_t>(octets, 1) + kLargePage - 1) / kLargePage * kLargePage;
}

/// So many octets of addresses, a large page's boundary first, with nothing behind them; null where
/// there are none.
std::uint8_t* reserve(std::size_t octets) {
  const std::size_t room = octets + kLargePage;
  void* const found =
      ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::uint8_t*>(found);
  const std::size_t before =
      (kLargePage - reinterpret_cast<std::uintptr_t>(begin) % kLargePage) % kLargePage;
  if (before > 0) ::munmap(begin, before);
  if (before < kLargePage) ::munmap(begin + before + octets, kLargePage - before);
  return begin + before;
}

}  // namespace

Result<SharedMemory> SharedMemory::create(const char* name) {
  FileDescriptor fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return failed("get shared memory");
  return SharedMemory(std::move(fd));
}

Result<SharedMemory> SharedMemory::of(OctetView octets) {
  SharedMemory memory = POSTERN_TRY(create("postern-text"));
  POSTERN_CHECK(memory.append(octets));
  POSTERN_CHECK(memory.seal());
  return memory;
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
  // While anything holds one of its pages, be it the kernel as it moves memory about, this fails
  // after a sixth of a second; so it is tried for some seconds. A mapping for writing fails at
  // once.
  for (int tries = 0; ::fcntl(fd_.get(), F_ADD_SEALS, kSeals) != 0; ++tries) {
    if (errno != EBUSY || tries == kSealTries) return failed("seal shared memory");
  }
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

bool SharedMemory::starts_with(OctetView octets) const {
  Octets first(octets.size());
  return read_at(0, first) && std::ranges::equal(first, octets);
}

Result<void> SharedMemory::for_each_piece(const std::function<void(OctetView)>& piece) const {
  const std::uint64_t size = POSTERN_TRY(this->size());
  Octets octets(static_cast<std::size_t>(std::min<std::uint64_t>(size, kPiece)));
  for (std::uint64_t at = 0; at < size; at += octets.size()) {
    octets.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size - at, kPiece)));
    if (!read_at(at, octets)) return failed("read shared memory");
    piece(octets);
  }
  return {};
}

Result<std::string> SharedMemory::to_string() const {
  std::string text;
  text.reserve(static_cast<std::size_t>(POSTERN_TRY(size())));
  POSTERN_CHECK(for_each_piece([&text](OctetView piece) { text += text_of(piece); }));
  return text;
}

Result<std::shared_ptr<const Mapping>> Mapping::of(const SharedMemory& memory) {
  const std::uint64_t size = POSTERN_TRY(memory.size());
  const std::size_t room = large_pages(size);
  std::uint8_t* const at = reserve(room);
  if (at == nullptr) return failed("map shared memory");
  std::shared_ptr<const Mapping> mapping(new Mapping(at, room, size));
  // Shared mappings of what is sealed are refused before Linux 6.7; nothing is written, so private
  // is the same.
  if (size > 0 &&
      ::mmap(at, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, memory.fd(), 0) == MAP_FAILED) {
    return failed("map shared memory");
  }
  return mapping;
}

Mapping::~Mapping() {
  ::munmap(at_, room_);
}

void Mapping::let_go() const {
  if (!is_settled_) ::madvise(at_, size_, MADV_DONTNEED);
}

bool Mapping::settle() const {
  if (is_settled_) return true;
  std::uint8_t* const copy = reserve(room_);
  if (copy == nullptr) return false;
  if (::mprotect(copy, room_, PROT_READ | PROT_WRITE) == 0) {
    ::madvise(copy, room_, MADV_HUGEPAGE);  // A wish.
    for (std::size_t done = 0; done < size_; done += kLargePage) {
      const std::size_t octets = std::min(kLargePage, size_ - done);
      std::copy_n(at_ + done, octets, copy + done);
      ::madvise(at_ + done, octets, MADV_DONTNEED);
    }
    ::mprotect(copy, room_, PROT_READ);
    // In one step, as readers see it: who reads between two of its octets waits.
    is_settled_ = ::mremap(copy, room_, room_, MREMAP_MAYMOVE | MREMAP_FIXED, at_) != MAP_FAILED;
    if (is_settled_) return true;
  }
  ::munmap(copy, room_);
  return false;
}

}  // namespace postern::feeds
