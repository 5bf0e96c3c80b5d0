#include "base/safe_text.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(SafeText, WhatDeceivesIsEscaped) {
  EXPECT_EQ(shown("C:\\inetpub\\wwwroot\\\xc3\xa4.aspx"), "C:\\inetpub\\wwwroot\\\xc3\xa4.aspx");
  EXPECT_EQ(shown("\x1b[2J\r\n\t\x7f"), "\\x1b[2J\\r\\n\\t\\x7f");
  EXPECT_EQ(shown("logon\xe2\x80\xae"
                  "xpsa.txt"),
            "logon\\u{202e}xpsa.txt");
  EXPECT_EQ(shown("a\xe2\x80\x8b"), "a\\u{200b}");
  EXPECT_EQ(shown("\xc2\x9b"), "\\x9b");  // One octet of control to some terminals.
}

TEST(SafeText, WhatIsNoUtf8IsEscapedOctetByOctet) {
  EXPECT_EQ(shown("\xff\xc0\x80"), "\\xff\\xc0\\x80");
  EXPECT_EQ(shown("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // A surrogate.
  EXPECT_EQ(shown("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // Above all.
  EXPECT_EQ(shown("\xe2\x82"), "\\xe2\\x82");                    // Torn.
  EXPECT_EQ(shown("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
}

TEST(SafeText, LongTextIsCut) {
  EXPECT_EQ(shown("abcdef", 4), "abcd…");
  EXPECT_EQ(shown("abc\x1b", 4), "abc…");  // Never half of an escape.
  EXPECT_EQ(shown("abcd", 4), "abcd");
}

TEST(SafeText, NothingOfItIsMarkup) {
  EXPECT_EQ(html_text("<script>alert('x')</script>&\""),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;");
}

TEST(SafeText, NoFieldIsAFormula) {
  for (const char* formula : {"=1+1", "+1", "-1", "@SUM(A1)"}) {
    EXPECT_EQ(csv_field(formula), std::string("'") + formula);
  }
  EXPECT_EQ(csv_field("\t=1"), "\\t=1");
  EXPECT_EQ(csv_field("=HYPERLINK(\"x\",1)"), "\"'=HYPERLINK(\"\"x\"\",1)\"");
  EXPECT_EQ(csv_field("a b"), "a b");
  EXPECT_EQ(csv_field("line\nbreak"), "line\\nbreak");
}

}  // namespace
}  // namespace postern
