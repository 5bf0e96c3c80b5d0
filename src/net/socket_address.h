// Between our addresses and the kernel's, and the sockets both UDP and TCP begin with.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/result.h"

namespace postern::net {

/// A kernel address of either family: what `bind`, `recvmmsg` and `sendmmsg` take. A plain
/// value. Keeps what an Endpoint has no room for: the scope of a link-local address.
union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;

  SocketAddress() : v6{} {}
  explicit SocketAddress(const Endpoint& endpoint);

  socklen_t size() const { return any.sa_family == AF_INET ? sizeof v4 : sizeof v6; }
  IpAddress address() const;
  std::uint16_t port() const;
  Endpoint endpoint() const { return {address(), port()}; }
};

/// Sets an integer socket option; errno's text on failure.
Result<void> set_option(int fd, int level, int name, int value, const char* doing);

/// A non-blocking socket of `type` (SOCK_DGRAM or SOCK_STREAM) bound to `at`, IPv6 without
/// IPv4 in it. `share_port`: others of this user may bind the same (SO_REUSEPORT).
Result<FileDescriptor> bound_socket(int type, const Endpoint& at, bool share_port);

/// Where a bound socket listens: the port filled in.
Result<Endpoint> local_endpoint(int fd);

/// An error where somebody, another process of ours included, already has `at`. For use
/// before binding with a shared port, which would quietly divide the clients instead.
Result<void> check_port_is_free(const Endpoint& at);

}  // namespace postern::net
