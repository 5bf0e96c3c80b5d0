#include "files/folder_names.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "files/path.h"

namespace postern::files {

Result<FolderNames> FolderNames::open(const FileDescriptor& folder) {
  const int own = ::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0);
  DIR* stream = own < 0 ? nullptr : ::fdopendir(own);
  if (stream != nullptr) return FolderNames(stream);
  const int number = errno;
  if (own >= 0) ::close(own);
  return Unexpected<Error>(system_error("list", number));
}

Result<void> FolderNames::read_portion(std::size_t max_octets) {
  text_.clear();
  starts_.clear();
  Result<void> done;
  while (octets() < max_octets) {
    errno = 0;
    const dirent* entry = ::readdir(stream_.get());
    if (entry == nullptr && errno != 0) {
      done = Unexpected<Error>(system_error("list the rest of the folder", errno));
    }
    if (entry == nullptr) break;
    const std::string_view name(static_cast<const char*>(entry->d_name));
    if (name == "." || name == "..") continue;
    starts_.push_back(static_cast<std::uint32_t>(text_.size()));
    text_.append(name).push_back('\0');
  }
  std::ranges::sort(starts_, [this](std::uint32_t left, std::uint32_t right) {
    return std::strcmp(text_.data() + left, text_.data() + right) < 0;
  });
  return done;
}

std::vector<std::string> names_like(const FileDescriptor& folder, std::string_view name) {
  constexpr std::size_t kPortionOctets = 1U << 20;
  std::vector<std::string> found;
  auto names = FolderNames::open(folder);
  if (!names) return found;
  for (bool goes_on = true; goes_on;) {
    goes_on = names->read_portion(kPortionOctets).has_value() && !names->empty();
    for (std::size_t i = 0; i < names->size(); ++i) {
      if (equal_ignoring_case(names->name(i), name)) found.emplace_back(names->name(i));
    }
  }
  return found;
}

}  // namespace postern::files
