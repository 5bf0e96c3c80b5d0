#include "devices/neighbours.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/file_descriptor.h"

namespace postern::devices {
namespace {

using policy::DeviceAddress;

/// As large as the kernel makes its messages.
constexpr std::size_t kMessageOctets = 32U << 10;

std::optional<DeviceAddress> neighbour_of(const nlmsghdr* message) {
  constexpr unsigned kUsable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
  const auto* const about = static_cast<const ndmsg*>(NLMSG_DATA(message));
  if (message->nlmsg_len < NLMSG_LENGTH(sizeof *about) || (about->ndm_state & kUsable) == 0) {
    return std::nullopt;
  }
  std::optional<IpAddress> address;
  std::optional<MacAddress> mac;
  auto left = static_cast<int>(message->nlmsg_len - NLMSG_LENGTH(sizeof *about));
  const auto* at = reinterpret_cast<const rtattr*>(reinterpret_cast<const char*>(about) +
                                                   NLMSG_ALIGN(sizeof *about));
  for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) {
    const OctetView value(static_cast<const std::uint8_t*>(RTA_DATA(at)), RTA_PAYLOAD(at));
    const bool is_ip = value.size() == 4 || value.size() == 16;
    if (at->rta_type == NDA_DST && is_ip) address = IpAddress::from_octets(value);
    if (at->rta_type == NDA_LLADDR && value.size() == MacAddress::kOctets) {
      mac = MacAddress::from_octets(value);
    }
  }
  if (!address || !mac || mac->is_zero()) return std::nullopt;
  return DeviceAddress{*address, *mac};
}

/// False: there is no more.
Result<bool> take(const std::array<char, kMessageOctets>& octets, std::size_t size,
                  std::vector<DeviceAddress>& into) {
  auto left = static_cast<unsigned>(size);
  const auto* message = reinterpret_cast<const nlmsghdr*>(octets.data());
  for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
    if (message->nlmsg_type == NLMSG_DONE) return false;
    if (message->nlmsg_type == NLMSG_ERROR) {
      int number = EPROTO;
      if (message->nlmsg_len >= NLMSG_LENGTH(sizeof(nlmsgerr))) {
        number = -static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error;
      }
      return Unexpected<Error>(system_error("read the neighbour table", number));
    }
    if (message->nlmsg_type != RTM_NEWNEIGH) continue;
    if (const auto neighbour = neighbour_of(message)) into.push_back(*neighbour);
  }
  return true;
}

}  // namespace

Result<std::vector<DeviceAddress>> read_neighbours() {
  const FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket) return Unexpected<Error>(system_error("open a netlink socket", errno));
  struct {
    nlmsghdr header;
    ndmsg about;
  } request{};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.about);
  request.header.nlmsg_type = RTM_GETNEIGH;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  if (::send(socket.get(), &request, sizeof request, 0) < 0) {
    return Unexpected<Error>(system_error("ask for the neighbour table", errno));
  }
  std::vector<DeviceAddress> neighbours;
  alignas(nlmsghdr) std::array<char, kMessageOctets> octets;
  for (bool has_more = true; has_more;) {
    const ssize_t got = ::recv(socket.get(), octets.data(), octets.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Unexpected<Error>(system_error("read the neighbour table", errno));
    has_more = POSTERN_TRY(take(octets, static_cast<std::size_t>(got), neighbours));
  }
  return neighbours;
}

}  // namespace postern::devices
