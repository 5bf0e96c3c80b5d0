#include "dns/types.h"

#include <gtest/gtest.h>

namespace postern::dns {
namespace {

TEST(RRType, EveryValueSurvivesItsText) {
  for (unsigned value = 0; value <= 65535; ++value) {
    const auto type = static_cast<RRType>(value);
    ASSERT_EQ(rr_type_from_text(to_string(type)), type) << value;
    const auto rr_class = static_cast<RRClass>(value);
    ASSERT_EQ(rr_class_from_text(to_string(rr_class)), rr_class) << value;
  }
}

TEST(RRType, Text) {
  struct Case {
    std::string_view text;
    std::optional<unsigned> want;
  };
  const Case cases[] = {
      // Mnemonics and RFC 3597 forms, in any case.
      {"A", 1},
      {"aaaa", 28},
      {"Cname", 5},
      {"https", 65},
      {"DLV", 32769},
      {"TYPE731", 731},
      {"type1", 1},
      {"TYPE0", 0},
      {"TYPE65535", 65535},
      // Neither.
      {"", {}},
      {"TYPE", {}},
      {"TYPE65536", {}},
      {"TYPE01", {}},
      {"TYPE-1", {}},
      {"TYPE1x", {}},
      {"AAAAA", {}},
      {"CNAM", {}},
      {"731", {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto type = rr_type_from_text(c.text);
    EXPECT_EQ(type.has_value(), c.want.has_value());
    if (type && c.want) {
      EXPECT_EQ(static_cast<unsigned>(*type), *c.want);
    }
  }
}

TEST(RRType, MetaTypesAreThoseThatNoRecordMayHave) {
  for (const unsigned value : {0U, 41U, 128U, 249U, 252U, 255U}) {
    EXPECT_TRUE(is_meta(static_cast<RRType>(value))) << value;
  }
  for (const unsigned value : {1U, 40U, 42U, 65U, 127U, 256U, 65535U}) {
    EXPECT_FALSE(is_meta(static_cast<RRType>(value))) << value;
  }
}

TEST(Rcode, TextBothWays) {
  for (unsigned value = 0; value <= 0xfff; ++value) {
    const auto rcode = static_cast<Rcode>(value);
    ASSERT_EQ(rcode_from_text(to_string(rcode)), rcode);
  }
  EXPECT_EQ(to_string(Rcode::nxdomain), "NXDOMAIN");
  EXPECT_EQ(to_string(static_cast<Rcode>(42)), "RCODE42");
  EXPECT_EQ(rcode_from_text("RCODE4096"), std::nullopt);
}

TEST(EdeCode, PurposeIsIanasText) {
  EXPECT_EQ(to_string(EdeCode::blocked), "Blocked");
  EXPECT_EQ(to_string(EdeCode::dnssec_bogus), "DNSSEC Bogus");
  EXPECT_EQ(to_string(static_cast<EdeCode>(4711)), "Other");
}

}  // namespace
}  // namespace postern::dns
