#include "evidence/json.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace postern::evidence {
namespace {

constexpr std::size_t kMax = 1 << 20;

TEST(Json, OctetsComeBackExactly) {
  std::vector<std::string> values = {"",
                                     "plain",
                                     "quote \" back \\ slash",
                                     "new\nline",
                                     "\x7f",
                                     "\xc3\xa9",
                                     "\xf0\x9f\x98\x80",
                                     "\xe2\x80\xae",
                                     "\xff",
                                     "\xc0\x80",
                                     "\xed\xa0\x80",
                                     "\xf4\x90\x80\x80",
                                     "torn\xe2\x80"};
  std::string all;
  for (int octet = 0; octet < 256; ++octet) all += static_cast<char>(octet);
  values.push_back(all);
  for (const std::string& value : values) {
    const std::string text = JsonObject().octets("path", value).done();
    SCOPED_TRACE(text);
    for (const char c : text) EXPECT_TRUE(c >= 0x20 && c < 0x7F);
    const auto json = Json::parse(text, kMax);
    ASSERT_TRUE(json);
    EXPECT_EQ(json->octets("path"), value);
  }
}

TEST(Json, WhatIsMalformedIsShownAsReplaced) {
  EXPECT_EQ(json_text("a\xff"), "\"a\\ufffd\"");
  EXPECT_EQ(json_text("\xf0\x9f\x98\x80"), "\"\\ud83d\\ude00\"");
}

TEST(Json, WhatIsNotThereReadsAsEmpty) {
  const auto json = Json::parse(R"({"a":1,"b":[true,"x"],"c":-1,"d":1.5,"e_hex":"zz"})", kMax);
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["a"].number(), 1U);
  EXPECT_TRUE((*json)["b"].items()[0].is_true());
  EXPECT_EQ((*json)["b"].items()[1].text(), "x");
  EXPECT_EQ((*json)["c"].number(), std::nullopt);
  EXPECT_EQ((*json)["d"].number(), std::nullopt);
  EXPECT_EQ(json->octets("e"), std::nullopt);
  EXPECT_EQ(json->octets("none"), std::nullopt);
  EXPECT_EQ((*json)["none"]["none"].text(), "");
}

TEST(Json, HasBounds) {
  EXPECT_EQ(Json::parse("[1,2,3]", 3).error().code, Errc::limit_exceeded);
  EXPECT_EQ(Json::parse(std::string(100, '[') + std::string(100, ']'), kMax).error().code,
            Errc::corrupt);
  EXPECT_EQ(Json::parse("", kMax).error().code, Errc::corrupt);
  EXPECT_EQ(Json::parse("{\"a\":", kMax).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace postern::evidence
