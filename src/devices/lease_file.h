// Lease files of DHCP servers: which hardware address has which address, and until when.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "policy/device_table.h"

namespace postern::devices {

enum class LeaseFormat : std::uint8_t {
  dnsmasq,  ///< dnsmasq(8) --dhcp-leasefile: "EXPIRY MAC ADDRESS HOSTNAME CLIENT-ID" a line.
  isc,      ///< dhcpd.leases(5): "lease ADDRESS { … hardware ethernet MAC; … }".
  kea,      ///< Kea's memfile: CSV, its first line names the columns.
};

/// What is read of a file at most: leases of a large site are some hundred octets each.
inline constexpr std::uint64_t kMaxLeaseFileOctets = 64U << 20;
inline constexpr std::size_t kMaxLeases = 200'000;

/// The leases that hold at `now`. Of several of one address the last one counts, as for the server
/// that wrote them. What does not read, has no hardware address (leases by DUID), or has ended is
/// left out.
std::vector<policy::DeviceAddress> read_leases(std::string_view text, LeaseFormat format,
                                               WallTime now);

}  // namespace postern::devices
