#include "server/access_list.h"

#include <random>

#include <gtest/gtest.h>

namespace postern::server {
namespace {

TEST(AccessList, Prefixes) {
  struct Case {
    const char* prefix;
    const char* client;
    bool want;
  };
  const Case cases[] = {
      {"192.0.2.0/24", "192.0.2.255", true},
      {"192.0.2.0/24", "192.0.3.0", false},
      {"0.0.0.0/0", "255.255.255.255", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "192.0.2.1", false},
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.0", false},
      {"2001:db8::/64", "2001:db8::1", true},
      {"2001:db8::/64", "2001:db8:0:1::1", false},
      {"2001:db8::/65", "2001:db8::8000:0:0:1", false},
      {"2001:db8::1", "2001:db8::1", true},
      {"2001:db8::1", "2001:db8::2", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.prefix) + " " + c.client);
    const AccessList list({*IpPrefix::from_text(c.prefix)});
    EXPECT_EQ(list.allows(*IpAddress::from_text(c.client)), c.want);
  }
  EXPECT_FALSE(AccessList().allows(IpAddress::v4(127, 0, 0, 1)));
}

// Against IpPrefix::contains, the plain twin.
TEST(AccessList, AgreesWithThePlainForm) {
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::array<std::uint8_t, 16> octets{};
    for (auto& octet : octets) octet = static_cast<std::uint8_t>(random() % 4);
    const std::size_t size = random() % 2 == 0 ? 4 : 16;
    const auto address = IpAddress::from_octets(OctetView(octets).first(size));
    const IpPrefix prefix(address, static_cast<unsigned>(random() % (size * 8 + 1)));
    octets[random() % size] ^= static_cast<std::uint8_t>(1U << (random() % 8));
    const auto client = IpAddress::from_octets(OctetView(octets).first(size));
    EXPECT_EQ(AccessList({prefix}).allows(client), prefix.contains(client))
        << prefix.to_text() << " " << client.to_text();
  }
}

}  // namespace
}  // namespace postern::server
