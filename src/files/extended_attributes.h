// Extended attributes, alternate data streams among them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/octets.h"
#include "base/result.h"

namespace postern::files {

/// What the kernel gives at most: XATTR_LIST_MAX and XATTR_SIZE_MAX.
inline constexpr std::size_t kMaxAttributeListOctets = 65'536;
inline constexpr std::size_t kMaxAttributeOctets = 65'536;

struct ExtendedAttribute {
  std::string name;  ///< "user.Zone.Identifier", "security.capability".
  Octets value;

  bool operator==(const ExtendedAttribute&) const = default;
};

/// The names, sorted; none where the file system has no such attributes. `entry` may be O_PATH.
Result<std::vector<std::string>> attribute_names(const FileDescriptor& entry);

/// One attribute's value. `not_found` where there is none, or the file system knows none;
/// `limit_exceeded` where it is larger than the kernel hands out.
Result<Octets> attribute(const FileDescriptor& entry, const std::string& name);

}  // namespace postern::files
