#include "policy/client_table.h"

#include <random>

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

IpPrefix prefix(std::string_view text) {
  return IpPrefix::from_text(text).value();
}
IpAddress address(std::string_view text) {
  return IpAddress::from_text(text).value();
}

TEST(ClientTable, TheLongestPrefixDecides) {
  const ClientPrefix prefixes[] = {
      {prefix("10.0.0.0/8"), 1},    {prefix("10.1.0.0/16"), 2},       {prefix("10.1.2.3"), 3},
      {prefix("10.1.255.0/24"), 4}, {prefix("255.255.255.255"), 5},   {prefix("0.0.0.0/32"), 6},
      {prefix("2001:db8::/32"), 7}, {prefix("2001:db8:0:1::/64"), 8}, {prefix("fe80::/10"), 9},
      {prefix("ffff::/16"), 10},    {prefix("10.1.0.0/16"), 11},  // Again: the first one counts.
  };
  const ClientTable table(prefixes);
  struct Case {
    const char* client;
    std::uint16_t want;
  };
  const Case cases[] = {
      // Inside one, inside two, inside three.
      {"10.0.0.0", 1},
      {"10.255.255.255", 1},
      {"10.1.2.2", 2},
      {"10.1.2.3", 3},
      {"10.1.2.4", 2},
      // An inner prefix that ends where its outer one ends.
      {"10.1.254.255", 2},
      {"10.1.255.0", 4},
      {"10.1.255.255", 4},
      {"10.2.0.0", 1},
      // Outside, and the two ends of the address space.
      {"9.255.255.255", 0},
      {"11.0.0.0", 0},
      {"0.0.0.0", 6},
      {"0.0.0.1", 0},
      {"255.255.255.254", 0},
      {"255.255.255.255", 5},
      // IPv6 beside it, and IPv4 in IPv6's clothes.
      {"2001:db8::1", 7},
      {"2001:db8:0:1::1", 8},
      {"2001:db8:0:2::", 7},
      {"2001:db9::", 0},
      {"::", 0},
      {"febf::1", 9},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 10},
      {"::ffff:10.1.2.3", 3},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.client);
    EXPECT_EQ(table.group_of(address(c.client)), c.want);
  }
}

TEST(ClientTable, AWholeFamilyMayBeOnePrefix) {
  const ClientPrefix prefixes[] = {{prefix("0.0.0.0/0"), 1}, {prefix("::/0"), 2}};
  const ClientTable table(prefixes);
  EXPECT_EQ(table.group_of(address("0.0.0.0")), 1);
  EXPECT_EQ(table.group_of(address("255.255.255.255")), 1);
  EXPECT_EQ(table.group_of(address("::1")), 2);
  EXPECT_EQ(ClientTable().group_of(address("::1")), 0);
}

TEST(ClientTable, AgreesWithALinearSearch) {
  std::mt19937 random(20);
  const auto any = [&random](bool v4) {
    // Few values for each octet, so that prefixes nest and touch.
    std::array<std::uint8_t, 16> octets{};
    for (auto& octet : octets) {
      static constexpr std::uint8_t kValues[] = {0, 1, 0x7f, 0x80, 0xff};
      octet = kValues[random() % 5];
    }
    octets[0] |= 0x20;  // Never a mapped IPv4 address.
    return IpAddress::from_octets(OctetView(octets).first(v4 ? 4 : 16));
  };
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    std::vector<ClientPrefix> prefixes(random() % 40);
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
      const bool v4 = random() % 2 == 0;
      prefixes[i] = {IpPrefix(any(v4), static_cast<unsigned>(random() % (v4 ? 33 : 129))),
                     static_cast<std::uint16_t>(i + 1)};
    }
    const ClientTable table(prefixes);
    for (int i = 0; i < 200; ++i) {
      const IpAddress client = any(random() % 2 == 0);
      std::uint16_t want = 0;
      int longest = -1;
      for (const ClientPrefix& p : prefixes) {
        if (!p.prefix.contains(client) || static_cast<int>(p.prefix.length()) <= longest) continue;
        longest = static_cast<int>(p.prefix.length());
        want = p.group;
      }
      ASSERT_EQ(table.group_of(client), want) << client.to_text();
    }
  }
}

}  // namespace
}  // namespace postern::policy
