#include "feeds/transfer_primary.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::feeds {
namespace {

constexpr std::string_view kPin = "pin-sha256=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

std::string shown(std::string_view text) {
  const auto primary = primary_from_text(text);
  if (!primary) return "error: " + primary.error().text;
  std::string out = std::to_string(static_cast<int>(primary->transport)) + " " +
                    primary->endpoint.to_text() + " " + primary->tls_name;
  for (const Octets& pin : primary->tls_pins) out += " pin " + std::to_string(pin.at(31));
  return out;
}

TEST(Primary, FromText) {
  struct Case {
    std::string text, want;
  };
  const Case cases[] = {
      {"192.0.2.1", "0 192.0.2.1:53 "},
      {"udp://192.0.2.1:5353", "0 192.0.2.1:5353 "},
      {"2001:db8::1", "0 [2001:db8::1]:53 "},
      {"tcp://[2001:db8::1]:54", "1 [2001:db8::1]:54 "},
      {"tls://192.0.2.1", "2 192.0.2.1:853 "},
      {"tls://192.0.2.1:854#NS.example", "2 192.0.2.1:854 ns.example"},
      {"tls://192.0.2.1#" + std::string(kPin), "2 192.0.2.1:853  pin 31"},
      {"tls://192.0.2.1#ns.example&" + std::string(kPin), "2 192.0.2.1:853 ns.example pin 31"},
  };
  for (const Case& c : cases) EXPECT_EQ(shown(c.text), c.want) << c.text;
  for (const std::string_view text :
       {"", "ns.example", "192.0.2.1:0", "https://192.0.2.1", "192.0.2.1#ns.example",
        "tls://192.0.2.1#", "tls://192.0.2.1#a..b", "tls://192.0.2.1#a&b",
        "tls://192.0.2.1#pin-sha256=AAEC"}) {
    const std::string error = shown(text);
    EXPECT_TRUE(error.starts_with("error: ")) << error;
    EXPECT_NE(error.find("write 192.0.2.1"), std::string::npos) << error;
  }
}

}  // namespace
}  // namespace postern::feeds
