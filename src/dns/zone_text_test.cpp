#include "dns/zone_text.h"

#include <chrono>

#include <gtest/gtest.h>

#include "dns/rdata.h"

namespace postern::dns {
namespace {

Name name(std::string_view text) {
  return Name::from_text(text).value();
}

// Records and errors, a line each: "line: owner ttl class type rdata" or "line: error: text".
std::string read_all(std::string_view text) {
  ZoneTextReader reader(text, name("example.com"), 300);
  ZoneRecord record;
  std::string out;
  for (;;) {
    if (reader.next(record)) {
      out += std::to_string(record.line) + ": " + record.owner.to_text() + " " +
             std::to_string(record.ttl) + " " + to_string(record.rr_class) + " " +
             to_string(record.type) + " " + rdata_to_text(record.type, record.rdata) + "\n";
    } else if (reader.error()) {
      out += std::to_string(reader.error()->line) + ": error: " + reader.error()->text + "\n";
    } else {
      return out;
    }
  }
}

TEST(ZoneText, AWholeZone) {
  EXPECT_EQ(
      read_all("; a comment\n"
               "\n"
               "$TTL 1h\n"
               "@ IN SOA ns hostmaster ( 1 ; serial\n"
               "    7200 1h30m\n"
               "    4w 60 )\n"
               "      NS ns\n"
               "ns 60 A 192.0.2.1\n"
               "   IN 61 AAAA 2001:db8::1\n"
               "www CNAME @\r\n"
               "a.b.c. 0 IN TXT \"x ; y\" ( \"z\" ) ; end\n"
               "$ORIGIN sub\n"
               "* TYPE731 \\# 1 ab\n"
               "$origin other.test.\n"
               "@ in a 192.0.2.2"),
      "4: example.com. 3600 IN SOA ns.example.com. hostmaster.example.com. 1 7200 5400 2419200 60\n"
      "7: example.com. 3600 IN NS ns.example.com.\n"
      "8: ns.example.com. 60 IN A 192.0.2.1\n"
      "9: ns.example.com. 61 IN AAAA 2001:db8::1\n"
      "10: www.example.com. 3600 IN CNAME example.com.\n"
      "11: a.b.c. 0 IN TXT \"x ; y\" \"z\"\n"
      "13: *.sub.example.com. 3600 IN TYPE731 \\# 1 AB\n"
      "15: other.test. 3600 IN A 192.0.2.2\n");
}

TEST(ZoneText, WhatIsLeftOut) {
  // Without $TTL, the last TTL that stood there, and before that the caller's.
  EXPECT_EQ(read_all("a A 192.0.2.1\nb 5 A 192.0.2.1\nc A 192.0.2.1\n"),
            "1: a.example.com. 300 IN A 192.0.2.1\n2: b.example.com. 5 IN A 192.0.2.1\n"
            "3: c.example.com. 5 IN A 192.0.2.1\n");
  // With it, $TTL, whatever other entries say.
  EXPECT_EQ(read_all("$TTL 7\na 5 A 192.0.2.1\nb A 192.0.2.1\n"),
            "2: a.example.com. 5 IN A 192.0.2.1\n3: b.example.com. 7 IN A 192.0.2.1\n");
  EXPECT_EQ(read_all("a CH TXT x\nb TXT x\n"),
            "1: a.example.com. 300 CH TXT \"x\"\n2: b.example.com. 300 CH TXT \"x\"\n");
  EXPECT_EQ(read_all(" A 192.0.2.1\n"),
            "1: error: no name, and no good entry above to take it from\n");
  EXPECT_EQ(read_all(""), "");
  EXPECT_EQ(read_all("\n \n\t; x\n( )\n"), "");
}

// One bad entry costs that entry and no more.
TEST(ZoneText, ErrorsHaveTheirLineAndTheReaderGoesOn) {
  struct Case {
    std::string_view bad;
    std::string_view want;
  };
  const Case cases[] = {
      {"x A 1.2.3\n", "\"1.2.3\" is not an IPv4 address"},
      {"x\n", "a name alone; add a type and data, or remove the line"},
      {"x IN\n", "the record's type and data are missing"},
      {"x A\n", "an IPv4 address is missing"},
      {"x 1q A 192.0.2.1\n", "\"1q\" is not a TTL in seconds"},
      {"x 2147483648 A 192.0.2.1\n", "\"2147483648\" is not a TTL in seconds"},
      {"x 1 2 A 192.0.2.1\n", "\"2\" is not a record type"},
      {"x FOO bar\n", "\"FOO\" is not a record type"},
      {"x ANY 1\n", "ANY is not a type that a zone can hold"},
      {"x OPT \\# 0\n", "OPT is not a type that a zone can hold"},
      {"x..y A 192.0.2.1\n", "\"x..y\" is not a name: empty label"},
      {"x TXT \"a\n", "a quoted string does not end on its line; add the quote"},
      {"x TXT ( a\n", "a parenthesis is not closed; add the )"},
      {"x TXT ( \"a\n", "a quoted string does not end on its line; add the quote"},
      {"x A 1.2.3 (\n", "\"1.2.3\" is not an IPv4 address"},
      {"x TXT a ) b\n", "a ) has no ( before it"},
      {"$INCLUDE file\n", "$INCLUDE is refused; write the records out in this file"},
      {"$generate 1-9 a A 192.0.2.$\n", "$generate is refused; write the records out in this file"},
      {"$FOO\n", "\"$FOO\" is not a directive that we know"},
      {"$TTL\n", "$TTL lacks its value"},
      {"$TTL x\n", "\"x\" is not a TTL in seconds"},
      {"$TTL 1 2\n", "\"2\" stands behind the end of the directive"},
      {"$ORIGIN a..b\n", "\"a..b\" is not a name: empty label"},
      {std::string_view("\0\xff\n", 3), "a name alone; add a type and data, or remove the line"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.bad);
    const std::string text =
        "a A 192.0.2.1\n" + std::string(c.bad) + "b A 192.0.2.2\nc A 192.0.2.3\n";
    EXPECT_EQ(read_all(text),
              "1: a.example.com. 300 IN A 192.0.2.1\n2: error: " + std::string(c.want) +
                  "\n3: b.example.com. 300 IN A 192.0.2.2\n"
                  "4: c.example.com. 300 IN A 192.0.2.3\n");
  }
}

TEST(ZoneText, AnEntryOfSeveralLinesIsSkippedWhole) {
  EXPECT_EQ(read_all("a SOA ns h ( 1\n 2 x\n 4 5 )\nb A 192.0.2.1\n"),
            "1: error: \"x\" is not a number of seconds\n4: b.example.com. 300 IN A 192.0.2.1\n");
}

TEST(ZoneText, EntriesBelowABadNameDoNotGoToTheNameBefore) {
  EXPECT_EQ(read_all("a A 192.0.2.1\nb..c A 192.0.2.2\n  AAAA ::1\n"),
            "1: a.example.com. 300 IN A 192.0.2.1\n"
            "2: error: \"b..c\" is not a name: empty label\n"
            "3: error: no name, and no good entry above to take it from\n");
}

TEST(ZoneText, Ttls) {
  struct Case {
    std::string_view text;
    std::string_view want;
  };
  const Case cases[] = {{"0", "0"},
                        {"1h30m", "5400"},
                        {"1W2d3H4m5S", "788645"},
                        {"2147483647", "2147483647"},
                        {"1m30", "90"}};
  for (const Case& c : cases) {
    EXPECT_EQ(read_all("a " + std::string(c.text) + " CNAME .\n"),
              "1: a.example.com. " + std::string(c.want) + " IN CNAME .\n");
  }
}

// Thousands of lines that each open a parenthesis for good: reading on behind each must not
// cost the length of the text every time.
TEST(ZoneText, OpenParenthesesDoNotCostTheSquare) {
  std::string text;
  for (int i = 0; i < 50000; ++i) text += "x TXT ( a b c d e f\n";
  ZoneTextReader reader(text, Name(), 0);
  ZoneRecord record;
  std::size_t calls = 0;
  const auto start = std::chrono::steady_clock::now();
  while (reader.next(record) || reader.error()) ++calls;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(calls, 1U);
  EXPECT_LT(took.count(), 60.0);  // Seconds; the square would be minutes.
}

TEST(ZoneText, ReusesTheRecord) {
  ZoneTextReader reader("a TXT \"a long enough string to be on the heap\"\nb CNAME .\n", Name(), 1);
  ZoneRecord record;
  ASSERT_TRUE(reader.next(record));
  const std::uint8_t* const memory = record.rdata.data();
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(record.rdata.data(), memory);
  EXPECT_EQ(record.rdata, Octets{0});
}

}  // namespace
}  // namespace postern::dns
