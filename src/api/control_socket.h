// The control socket: a UNIX stream socket for our own user alone.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace postern::api {

/// Binds and listens at `path`, mode 0600, non-blocking. A file left by a server that is gone is
/// replaced; a server that still answers there, or a file that is no socket, is an error.
Result<FileDescriptor> listen_control_socket(const std::string& path);

/// The user at the other end of a connected UNIX socket, where that is root or our own.
std::optional<uid_t> trusted_peer(int fd);

}  // namespace postern::api
