#include <string>

#include <gtest/gtest.h>

#include "resolve/factory.h"

namespace postern::resolve {
namespace {

TEST(UpstreamText, ReadsEachForm) {
  struct Case {
    const char* text;
    UpstreamTransport transport;
    const char* endpoint;
    const char* tls_name;
  };
  const Case cases[] = {
      {"192.0.2.1", UpstreamTransport::udp, "192.0.2.1:53", ""},
      {"192.0.2.1:5353", UpstreamTransport::udp, "192.0.2.1:5353", ""},
      {"udp://192.0.2.1", UpstreamTransport::udp, "192.0.2.1:53", ""},
      {"tcp://[2001:db8::1]:54", UpstreamTransport::tcp, "[2001:db8::1]:54", ""},
      {"tls://192.0.2.1", UpstreamTransport::tls, "192.0.2.1:853", ""},
      {"tls://192.0.2.1:8853#DNS.example.", UpstreamTransport::tls, "192.0.2.1:8853",
       "dns.example"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto upstream = upstream_from_text(c.text);
    ASSERT_TRUE(upstream.has_value()) << upstream.error().text;
    EXPECT_EQ(upstream->transport, c.transport);
    EXPECT_EQ(upstream->endpoint.to_text(), c.endpoint);
    EXPECT_EQ(upstream->tls_name, c.tls_name);
    EXPECT_TRUE(upstream->tls_pins.empty());
  }
}

TEST(UpstreamText, ReadsPinsBesideOrInsteadOfAName) {
  const std::string pin = "pin-sha256=" + std::string(43, 'A') + "=";
  const auto alone = upstream_from_text("tls://192.0.2.1#" + pin);
  ASSERT_TRUE(alone.has_value());
  EXPECT_EQ(alone->tls_pins, std::vector<Octets>{Octets(32)});
  const auto both = upstream_from_text("tls://192.0.2.1#dns.example&" + pin + "&" + pin);
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->tls_name, "dns.example");
  EXPECT_EQ(both->tls_pins.size(), 2U);
}

TEST(UpstreamText, RefusesTheRestAndSaysWhatToWrite) {
  for (const std::string text :
       {"", "dns.example", "https://192.0.2.1", "udp://", "192.0.2.1:0", "192.0.2.1:65536",
        "192.0.2.1#name", "udp://192.0.2.1#name", "tls://192.0.2.1#", "tls://192.0.2.1#a..b",
        "tls://192.0.2.1#a&b", "tls://192.0.2.1#pin-sha256=short", "udp://192.0.2.1:53:53",
        "://192.0.2.1"}) {
    const auto upstream = upstream_from_text(text);
    ASSERT_FALSE(upstream.has_value()) << text;
    EXPECT_NE(upstream.error().text.find("tls://192.0.2.1:853#dns.example"), std::string::npos);
  }
}

}  // namespace
}  // namespace postern::resolve
