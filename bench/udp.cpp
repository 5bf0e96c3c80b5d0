#include "udp.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "dns/name.h"

namespace postern::bench {
namespace {

constexpr int kBufferOctets = 4 << 20;

}  // namespace

void stop(const std::string& why) {
  std::fprintf(stderr, "udp_bench: %s\n", why.c_str());
  std::exit(1);
}

sockaddr_in address_of(const Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  std::memcpy(&address.sin_addr, endpoint.address.octets().data(), 4);
  return address;
}

FileDescriptor udp_socket() {
  FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) stop("socket");
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kBufferOctets, sizeof kBufferOctets);
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kBufferOctets, sizeof kBufferOctets);
  return fd;
}

std::vector<FileDescriptor> connected_sockets(const Endpoint& server) {
  const sockaddr_in address = address_of(server);
  std::vector<FileDescriptor> sockets;
  for (std::size_t i = 0; i < kSockets; ++i) {
    sockets.push_back(udp_socket());
    if (connect(sockets[i].get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
        0) {
      stop("connect");
    }
  }
  return sockets;
}

Octets query_for(const std::string& text, bool unique) {
  const auto name = dns::Name::from_text(text);
  if (!name) stop("bad name: " + text);
  Octets octets = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  if (unique) {
    octets.push_back(kCounterDigits);
    octets.insert(octets.end(), kCounterDigits, '0');
  }
  octets.insert(octets.end(), name->wire().begin(), name->wire().end());
  const std::uint8_t tail[] = {0, 1, 0, 1};
  octets.insert(octets.end(), tail, tail + 4);
  return octets;
}

std::vector<Octets> queries_of(const std::string& path, bool unique) {
  std::vector<Octets> queries;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) queries.push_back(query_for(line, unique));
  }
  if (queries.empty()) stop("no names in " + path);
  return queries;
}

}  // namespace postern::bench
