#include "exchange/condition.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "exchange/expression.h"
#include "exchange/needed_text.h"
#include "exchange/regex.h"
#include "exchange/url_text.h"

namespace postern::exchange {
namespace {

Result<Condition, Fault> read(std::string_view text, Fields& fields) {
  Names names;
  names.lists["list"] = {"a", "b"};
  Lexer lexer(text, 0, text.size());
  auto condition = read_expression(lexer, names, fields);
  if (condition && !lexer.at_end()) return Unexpected<Fault>(Fault{lexer.peek().offset, "rest"});
  return condition;
}

/// Of a row of IIS with this path, query, user agent and status.
bool holds_of(std::string_view text, std::vector<std::string_view> values) {
  Fields fields;
  const auto condition = read(text, fields);
  EXPECT_TRUE(condition) << text << ": " << (condition ? "" : condition.error().what);
  if (!condition) return false;
  const Schema schema(Source::iis, {"cs-uri-stem", "cs-uri-query", "cs(User-Agent)", "sc-status"});
  Row row;
  row.schema = &schema;
  row.values = values;
  RowFields of_row(fields);
  of_row.set(row, "the whole line");
  return holds(*condition, of_row, Surroundings());
}

TEST(Condition, AsksWhatItSays) {
  const std::vector<std::string_view> row = {"/Owa/Auth/x.ASPX", "a=1%2540&CorrelationID=<empty>;",
                                             "Mozilla/5.0+(KHTML,+like)", "200"};
  const std::pair<std::string_view, bool> cases[] = {
      {"stem is '/owa/auth/X.aspx'", true},
      {"stem is not '/owa/auth/X.aspx'", false},
      {"stem contains cased 'owa'", false},
      {"stem contains cased 'Owa'", true},
      {"stem startswith ['/ecp', '/owa']", true},
      {"stem endswith '.asp'", false},
      {"stem contains all ['owa', 'auth']", true},
      {"stem contains all ['owa', 'ecp']", false},
      {"extension in [@list, aspx]", true},
      {"extension in @list", false},
      {"query is 'a=1%2540'", true},
      {"decoded query is 'a=1@'", true},
      {"raw_query endswith '<empty>;'", true},
      {"decoded url matches '^/owa/.*[?]a=1@$'", true},
      {"agent contains '(KHTML  like)'", true},
      {"agent contains '(KHTML, like)'", true},
      {"status is 200 and (stem is x or not stem is y)", true},
      {"status is 200 and stem is x or stem is y", false},
      {"stem is x and stem is y or status is 200", true},
      {"status in [1, 200]", true},
      {"status >= 200 and status <= 200 and not status < 200 and not status > 200", true},
      {"stem > 1", false},
      {"referer is empty", true},
      {"referer is there", false},
      {"status is there", true},
      {"`sc-status` is not empty", true},
      {"text is 'the WHOLE line'", true},
      {"not (stem is a or stem is b)", true},
      {"stem matches ['^/ecp', 'auth/.\\.aspx$']", true},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(holds_of(text, row), expected) << text;
}

TEST(Condition, AddressesAreWithinNetworks) {
  Fields fields;
  const auto condition = read("client within ['203.0.113.0/24', '2001:db8::/32']", fields);
  ASSERT_TRUE(condition);
  const Schema schema(Source::iis, {"c-ip"});
  RowFields of_row(fields);
  for (const auto& [address, expected] : std::vector<std::pair<std::string_view, bool>>{
           {"203.0.113.7", true}, {"203.0.114.7", false}, {"2001:db8::1", true}, {"x", false}}) {
    Row row;
    row.schema = &schema;
    row.values = {&address, 1};
    of_row.set(row, "");
    EXPECT_EQ(holds(*condition, of_row, Surroundings()), expected) << address;
  }
}

TEST(Expression, SaysWhereItIsWrong) {
  const std::tuple<std::string_view, std::size_t, std::string_view> cases[] = {
      {"stem is", 7, "a value is expected here, not the end"},
      {"stem is 'a", 8, "a value is expected here, not a quotation that has no end"},
      {"(stem is a", 10, "\")\" is expected here, not the end"},
      {"stem like a", 5,
       "is, in, contains, startswith, endswith, matches, within or <, > is expected here, not "
       "\"like\""},
      {"stem matches '('", 13, "the regular expression cannot be read: missing ): ("},
      {"status > x", 9, "a number is expected here, not \"x\""},
      {"stem in @none", 8, "there is no list \"@none\""},
      {"@none", 0, "no condition is defined as \"@none\""},
      {"stem in [a, b", 13, "\",\" or \"]\" is expected here, not the end"},
      {"", 0, "a field is expected here, not the end"},
      {"client within 'x/9'", 14, ""},
  };
  for (const auto& [text, offset, what] : cases) {
    Fields fields;
    const auto condition = read(text, fields);
    ASSERT_FALSE(condition) << text;
    EXPECT_EQ(condition.error().offset, offset) << text;
    if (!what.empty()) {
      EXPECT_EQ(condition.error().what, what);
    }
  }
  Fields fields;
  EXPECT_FALSE(read(std::string(1000, '('), fields));
  std::string nots;
  for (int i = 0; i < 1000; ++i) nots += "not ";
  EXPECT_FALSE(read(nots + "stem is a", fields));
}

TEST(UrlText, EscapesAreTakenAwayThreeTimes) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"abc", "abc"},
      {"%41%62", "Ab"},
      {"%2541", "A"},
      {"%252541", "A"},
      {"%25252541", "%41"},
      {"%u0041", "A"},
      {"%c0%af", "/"},
      {"%c1%81", "A"},
      {"%zz%4", "%zz%4"},
      {"a%", "a%"},
      {"%e4%b8%ad", "\xe4\xb8\xad"},
      {"%u4e2d", "\xe4\xb8\xad"},
      {"a+b", "a+b"},
  };
  for (const auto& [text, expected] : cases) {
    std::string out;
    decode_escapes(text, out);
    EXPECT_EQ(out, expected) << text;
  }
}

