// Opening by a path that cannot lead out of a folder.
#pragma once

#include <string>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace postern::files {

/// openat2(2) of `path` (see check_path; "" is the folder itself) with RESOLVE_BENEATH,
/// RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS, and O_CLOEXEC | O_NOFOLLOW beside `flags`: no
/// link anywhere in it is followed, whoever swaps one in meanwhile. Mounted file systems are
/// entered. Paths longer than the kernel takes at once are opened in pieces.
/// Errors: `not_found`, `denied`, `invalid_input` (no path beneath a root), `unavailable`; a link
/// in the way, or as the last name, is `denied`.
Result<FileDescriptor> open_beneath(int folder, std::string_view path, int flags,
                                    unsigned mode = 0);

/// A folder, by open_beneath, to be listed; reading it leaves no trace in its access time where
/// the kernel allows that.
Result<FileDescriptor> open_folder_beneath(int folder, std::string_view path);

/// Opens for reading what `entry`, an O_PATH descriptor, stands for: the very same file, whatever
/// its name leads to by now. Without a change of its access time where the kernel allows that.
/// Only for what metadata_of says is a regular file or a folder. Needs /proc.
Result<FileDescriptor> reopen_to_read(const FileDescriptor& entry, int flags = 0);

/// "/proc/self/fd/N", through which calls that take only a path reach the very entry.
std::string path_through(const FileDescriptor& entry);

}  // namespace postern::files
