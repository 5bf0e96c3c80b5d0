#include "server/identity.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/octets.h"

namespace postern::server {
namespace {

using std::string_view_literals::operator""sv;

/// "mac id" of options as they are sent.
std::string said(std::initializer_list<std::pair<int, std::string_view>> options) {
  Octets octets;
  for (const auto& [code, text] : options) {
    for (const std::size_t number : {static_cast<std::size_t>(code), text.size()}) {
      octets.push_back(static_cast<std::uint8_t>(number >> 8));
      octets.push_back(static_cast<std::uint8_t>(number));
    }
    const OctetView data = octets_of(text);
    octets.insert(octets.end(), data.begin(), data.end());
  }
  dns::Edns edns;
  edns.options = octets;
  const policy::Identity identity = identity_in(edns);
  return (identity.device ? identity.device->to_text() : "-") + " " +
         (identity.id ? std::string(identity.id->view()) : "-");
}

TEST(Identity, IsReadAsForwardersWriteIt) {
  EXPECT_EQ(said({}), "- -");
  EXPECT_EQ(said({{65001, "\x00\x1a\x2b\x3c\x4d\x5e"sv}}), "00:1a:2b:3c:4d:5e -");
  EXPECT_EQ(said({{65073, "00:1A:2b:3c:4d:5e"}}), "00:1a:2b:3c:4d:5e -");
  EXPECT_EQ(said({{65073, "ABorPE1e"}}), "00:1a:2b:3c:4d:5e -");
  EXPECT_EQ(said({{65074, "Tablet-7"}}), "- Tablet-7");
  EXPECT_EQ(said({{10, "cookie!!"}, {65074, "t"}, {65001, "\x02\x00\x00\x00\x00\x01"sv}}),
            "02:00:00:00:00:01 t");
}

TEST(Identity, OfWhatIsNoneIsNone) {
  for (const std::string_view text :
       {""sv, "\x00\x1a\x2b\x3c\x4d"sv, "\x00\x1a\x2b\x3c\x4d\x5e\x6f"sv, "\0\0\0\0\0\0"sv}) {
    EXPECT_EQ(said({{65001, text}}), "- -");
  }
  for (const std::string_view text : {""sv, "AAAAAAAA"sv, "ABorPE1"sv, "ABorPE1e="sv, "AB rPE1e"sv,
                                      "00:00:00:00:00:00"sv, "00:1a:2b:3c:4d"sv}) {
    EXPECT_EQ(said({{65073, text}}), "- -") << text;
  }
  const std::string longest(policy::ClientId::kMaxOctets, 'x');
  EXPECT_EQ(said({{65074, longest}}), "- " + longest);
  for (const std::string& text : {std::string(), longest + "x", std::string("a b"),
                                  std::string("a\0b", 3), std::string("\xc3\xa4")}) {
    EXPECT_EQ(said({{65074, text}}), "- -") << text;
  }
}

}  // namespace
}  // namespace postern::server
