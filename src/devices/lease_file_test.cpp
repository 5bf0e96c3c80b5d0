#include "devices/lease_file.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::devices {
namespace {

constexpr std::int64_t kNow = 1'772'438'400;  // 2026-03-02 08:00:00 UTC.

std::string read(std::string_view text, LeaseFormat format) {
  std::string out;
  for (const auto& lease : read_leases(text, format, WallTime(seconds(kNow)))) {
    out += lease.address.to_text() + " " + lease.device.to_text() + "\n";
  }
  return out;
}

TEST(Leases, OfDnsmasq) {
  EXPECT_EQ(read("1772438401 00:1a:2b:3c:4d:01 192.0.2.7 tv *\n"
                 "1772438400 00:1a:2b:3c:4d:02 192.0.2.8 over 01:00:1a:2b:3c:4d:02\n"
                 "0 00:1A:2B:3C:4D:03 192.0.2.9 * *\r\n"
                 "duid 00:01:00:01:2c\n"
                 "1772438401 717171 2001:db8::7 tv 00:01:00:01\n"
                 "garbage\n1772438401 00:1a:2b:3c:4d:04 not.an.address x *\n"
                 "1772438401 00:1a:2b:3c:4d:05 192.0.2.7 other *",
                 LeaseFormat::dnsmasq),
            "192.0.2.7 00:1a:2b:3c:4d:05\n192.0.2.9 00:1a:2b:3c:4d:03\n");
}

TEST(Leases, OfIscDhcpd) {
  EXPECT_EQ(
      read("# The format of this file is documented in dhcpd.leases(5)\n"
           "authoring-byte-order little-endian;\n"
           "lease 192.0.2.7 {\n  starts 1 2026/03/02 07:00:00;\n  ends 1 2026/03/02 09:00:00;\n"
           "  binding state active;\n  next binding state free;\n"
           "  hardware ethernet 00:1a:2b:3c:4d:01;\n  client-hostname \"a } b\";\n}\n"
           "lease 192.0.2.8 {\n  ends 1 2026/03/02 07:59:59;\n  binding state active;\n"
           "  hardware ethernet 00:1a:2b:3c:4d:02;\n}\n"
           "lease 192.0.2.9 {\n  ends never;\n  binding state active;\n"
           "  hardware ethernet 00:1a:2b:3c:4d:03;\n}\n"
           "lease 192.0.2.10 {\n  ends epoch 1772438500; # Mon\n  binding state active;\n"
           "  hardware ethernet 00:1a:2b:3c:4d:04;\n}\n"
           "lease 192.0.2.9 {\n  ends never;\n  binding state free;\n"
           "  hardware ethernet 00:1a:2b:3c:4d:03;\n}\n"
           "lease 192.0.2.11 {\n  hardware ethernet 00:1a:2b:3c:4d:05;\n",
           LeaseFormat::isc),
      "192.0.2.7 00:1a:2b:3c:4d:01\n192.0.2.10 00:1a:2b:3c:4d:04\n"
      "192.0.2.11 00:1a:2b:3c:4d:05\n");
}

TEST(Leases, OfKea) {
  EXPECT_EQ(
      read("address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,"
           "state,user_context,pool_id\n"
           "192.0.2.7,00:1a:2b:3c:4d:01,,3600,1772438500,1,0,0,tv,0,,0\n"
           "192.0.2.8,00:1a:2b:3c:4d:02,,3600,1772438500,1,0,0,x,1,,0\n"
           "192.0.2.9,00:1a:2b:3c:4d:03,,3600,1772438300,1,0,0,y,0,,0\n"
           "192.0.2.10,00:1a:2b:3c:4d:04,,3600,1772438500,1,0,0,z,0,,0\n"
           "192.0.2.10,00:1a:2b:3c:4d:04,,0,1772438500,1,0,0,z,2,,0\n",
           LeaseFormat::kea),
      "192.0.2.7 00:1a:2b:3c:4d:01\n");
  // Leases of IPv6, whose columns stand elsewhere.
  EXPECT_EQ(read("address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,"
                 "prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state\n"
                 "2001:db8::7,00:01,3600,1772438500,1,3000,0,7,128,0,0,tv,00:1a:2b:3c:4d:01,0\n",
                 LeaseFormat::kea),
            "2001:db8::7 00:1a:2b:3c:4d:01\n");
}

TEST(Leases, OfNothing) {
  for (const LeaseFormat format : {LeaseFormat::dnsmasq, LeaseFormat::isc, LeaseFormat::kea}) {
    EXPECT_EQ(read("", format), "");
    EXPECT_EQ(read("\n\n", format), "");
  }
}

}  // namespace
}  // namespace postern::devices
