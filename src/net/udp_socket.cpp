#include "net/udp_socket.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/ip.h>

#include "base/assert.h"

namespace postern::net {

namespace {

/// Bursts wait in the kernel while a worker is not scheduled; capped by net.core.rmem_max.
constexpr int kKernelBufferOctets = 4 << 20;

Result<void> set_options(int fd, const Endpoint& at) {
  const bool v4 = at.address.is_v4();
  if (v4) {
    POSTERN_CHECK(
        set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, "set IP_MTU_DISCOVER"));
  } else {
    POSTERN_CHECK(set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE,
                             "set IPV6_MTU_DISCOVER"));
  }
  if (at.address.is_unspecified()) {
    POSTERN_CHECK(v4 ? set_option(fd, IPPROTO_IP, IP_PKTINFO, 1, "set IP_PKTINFO")
                     : set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "set IPV6_RECVPKTINFO"));
  }
  // Smaller buffers than asked for still serve.
  (void)set_option(fd, SOL_SOCKET, SO_RCVBUF, kKernelBufferOctets, "set SO_RCVBUF");
  (void)set_option(fd, SOL_SOCKET, SO_SNDBUF, kKernelBufferOctets, "set SO_SNDBUF");
  return {};
}

}  // namespace

Result<std::unique_ptr<UdpSocket>> UdpSocket::bind(const Endpoint& at) {
  auto fd = POSTERN_TRY(bound_socket(SOCK_DGRAM, at, true));
  POSTERN_CHECK(set_options(fd.get(), at));
  const Endpoint local = POSTERN_TRY(local_endpoint(fd.get()));
  return std::unique_ptr<UdpSocket>(new UdpSocket(std::move(fd), local));
}

UdpSocket::UdpSocket(FileDescriptor fd, const Endpoint& local)
    : fd_(std::move(fd)),
      local_(local),
      wildcard_(local.address.is_unspecified()),
      receive_(std::make_unique<std::uint8_t[]>(kBatch * kStride)),
      send_(std::make_unique<std::uint8_t[]>(kBatch * kStride)) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    receive_vectors_[i] = {slot(receive_, i), kMaxReceiveOctets};
    msghdr& in = received_[i].msg_hdr;
    in.msg_iov = &receive_vectors_[i];
    in.msg_iovlen = 1;
    in.msg_name = &senders_[i];
    send_vectors_[i] = {slot(send_, i), 0};
    msghdr& out = to_send_[i].msg_hdr;
    out.msg_iov = &send_vectors_[i];
    out.msg_iovlen = 1;
    out.msg_name = &receivers_[i];
  }
  received_count_ = kBatch;
  reset_received();
}

/// The kernel has written over the sizes of the slots it used.
void UdpSocket::reset_received() {
  for (std::size_t i = 0; i < received_count_; ++i) {
    msghdr& in = received_[i].msg_hdr;
    in.msg_namelen = sizeof(SocketAddress);
    in.msg_control = wildcard_ ? receive_control_[i].octets : nullptr;
    in.msg_controllen = wildcard_ ? kControlOctets : 0;
    in.msg_flags = 0;
  }
  received_count_ = 0;
}

std::size_t UdpSocket::receive() {
  reset_received();
  // An error here is a datagram's that an ICMP message answered, or nothing to read: either way
  // there is nothing to do now, and epoll tells when there is.
  const int count = ::recvmmsg(fd_.get(), received_.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (count <= 0) return 0;
  received_count_ = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < received_count_; ++i) {
    const bool whole = (received_[i].msg_hdr.msg_flags & MSG_TRUNC) == 0;
    sizes_[i] = whole ? static_cast<std::uint16_t>(received_[i].msg_len) : std::uint16_t{0};
    if (!whole) stats_.oversized.add();
  }
  stats_.received.add(received_count_);
  return received_count_;
}

UdpPeer UdpSocket::peer(std::size_t index) const {
  UdpPeer peer;
  peer.remote = senders_[index];
  if (!wildcard_) return peer;
  msghdr header = received_[index].msg_hdr;
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(item), sizeof info);
      peer.has_local = true;
      peer.local = IpAddress::from_octets({reinterpret_cast<std::uint8_t*>(&info.ipi_addr), 4});
    } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(item), sizeof info);
      peer.has_local = true;
      peer.local = IpAddress::from_octets({reinterpret_cast<std::uint8_t*>(&info.ipi6_addr), 16});
      if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) peer.interface = info.ipi6_ifindex;
    }
  }
  return peer;
}

std::span<std::uint8_t> UdpSocket::reserve() {
  if (send_end_ == kBatch) (void)flush();
  if (send_end_ == kBatch) {
    stats_.send_dropped.add();
    return {};
  }
  return {slot(send_, send_end_), kMaxSendOctets};
}

void UdpSocket::commit(std::size_t size, const UdpPeer& peer) {
  POSTERN_ASSERT(send_end_ < kBatch && size <= kMaxSendOctets);
  receivers_[send_end_] = peer.remote;
  send_vectors_[send_end_].iov_len = size;
  to_send_[send_end_].msg_hdr.msg_namelen = peer.remote.size();
  if (wildcard_) set_source(send_end_, peer);
  ++send_end_;
}

void UdpSocket::set_source(std::size_t index, const UdpPeer& peer) {
  msghdr& out = to_send_[index].msg_hdr;
  out.msg_control = nullptr;
  out.msg_controllen = 0;
  if (!peer.has_local) return;
  Control& control = send_control_[index];
  std::memset(control.octets, 0, sizeof control.octets);
  out.msg_control = control.octets;
  const OctetView octets = peer.local.octets();
  if (peer.local.is_v4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, octets.data(), 4);
    out.msg_controllen = CMSG_SPACE(sizeof info);
    cmsghdr* item = CMSG_FIRSTHDR(&out);
    item->cmsg_level = IPPROTO_IP;
    item->cmsg_type = IP_PKTINFO;
    item->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(item), &info, sizeof info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, octets.data(), 16);
    info.ipi6_ifindex = peer.interface;
    out.msg_controllen = CMSG_SPACE(sizeof info);
    cmsghdr* item = CMSG_FIRSTHDR(&out);
    item->cmsg_level = IPPROTO_IPV6;
    item->cmsg_type = IPV6_PKTINFO;
    item->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(item), &info, sizeof info);
  }
}

bool UdpSocket::flush() {
  while (send_begin_ < send_end_) {
    const int count = ::sendmmsg(fd_.get(), &to_send_[send_begin_],
                                 static_cast<unsigned>(send_end_ - send_begin_), MSG_DONTWAIT);
    if (count > 0) {
      send_begin_ += static_cast<std::size_t>(count);
      stats_.sent.add(static_cast<std::uint64_t>(count));
    } else if (count < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) {
      return false;
    } else if (count < 0 && errno != EINTR) {
      // The first one's own fault (no route, a forbidden port): the others shall not suffer.
      ++send_begin_;
      stats_.send_errors.add();
    }
  }
  send_begin_ = 0;
  send_end_ = 0;
  return true;
}

}  // namespace postern::net
