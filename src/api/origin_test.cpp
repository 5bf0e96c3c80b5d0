#include "api/origin.h"

#include <gtest/gtest.h>

namespace postern::api {
namespace {

TEST(HostIsOurs, Cases) {
  const auto loopback = Endpoint::from_text("127.0.0.1:8080").value();
  const auto lan = Endpoint::from_text("192.0.2.53:8080").value();
  const auto any = Endpoint::from_text("0.0.0.0:8080").value();
  struct Case {
    std::string host;
    Endpoint listen;
    bool want;
  };
  const Case cases[] = {
      {"127.0.0.1:8080", loopback, true},
      {"127.0.0.1", loopback, true},
      {"localhost:8080", loopback, true},
      {"LOCALHOST", loopback, true},
      {"[::1]:8080", loopback, true},
      {"[::1]", loopback, true},
      {"127.9.9.9:1", loopback, true},  // Another port: forwarded, perhaps.
      // A name made to resolve to us.
      {"evil.example", loopback, false},
      {"evil.example:8080", loopback, false},
      {"localhost.evil.example", loopback, false},
      {"127.0.0.1.evil.example", loopback, false},
      {"192.0.2.53:8080", loopback, false},
      {"192.0.2.53:8080", lan, true},
      {"192.0.2.54:8080", lan, false},
      // An address cannot be made to resolve elsewhere.
      {"198.51.100.7:8080", any, true},
      {"evil.example", any, false},
      // Malformed.
      {"", loopback, false},
      {":8080", loopback, false},
      {"[::1", loopback, false},
      {"[::1]x", loopback, false},
      {"127.0.0.1:", loopback, false},
      {"127.0.0.1:http", loopback, false},
      {"127.0.0.1:123456", loopback, false},
      {"user@127.0.0.1", loopback, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.host + " on " + c.listen.to_text());
    EXPECT_EQ(host_is_ours(c.host, c.listen), c.want);
  }
}

TEST(HostIsOurs, NamesOfAProxyInFront) {
  const auto loopback = Endpoint::from_text("127.0.0.1:8080").value();
  const std::vector<std::string> names = {"dns.example", "postern.home.arpa"};
  struct Case {
    std::string host;
    bool want;
  };
  const Case cases[] = {
      {"dns.example", true},        {"DNS.Example:8443", true},  {"postern.home.arpa", true},
      {"127.0.0.1:8080", true},     {"localhost", true},         {"evil.example", false},
      {"x.dns.example", false},     {"dns.example.evil", false}, {"dns.example:", false},
      {"dns.example:https", false}, {"example", false},          {"", false},
      {"evil@dns.example", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.host);
    EXPECT_EQ(host_is_ours(c.host, loopback, names), c.want);
  }
  EXPECT_FALSE(host_is_ours("dns.example", loopback));
}

TEST(OriginIsOurs, NamesOfAProxyInFront) {
  const std::vector<std::string> names = {"dns.example"};
  struct Case {
    std::string host;
    std::string origin;
    bool want;
  };
  const Case cases[] = {
      {"dns.example", "https://dns.example", true},
      {"dns.example:8443", "https://dns.example:8443", true},
      {"127.0.0.1:8080", "https://dns.example", true},  // The proxy put its own Host.
      {"127.0.0.1:8080", "https://DNS.example", true},
      {"127.0.0.1:8080", "http://dns.example", false},  // Anybody on the way may write that page.
      {"127.0.0.1:8080", "https://dns.example:9090", false},  // Another server of that name.
      {"127.0.0.1:8080", "https://x.dns.example", false},
      {"127.0.0.1:8080", "https://dns.example.evil", false},
      {"dns.example", "https://evil.example", false},
      {"dns.example", "null", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.origin + " at " + c.host);
    Request request;
    request.host = c.host;
    request.origin = c.origin;
    EXPECT_EQ(origin_is_ours(request, names), c.want);
    request.fetch_site = "cross-site";
    EXPECT_FALSE(origin_is_ours(request, names));
  }
}

TEST(OriginIsOurs, Cases) {
  struct Case {
    std::string origin;
    std::string fetch_site;
    bool want;
  };
  const Case cases[] = {
      {"", "", true},  // A program.
      {"http://127.0.0.1:8080", "same-origin", true},
      {"http://127.0.0.1:8080", "", true},
      {"https://127.0.0.1:8080", "", true},  // Behind a proxy that speaks TLS.
      {"", "none", true},                    // Typed in.
      {"http://evil.example", "", false},
      {"http://127.0.0.1:9090", "", false},
      {"null", "", false},
      {"", "cross-site", false},
      {"", "same-site", false},
      {"http://127.0.0.1:8080", "cross-site", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.origin + " " + c.fetch_site);
    Request request;
    request.host = "127.0.0.1:8080";
    request.origin = c.origin;
    request.fetch_site = c.fetch_site;
    EXPECT_EQ(origin_is_ours(request), c.want);
  }
}

}  // namespace
}  // namespace postern::api
