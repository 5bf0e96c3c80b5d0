#include "files/file.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include <unistd.h>

namespace postern::files {

Result<std::size_t> File::read_at(std::uint64_t offset, std::span<std::uint8_t> into) const {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const std::uint64_t at = offset + filled;
    const ssize_t got =
        ::pread(file_.get(), into.data() + filled, into.size() - filled, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Unexpected<Error>(system_error("read at offset " + std::to_string(at), errno));
    }
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

Result<void> File::stream(std::span<std::uint8_t> buffer,
                          const std::function<bool(OctetView)>& take) const {
  for (std::uint64_t at = 0; at < size();) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size() - at));
    const std::size_t got = POSTERN_TRY(read_at(at, buffer.first(wanted)));
    if (got == 0 || !take(buffer.first(got))) break;
    at += got;
  }
  return {};
}

Result<Octets> File::read_whole(std::uint64_t max_octets) const {
  if (size() > max_octets) {
    return fail(Errc::limit_exceeded, "over " + std::to_string(max_octets) + " octets");
  }
  Octets all(static_cast<std::size_t>(size()));
  if (POSTERN_TRY(read_at(0, all)) != all.size()) {
    return fail(Errc::unavailable, "it shrank while it was read");
  }
  return all;
}

Result<bool> File::changed() const {
  const Metadata now = POSTERN_TRY(metadata_of(file_.get()));
  return !now.is_unchanged_since(metadata_);
}

}  // namespace postern::files
