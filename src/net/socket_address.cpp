#include "net/socket_address.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace postern::net {

SocketAddress::SocketAddress(const Endpoint& endpoint) : v6{} {
  const OctetView octets = endpoint.address.octets();
  if (endpoint.address.is_v4()) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, octets.data(), 4);
  } else {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, octets.data(), 16);
  }
}

IpAddress SocketAddress::address() const {
  if (any.sa_family == AF_INET) {
    return IpAddress::from_octets({reinterpret_cast<const std::uint8_t*>(&v4.sin_addr), 4});
  }
  return IpAddress::from_octets({reinterpret_cast<const std::uint8_t*>(&v6.sin6_addr), 16});
}

std::uint16_t SocketAddress::port() const {
  return ntohs(any.sa_family == AF_INET ? v4.sin_port : v6.sin6_port);
}

Result<void> set_option(int fd, int level, int name, int value, const char* doing) {
  if (::setsockopt(fd, level, name, &value, sizeof value) == 0) return {};
  return Unexpected(system_error(doing, errno));
}

Result<FileDescriptor> bound_socket(int type, const Endpoint& at, bool share_port) {
  const SocketAddress address(at);
  FileDescriptor fd(::socket(address.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Unexpected(system_error("create a socket for " + at.to_text(), errno));
  if (!at.address.is_v4()) {
    POSTERN_CHECK(set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "set IPV6_V6ONLY"));
  }
  if (type == SOCK_STREAM) {
    POSTERN_CHECK(set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, "set SO_REUSEADDR"));
  }
  if (share_port) {
    POSTERN_CHECK(set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1, "set SO_REUSEPORT"));
  }
  if (::bind(fd.get(), &address.any, address.size()) != 0) {
    return Unexpected(system_error("bind " + at.to_text(), errno));
  }
  return fd;
}

Result<Endpoint> local_endpoint(int fd) {
  SocketAddress address;
  socklen_t size = sizeof address;
  if (::getsockname(fd, &address.any, &size) != 0) {
    return Unexpected(system_error("read the address of a socket", errno));
  }
  return address.endpoint();
}

Result<void> check_port_is_free(const Endpoint& at) {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    const auto fd = bound_socket(type, at, false);
    if (!fd) return Unexpected(fd.error());
  }
  return {};
}

}  // namespace postern::net
