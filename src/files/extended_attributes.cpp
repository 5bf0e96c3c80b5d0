#include "files/extended_attributes.h"

#include <algorithm>
#include <cerrno>

#include <sys/xattr.h>

#include "files/open_beneath.h"

namespace postern::files {

Result<std::vector<std::string>> attribute_names(const FileDescriptor& entry) {
  std::string list(kMaxAttributeListOctets, '\0');
  const ssize_t size = ::listxattr(path_through(entry).c_str(), list.data(), list.size());
  std::vector<std::string> names;
  if (size < 0 && (errno == ENOTSUP || errno == ENOSYS)) return names;
  if (size < 0) return Unexpected<Error>(system_error("list extended attributes", errno));
  for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
    names.emplace_back(list.c_str() + at);
    at += names.back().size() + 1;
  }
  std::ranges::sort(names);
  return names;
}

Result<Octets> attribute(const FileDescriptor& entry, const std::string& name) {
  Octets value(kMaxAttributeOctets);
  const ssize_t size =
      ::getxattr(path_through(entry).c_str(), name.c_str(), value.data(), value.size());
  if (size < 0) {
    Error error = system_error("extended attribute " + name, errno);
    if (errno == ENODATA || errno == ENOTSUP || errno == ENOSYS) error.code = Errc::not_found;
    if (errno == ERANGE || errno == E2BIG) error.code = Errc::limit_exceeded;
    return Unexpected<Error>(std::move(error));
  }
  value.resize(static_cast<std::size_t>(size));
  value.shrink_to_fit();
  return value;
}

}  // namespace postern::files
