// UdpSocket: datagrams in and out, a batch at a time, each answer from the address it was asked on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/octets.h"
#include "base/result.h"
#include "net/socket_address.h"
#include "net/stats.h"

namespace postern::net {

/// Where a datagram came from and which of our addresses it was sent to: all that an answer needs.
/// A plain value.
struct UdpPeer {
  SocketAddress remote;
  /// Set on sockets bound to the wildcard address alone; else the kernel knows.
  bool has_local = false;
  IpAddress local;
  std::uint32_t interface = 0;  ///< Only for link-local addresses.
};

/// A bound UDP socket with a batch of receive slots and one of send slots, all allocated once.
/// One thread.
///
/// Cost: two system calls per batch of up to kBatch datagrams.
class UdpSocket {
 public:
  static constexpr std::size_t kBatch = 32;  ///< More wins nothing measurable.
  /// A query with every option we know is well under 1 kB; a longer datagram is dropped.
  static constexpr std::size_t kMaxReceiveOctets = 4096;
  static constexpr std::size_t kMaxSendOctets = 4096;

  /// Binds with SO_REUSEPORT. DF is set and path MTU news from the network are not believed
  /// (RFC 9715 §3.1): answers are small enough, and forged ICMP cannot make them fragment.
  static Result<std::unique_ptr<UdpSocket>> bind(const Endpoint& at);
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  int fd() const { return fd_.get(); }
  const Endpoint& local() const { return local_; }

  /// Takes what is there, up to a batch; 0 where there is nothing. What the accessors below
  /// gave for the batch before is gone.
  std::size_t receive();
  /// Empty for one that was too long.
  OctetView octets(std::size_t index) const { return {slot(receive_, index), sizes_[index]}; }
  const SocketAddress& remote(std::size_t index) const { return senders_[index]; }
  UdpPeer peer(std::size_t index) const;

  /// Room for one datagram of up to kMaxSendOctets, until the next call; empty where the
  /// kernel takes no more: counted, and to be dropped.
  std::span<std::uint8_t> reserve();
  /// Queues the first `size` octets of what `reserve` gave.
  void commit(std::size_t size, const UdpPeer& peer);

  /// Sends what is queued. False: the kernel's buffer is full; call again when the socket can be
  /// written to. A datagram that the kernel refuses is counted and dropped.
  bool flush();

  const UdpStats& stats() const { return stats_; }

 private:
  // A stride that is no multiple of 4 KiB: slots would else share one set of the L1 cache.
  static constexpr std::size_t kStride = kMaxReceiveOctets + 128;
  static constexpr std::size_t kControlOctets = CMSG_SPACE(sizeof(in6_pktinfo));
  struct alignas(cmsghdr) Control {
    std::uint8_t octets[kControlOctets];
  };

  UdpSocket(FileDescriptor fd, const Endpoint& local);
  static std::uint8_t* slot(const std::unique_ptr<std::uint8_t[]>& memory, std::size_t index) {
    return memory.get() + index * kStride;
  }
  void reset_received();
  void set_source(std::size_t index, const UdpPeer& peer);

  FileDescriptor fd_;
  Endpoint local_;
  bool wildcard_;
  UdpStats stats_;

  std::unique_ptr<std::uint8_t[]> receive_;
  std::array<mmsghdr, kBatch> received_{};
  std::array<iovec, kBatch> receive_vectors_{};
  std::array<SocketAddress, kBatch> senders_;
  std::array<Control, kBatch> receive_control_{};
  std::array<std::uint16_t, kBatch> sizes_{};
  std::size_t received_count_ = 0;

  std::unique_ptr<std::uint8_t[]> send_;
  std::array<mmsghdr, kBatch> to_send_{};
  std::array<iovec, kBatch> send_vectors_{};
  std::array<SocketAddress, kBatch> receivers_;
  std::array<Control, kBatch> send_control_{};
  std::size_t send_begin_ = 0;  ///< Sent already, after a partial send.
  std::size_t send_end_ = 0;
};

}  // namespace postern::net
