#include "base/mac.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(MacAddress, ReadsBothSpellingsAndWritesOne) {
  for (const std::string_view text :
       {"00:1a:2b:3c:4d:fe", "00:1A:2B:3C:4D:FE", "00-1a-2B-3c-4D-fe"}) {
    const auto mac = MacAddress::from_text(text);
    ASSERT_TRUE(mac) << text;
    EXPECT_EQ(mac->to_text(), "00:1a:2b:3c:4d:fe");
    EXPECT_EQ(MacAddress::from_octets(mac->octets()), *mac);
  }
  EXPECT_TRUE(MacAddress::from_text("00:00:00:00:00:00")->is_zero());
}

TEST(MacAddress, RefusesAllElse) {
  for (const std::string_view text :
       {"", "00:1a:2b:3c:4d", "00:1a:2b:3c:4d:fe:01", "00:1a:2b:3c:4d:f", "00:1a-2b:3c:4d:fe",
        "0g:1a:2b:3c:4d:fe", "001a2b3c4dfe", "00.1a.2b.3c.4d.fe", "-0:1a:2b:3c:4d:fe",
        "00:1a:2b:3c:4d: e"}) {
    EXPECT_FALSE(MacAddress::from_text(text)) << text;
  }
}

}  // namespace
}  // namespace postern
