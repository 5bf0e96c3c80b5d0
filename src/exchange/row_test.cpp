#include "exchange/row.h"

#include <gtest/gtest.h>

#include "exchange/address.h"
#include "exchange/fold.h"

namespace postern::exchange {
namespace {

Row row_of(const Schema& schema, std::span<const std::string_view> values) {
  Row row;
  row.schema = &schema;
  row.values = values;
  return row;
}

TEST(Row, WhatIsCommonHasOneName) {
  const Schema iis(Source::iis, {"c-ip", "CS-METHOD", "cs(User-Agent)"});
  const Schema proxy(Source::httpproxy, {"Method", "UserAgent", "ClientIpAddress"});
  EXPECT_EQ(iis.column(Common::client), 0);
  EXPECT_EQ(iis.column(Common::method), 1);
  EXPECT_EQ(iis.column("cs-method"), 1);
  EXPECT_EQ(iis.column(Common::status), kNoColumn);
  EXPECT_EQ(proxy.column(Common::client), 2);
  EXPECT_EQ(proxy.column(Common::agent), 1);
  const std::string_view values[] = {"POST", "curl"};
  EXPECT_EQ(row_of(proxy, values).value(Common::method), "POST");
  EXPECT_EQ(row_of(proxy, values).value(Common::client), "") << "a row may be shorter";
}

TEST(Row, TimesAreUtc) {
  const auto at = [](std::string_view text) { return time_of(text); };
  EXPECT_EQ(at("2021-03-03T04:05:06.5Z"), WallTime(std::chrono::milliseconds(1'614'744'306'500)));
  EXPECT_EQ(at("2021-03-03 04:05:06"), WallTime(std::chrono::seconds(1'614'744'306)));
  EXPECT_EQ(at("2021-03-03T06:05:06+02:00"), WallTime(std::chrono::seconds(1'614'744'306)));
  for (const std::string_view bad :
       {"", "2021-02-30T00:00:00Z", "2021-03-03T24:00:00Z", "2021-03-03", "2021-03-03T04:05:06x",
        "-021-03-03T04:05:06", "2021-03-03T04:05"}) {
    EXPECT_EQ(at(bad), std::nullopt) << bad;
  }
}

TEST(Row, TheClientIsWhomOnesOwnBalancerSaw) {
  const Schema schema(Source::iis, {"c-ip", "X-Forwarded-For"});
  const auto client = [&](std::string_view ip, std::string_view list) {
    const std::string_view values[] = {ip, list};
    return std::string(client_of(row_of(schema, values)));
  };
  EXPECT_EQ(client("198.51.100.7", ""), "198.51.100.7");
  EXPECT_EQ(client("198.51.100.7", "203.0.113.9"), "198.51.100.7") << "a stranger may say anything";
  EXPECT_EQ(client("10.0.0.5", "1.2.3.4,+203.0.113.9:4711"), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.5", "[2001:db8::1]:99"), "2001:db8::1");
  EXPECT_EQ(client("10.0.0.5", "unknown"), "10.0.0.5");
}

TEST(Address, TellsOnesOwnNetworks) {
  for (const std::string_view own : {"10.1.2.3", "172.31.0.1", "192.168.1.1", "127.0.0.1", "::1",
                                     "fe80::1%12", "fd00::1", "169.254.1.1", "100.64.0.1"}) {
    EXPECT_TRUE(is_internal_address(own)) << own;
  }
  for (const std::string_view other :
       {"172.32.0.1", "8.8.8.8", "2001:db8::1", "100.128.0.1", "", "x", "fec0::1"}) {
    EXPECT_FALSE(is_internal_address(other)) << other;
  }
}

TEST(Fold, BlanksAreWhatLogsMakeOfThem) {
  EXPECT_TRUE(
      contains_folded("Mozilla/5.0+(X11;+Linux)", folded("(x11; LINUX)", Fold::web), Fold::web));
  EXPECT_TRUE(
      contains_folded("KHTML  like Gecko", folded("KHTML, like", Fold::agent), Fold::agent));
  EXPECT_FALSE(contains_folded("a+b", "a b", Fold::ascii));
  EXPECT_TRUE(equals_folded("ABC", "abc", Fold::ascii));
  EXPECT_FALSE(equals_folded("ABC", "abc", Fold::none));
  EXPECT_TRUE(ends_folded("x.ASPX", ".aspx", Fold::ascii));
  EXPECT_FALSE(ends_folded("px", ".aspx", Fold::ascii));
  EXPECT_TRUE(contains_folded("aab", "ab", Fold::ascii));
  EXPECT_TRUE(contains_folded("", "", Fold::ascii));
}

}  // namespace
}  // namespace postern::exchange
