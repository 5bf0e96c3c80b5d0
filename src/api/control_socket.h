// The control socket: a UNIX stream socket for our own user alone.
#pragma once

#include <string>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace postern::api {

/// Binds and listens at `path`, mode 0600, non-blocking. A file left by a server that is gone is
/// replaced; a server that still answers there, or a file that is no socket, is an error.
Result<FileDescriptor> listen_control_socket(const std::string& path);

/// True where the other end of a connected UNIX socket runs as root or as our own user.
bool peer_is_trusted(int fd);

}  // namespace postern::api
