#include "api/query_string.h"

#include <string>

#include <gtest/gtest.h>

#include "api/limits.h"

namespace postern::api {
namespace {

std::string describe(const Result<Params>& params) {
  if (!params) return "error: " + params.error().text;
  std::string out;
  for (const auto& [name, value] : params->all()) out += name + "=[" + value + "] ";
  return out;
}

TEST(Params, FromQuery) {
  struct Case {
    std::string query;
    std::string want;
  };
  const Case cases[] = {
      {"", ""},
      {"a=1&b=2", "a=[1] b=[2] "},
      {"a", "a=[] "},
      {"a=", "a=[] "},
      {"&&a=1&", "a=[1] "},
      {"a=b=c", "a=[b=c] "},
      // Escapes, in names too; "+" is a space.
      {"n%61me=%2a.x+y%2B", "name=[*.x y+] "},
      {"a=%c3%a4", "a=[\xc3\xa4] "},
      {"a=%", "error: a \"%\" is not followed by two hexadecimal digits"},
      {"a=%4", "error: a \"%\" is not followed by two hexadecimal digits"},
      {"a=%4g", "error: a \"%\" is not followed by two hexadecimal digits"},
      // What would break a log line, or end a C string.
      {"a=%0a", "error: a control character in the request target"},
      {"a=%00", "error: a control character in the request target"},
      {"a=%7F", "error: a control character in the request target"},
      // Which of two would count? Neither.
      {"a=1&a=2", "error: the parameter \"a\" is given twice"},
      {"a=1&%61=2", "error: the parameter \"a\" is given twice"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.query);
    EXPECT_EQ(describe(Params::from_query(c.query)), c.want);
  }
}

TEST(Params, AsManyAsTheLimitAndNoMore) {
  std::string query;
  for (std::size_t i = 0; i < kMaxParams; ++i) query += "p" + std::to_string(i) + "=x&";
  EXPECT_TRUE(Params::from_query(query).has_value());
  EXPECT_EQ(describe(Params::from_query(query + "more=x")), "error: too many parameters");
}

TEST(Params, EmptyMeansAbsent) {
  const auto params = Params::from_query("a=&b=2");
  ASSERT_TRUE(params.has_value());
  EXPECT_FALSE(params->get("a").has_value());
  EXPECT_EQ(params->get("b"), "2");
  EXPECT_FALSE(params->get("c").has_value());
}

TEST(PercentDecode, PlusInAPathIsAPlus) {
  EXPECT_EQ(percent_decode("a+b%20c", Plus::is_plus), "a+b c");
}

}  // namespace
}  // namespace postern::api
