#include "exposure/text_match.h"

#include <gtest/gtest.h>

namespace postern::exposure {
namespace {

TEST(Glob, StarsStandForAnyRun) {
  struct Case {
    const char* text;
    const char* pattern;
    bool matches;
  };
  constexpr Case kCases[] = {
      {"", "", true},          {"", "*", true},       {"a", "", false},
      {"abc", "abc", true},    {"abc", "ab", false},  {"abc", "a*", true},
      {"abc", "*c", true},     {"abc", "a*c", true},  {"ac", "a*c", true},
      {"abc", "*b*", true},    {"abc", "*x*", false}, {"aXbXc", "a*b*c", true},
      {"aab", "*ab", true},    {"abab", "ab", false}, {"mx00", "mx*", true},
      {"xmx00", "mx*", false}, {"a*c", "a*c", true},  {"ababc", "*abc", true},
  };
  for (const Case& each : kCases) {
    EXPECT_EQ(matches_glob(each.text, each.pattern), each.matches)
        << each.text << " " << each.pattern;
  }
  // Linear in text times pattern, whatever the stars.
  const std::string text(1'000, 'a');
  EXPECT_FALSE(matches_glob(text, "*a*a*a*a*a*a*a*a*a*a*b"));
}

TEST(NamePattern, MatchesWholeLabels) {
  struct Case {
    const char* pattern;
    const char* name;
    bool matches;
  };
  constexpr Case kCases[] = {
      {"smtp.google.com", "smtp.google.com", true},
      {"SMTP.google.com", "smtp.GOOGLE.com.", true},
      {"smtp.google.com", "a.smtp.google.com", false},
      {".outlook.com", "x.outlook.com", true},
      {".outlook.com", "a.b.outlook.com", true},
      {".outlook.com", "outlook.com", false},
      {".outlook.com", "notoutlook.com", false},
      {".outlook.com", "outlook.com.evil.example", false},
      {"inbound-smtp.*.amazonaws.com", "inbound-smtp.eu-west-1.amazonaws.com", true},
      {"inbound-smtp.*.amazonaws.com", "inbound-smtp.a.b.amazonaws.com", false},
      {"ex*.mail.ovh.net", "ex12.mail.ovh.net", true},
      {"ex*.mail.ovh.net", "mx1.mail.ovh.net", false},
      {".*", "mail.example", true},
      {".*", "localhost", false},
      // A dot within a label ends no label.
      {".outlook.com", "a\\.outlook.com", false},
  };
  for (const Case& each : kCases) {
    const auto pattern = NamePattern::from_text(each.pattern);
    const auto name = dns::Name::from_text(each.name);
    ASSERT_TRUE(pattern && name) << each.pattern;
    EXPECT_EQ(pattern->matches(*name), each.matches) << each.pattern << " " << each.name;
  }
  for (const char* wrong : {"", ".", "a..b", "a.", "a b", "\xc3\xa4.example", "a\\.b"}) {
    EXPECT_FALSE(NamePattern::from_text(wrong)) << wrong;
  }
}

TEST(Tags, AreReadOneByOne) {
  EXPECT_EQ(tag_value("v=DMARC1; p=reject; rua=mailto:a@b.example", "p"), "reject");
  EXPECT_EQ(tag_value("v=DMARC1;sp=none", "p"), std::nullopt);
  EXPECT_EQ(tag_value("v=DMARC1; p = none ;", "p"), "none");
  EXPECT_EQ(tag_value("p=a; p=b", "p"), "a");
  EXPECT_EQ(tag_value("", "p"), std::nullopt);
  EXPECT_EQ(tag_value(";;;", "p"), std::nullopt);
}

TEST(Tags, AKeyIsAKey) {
  EXPECT_TRUE(is_dkim_key("v=DKIM1; k=rsa; p=MIIB"));
  EXPECT_TRUE(is_dkim_key("k=ed25519; p=abc"));
  EXPECT_FALSE(is_dkim_key("v=DKIM1; p="));  // Revoked.
  EXPECT_FALSE(is_dkim_key("v=spf1 -all"));
  EXPECT_FALSE(is_dkim_key("v=DMARC1; p=none"));
  EXPECT_FALSE(is_dkim_key(""));
}

}  // namespace
}  // namespace postern::exposure
