// What the load generators and bare servers of the benchmarks share.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/octets.h"

namespace postern::bench {

using Clock = std::chrono::steady_clock;

inline constexpr std::size_t kBatch = 32;
inline constexpr std::size_t kDatagram = 1500;
inline constexpr std::size_t kSockets = 8;
inline constexpr std::size_t kCounterDigits = 10;

/// Ends the program with a message.
[[noreturn]] void stop(const std::string& why);

sockaddr_in address_of(const Endpoint& endpoint);
/// Never blocks; with buffers of 4 MiB.
FileDescriptor udp_socket();
/// kSockets of them, connected to the server.
std::vector<FileDescriptor> connected_sockets(const Endpoint& server);

/// A query for the A records of a name, id 0; `unique`: below a label of kCounterDigits digits.
Octets query_for(const std::string& text, bool unique);
/// One for each line of a file; ends the program where there is none.
std::vector<Octets> queries_of(const std::string& path, bool unique);

/// A batch of datagrams with room for each, for recvmmsg and sendmmsg.
struct Batch {
  std::array<std::array<std::uint8_t, kDatagram>, kBatch> octets;
  std::array<iovec, kBatch> parts{};
  std::array<sockaddr_in, kBatch> peers{};
  std::array<mmsghdr, kBatch> messages{};

  void prepare(bool with_peers) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {octets[i].data(), kDatagram};
      messages[i] = {};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      if (with_peers) {
        messages[i].msg_hdr.msg_name = &peers[i];
        messages[i].msg_hdr.msg_namelen = sizeof peers[i];
      }
    }
  }
};

/// `paced ADDRESS:PORT NAMES SECONDS RATE`: see paced.cpp.
int paced(const Endpoint& server, int count, char** arguments);

}  // namespace postern::bench
