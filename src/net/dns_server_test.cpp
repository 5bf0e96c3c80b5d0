#include "net/dns_server.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::net {
namespace {

TEST(DnsServerText, ReadsEachForm) {
  struct Case {
    const char* text;
    DnsServer::Transport transport;
    const char* endpoint;
    const char* tls_name;
  };
  const Case cases[] = {
      {"192.0.2.1", DnsServer::Transport::udp, "192.0.2.1:53", ""},
      {"192.0.2.1:5353", DnsServer::Transport::udp, "192.0.2.1:5353", ""},
      {"2001:db8::1", DnsServer::Transport::udp, "[2001:db8::1]:53", ""},
      {"udp://192.0.2.1", DnsServer::Transport::udp, "192.0.2.1:53", ""},
      {"tcp://[2001:db8::1]:54", DnsServer::Transport::tcp, "[2001:db8::1]:54", ""},
      {"tls://192.0.2.1", DnsServer::Transport::tls, "192.0.2.1:853", ""},
      {"tls://192.0.2.1:8853#DNS.example.", DnsServer::Transport::tls, "192.0.2.1:8853",
       "dns.example"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto server = dns_server_from_text(c.text);
    ASSERT_TRUE(server.has_value()) << server.error().text;
    EXPECT_EQ(server->transport, c.transport);
    EXPECT_EQ(server->endpoint.to_text(), c.endpoint);
    EXPECT_EQ(server->tls_name, c.tls_name);
    EXPECT_TRUE(server->tls_pins.empty());
  }
}

TEST(DnsServerText, ReadsPinsBesideOrInsteadOfAName) {
  const std::string pin = "pin-sha256=" + std::string(43, 'A') + "=";
  const auto alone = dns_server_from_text("tls://192.0.2.1#" + pin);
  ASSERT_TRUE(alone.has_value());
  EXPECT_EQ(alone->tls_pins, std::vector<Octets>{Octets(32)});
  const auto both = dns_server_from_text("tls://192.0.2.1#dns.example&" + pin + "&" + pin);
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->tls_name, "dns.example");
  EXPECT_EQ(both->tls_pins.size(), 2U);
  const auto counted = dns_server_from_text(
      "tls://192.0.2.1#pin-sha256=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
  ASSERT_TRUE(counted.has_value());
  EXPECT_EQ(counted->tls_pins.at(0).at(31), 31);
}

TEST(DnsServerText, RefusesTheRestAndSaysWhatToWrite) {
  for (const std::string text :
       {"", "dns.example", "https://192.0.2.1", "udp://", "192.0.2.1:0", "192.0.2.1:65536",
        "192.0.2.1#name", "udp://192.0.2.1#name", "tls://192.0.2.1#", "tls://192.0.2.1#a..b",
        "tls://192.0.2.1#a&b", "tls://192.0.2.1#pin-sha256=short", "udp://192.0.2.1:53:53",
        "://192.0.2.1"}) {
    const auto server = dns_server_from_text(text);
    ASSERT_FALSE(server.has_value()) << text;
    EXPECT_NE(server.error().text.find("tls://192.0.2.1:853#dns.example"), std::string::npos);
  }
}

}  // namespace
}  // namespace postern::net
