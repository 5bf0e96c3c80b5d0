#include "base/ip.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

template <class T>
std::string describe(const Result<T>& result) {
  return result ? result->to_text() : "error: " + result.error().text;
}

TEST(IpAddress, TextThereAndBack) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "2001:db8::1", "::", "::1", "fe80::1:2"}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(describe(IpAddress::from_text(text)), text);
  }
  EXPECT_EQ(describe(IpAddress::from_text("::ffff:192.0.2.1")), "192.0.2.1");
  for (const char* text :
       {"", "192.0.2", "192.0.2.256", "192.0.2.01", "1.2.3.4 ", "g::1", "fe80::1%lo"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(IpAddress::from_text(text).has_value());
  }
}

TEST(IpPrefix, ContainsItsAddressesAndNoOthers) {
  const IpPrefix prefix = IpPrefix::from_text("192.0.2.128/25").value();
  EXPECT_TRUE(prefix.contains(IpAddress::v4(192, 0, 2, 128)));
  EXPECT_TRUE(prefix.contains(IpAddress::v4(192, 0, 2, 255)));
  EXPECT_FALSE(prefix.contains(IpAddress::v4(192, 0, 2, 127)));
  EXPECT_FALSE(prefix.contains(IpAddress::from_text("::1").value()));
  EXPECT_TRUE(IpPrefix::from_text("0.0.0.0/0")->contains(IpAddress::v4(8, 8, 8, 8)));
  EXPECT_TRUE(IpPrefix::from_text("2001:db8::/33")
                  ->contains(IpAddress::from_text("2001:db8:7fff::1").value()));
  EXPECT_FALSE(IpPrefix::from_text("2001:db8::/33")
                   ->contains(IpAddress::from_text("2001:db8:8000::1").value()));
}

TEST(IpPrefix, SaysWhatIsWrong) {
  EXPECT_EQ(describe(IpPrefix::from_text("192.0.2.1")), "192.0.2.1/32");
  EXPECT_EQ(describe(IpPrefix::from_text("192.0.2.1/24")),
            "error: \"192.0.2.1/24\" has host bits set; write 192.0.2.0/24 or 192.0.2.1");
  EXPECT_EQ(describe(IpPrefix::from_text("192.0.2.0/33")),
            "error: \"33\" is not a number from 0 to 32");
}

TEST(Endpoint, TextThereAndBack) {
  EXPECT_EQ(describe(Endpoint::from_text("127.0.0.1:5300")), "127.0.0.1:5300");
  EXPECT_EQ(describe(Endpoint::from_text("[::1]:5300")), "[::1]:5300");
  EXPECT_EQ(describe(Endpoint::from_text("::1", 53)), "[::1]:53");
  EXPECT_EQ(describe(Endpoint::from_text("127.0.0.1", 53)), "127.0.0.1:53");
  EXPECT_EQ(describe(Endpoint::from_text("127.0.0.1")), "error: \"127.0.0.1\" lacks a port");
  EXPECT_FALSE(Endpoint::from_text("127.0.0.1:65536").has_value());
  EXPECT_FALSE(Endpoint::from_text("[::1").has_value());
  EXPECT_FALSE(Endpoint::from_text("localhost:53").has_value());
}

}  // namespace
}  // namespace postern
