#include "api/control_socket.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace postern::api {
namespace {

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(Errc::invalid_input,
                path + ": a socket's path may have at most 107 octets; set a shorter one");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// Removes the socket of a server that is gone.
Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return Unexpected<Error>(system_error("look at " + path, errno));
  }
  if (!S_ISSOCK(status.st_mode)) {
    return fail(Errc::invalid_input, path + " is there and is no socket; remove it");
  }
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return Unexpected<Error>(system_error("make a socket", errno));
  if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN) {
    return fail(Errc::unavailable, "another server answers on " + path);
  }
  if (::unlink(path.c_str()) != 0) return Unexpected<Error>(system_error("remove " + path, errno));
  return {};
}

}  // namespace

Result<FileDescriptor> listen_control_socket(const std::string& path) {
  const sockaddr_un address = POSTERN_TRY(address_of(path));
  POSTERN_CHECK(remove_stale(path, address));
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Unexpected<Error>(system_error("make a socket", errno));
  // Before bind: the file is made with the socket's own mode, so it is never open to others.
  if (::fchmod(fd.get(), 0600) != 0) return Unexpected<Error>(system_error("fchmod", errno));
  if (::bind(fd.get(), generic(address), sizeof address) != 0) {
    return Unexpected<Error>(system_error("bind " + path, errno));
  }
  if (::chmod(path.c_str(), 0600) != 0)
    return Unexpected<Error>(system_error("chmod " + path, errno));
  if (::listen(fd.get(), 64) != 0) return Unexpected<Error>(system_error("listen " + path, errno));
  return fd;
}

std::optional<uid_t> trusted_peer(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  if (peer.uid != 0 && peer.uid != ::geteuid()) return std::nullopt;
  return peer.uid;
}

}  // namespace postern::api