TEST(UrlText, WhatExchangeAddsToAQueryIsNoPartOfIt) {
  EXPECT_EQ(sent_query("&CorrelationID=<empty>;&cafeReqId=1;"), "");
  EXPECT_EQ(sent_query("a=1&CorrelationID=<empty>;&cafeReqId=1;&encoding=;"), "a=1");
  EXPECT_EQ(sent_query("?a=1&cafeReqId=1"), "a=1");
  EXPECT_EQ(sent_query("a=1&b=2"), "a=1&b=2");
  EXPECT_EQ(sent_query("CorrelationID=<empty>;&x"), "");
  EXPECT_EQ(sent_query("CorrelationID=5&x=1"), "CorrelationID=5&x=1") << "that is the client's";
  EXPECT_EQ(stem_extension("/a.b/c"), "");
  EXPECT_EQ(stem_extension("/a.b/c.tar.GZ"), "GZ");
}

TEST(Regex, RequiredTextIsInAllThatMatches) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"^/owa/auth/.*\\.js$", "/owa/auth/"},
      {"abc?def", "def"},
      {"abc*", "ab"},
      {"ab+cd", "ab"},
      {"a{2}bcd", "bcd"},
      {"abc|def", ""},
      {"(abc|def)gh", "gh"},
      {"[abc]defg", "defg"},
      {"[]x]defg", "defg"},
      {"\\d\\d\\.abc", ".abc"},
      {"(?i)abc", ""},
      {"\\x41bc", ""},
      {"", ""},
  };
  for (const auto& [pattern, expected] : cases) EXPECT_EQ(required_text(pattern), expected);
}

std::vector<std::vector<std::string>> needed(std::string_view text) {
  Fields fields;
  const auto condition = read(text, fields);
  EXPECT_TRUE(condition);
  std::vector<std::vector<std::string>> out;
  for (const NeededText& one : needed_text(*condition, fields)) out.push_back(one.patterns);
  return out;
}

TEST(NeededText, IsWhatARowCannotBeWithout) {
  using Needed = std::vector<std::vector<std::string>>;
  EXPECT_EQ(needed("stem contains ['abcdef', 'ghijkl']"), (Needed{{"abcdef", "ghijkl"}}));
  EXPECT_EQ(needed("not stem contains 'abcdef'"), Needed{});
  EXPECT_EQ(needed("stem contains 'abcdef' or status < 3"), Needed{});
  EXPECT_EQ(needed("stem contains 'abcdef' or query contains 'uvwxyz'"),
            (Needed{{"abcdef", "uvwxyz"}}));
  EXPECT_EQ(needed("stem contains 'abcdef' and query contains 'uvwxyzz'"),
            (Needed{{"uvwxyzz"}, {"abcdef"}}));
  EXPECT_EQ(needed("decoded stem contains 'ab/cdefgh'"), (Needed{{"cdefgh", hiding_escape()}}));
  EXPECT_EQ(needed("stem contains ['abcdef', 'x']"), Needed{});
  EXPECT_EQ(needed("extension is aspx"), (Needed{{"\\x2easpx"}}));
}

}  // namespace
}  // namespace postern::exchange
