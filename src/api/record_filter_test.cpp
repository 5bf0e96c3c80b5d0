#include "api/record_filter.h"

#include <gtest/gtest.h>

#include "api/testing.h"
#include "event/time_text.h"

namespace postern::api {
namespace {

using testing::name;

const WallTime kNow =
    std::chrono::sys_days(std::chrono::year(2026) / 3 / 2) + std::chrono::hours(8);

std::string describe(const Result<WallTime>& time) {
  return time ? event::to_rfc3339(*time) : "error: " + time.error().text;
}

TEST(TimeFromText, Good) {
  struct Case {
    std::string text;
    std::string want;
  };
  const Case cases[] = {
      {"now", "2026-03-02T08:00:00.000000Z"},
      {"90s", "2026-03-02T07:58:30.000000Z"},
      {"30m", "2026-03-02T07:30:00.000000Z"},
      {"1h", "2026-03-02T07:00:00.000000Z"},
      {"2d", "2026-02-28T08:00:00.000000Z"},
      {"-90s", "2026-03-02T07:58:30.000000Z"},
      {"-15m", "2026-03-02T07:45:00.000000Z"},
      {"-1h", "2026-03-02T07:00:00.000000Z"},
      {"-7d", "2026-02-23T08:00:00.000000Z"},
      {"2026-03-01", "2026-03-01T00:00:00.000000Z"},
      {"2026-03-01T10:20:30Z", "2026-03-01T10:20:30.000000Z"},
      {"2026-03-01t10:20:30z", "2026-03-01T10:20:30.000000Z"},
      {"2026-03-01T10:20:30.5Z", "2026-03-01T10:20:30.500000Z"},
      {"2026-03-01T10:20:30.1234567Z", "2026-03-01T10:20:30.123456Z"},
      {"2026-03-01T10:20:30+02:00", "2026-03-01T08:20:30.000000Z"},
      {"2026-03-01T10:20:30 02:00", "2026-03-01T12:20:30.000000Z"},
      {"2026-03-01T10:20:30-05:30", "2026-03-01T15:50:30.000000Z"},
      {"2024-02-29", "2024-02-29T00:00:00.000000Z"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(describe(time_from_text(c.text, kNow)), c.want);
  }
}

TEST(TimeFromText, Bad) {
  for (const std::string text : {"",
                                 "-",
                                 "-h",
                                 "-1",
                                 "-1y",
                                 "--1h",
                                 "+1h",
                                 "1",
                                 "h",
                                 "1y",
                                 "1.5h",
                                 " 1h",
                                 "1h ",
                                 "1h30m",
                                 "99999999999h",
                                 "-1.5h",
                                 "-99999999999h",
                                 "yesterday",
                                 "2026",
                                 "2026-13-01",
                                 "2026-02-29",
                                 "2026-03-01T",
                                 "2026-03-01T10:20",
                                 "2026-03-01T24:00:00Z",
                                 "2026-03-01T10:60:00Z",
                                 "2026-03-01T10:20:30",
                                 "2026-03-01T10:20:30.Z",
                                 "2026-03-01T10:20:30Zx",
                                 "2026-03-01T10:20:30+2:00"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(time_from_text(text, kNow).has_value());
  }
}

TEST(TimeFromText, AnErrorNamesEveryForm) {
  const std::string text = time_from_text("yesterday", kNow).error().text;
  for (const std::string form : {"yesterday", "90s", "30m", "1h", "2d", "-1h", "2026-03-02",
                                 "2026-03-02T08:00:00Z", "now"}) {
    EXPECT_NE(text.find(form), text.npos) << form;
    EXPECT_EQ(time_from_text(form, kNow).has_value(), form != "yesterday") << form;
  }
}

Result<journal::Filter> filter_of(const std::string& query) {
  return filter_from(POSTERN_TRY(Params::from_query(query)), kNow);
}

TEST(FilterFrom, EveryParameter) {
  const auto filter = filter_of(
      "since=-1h&until=now&client=192.0.2.0/24&name=ShOp&below=Example.COM.&disposition=blocked"
      "&zone=z&group=g&type=https&rcode=nxdomain&trace=0000000a");
  ASSERT_TRUE(filter.has_value()) << filter.error().text;
  EXPECT_EQ(filter->since, kNow - std::chrono::hours(1));
  EXPECT_EQ(filter->until, kNow);
  EXPECT_EQ(filter->client->to_text(), "192.0.2.0/24");
  EXPECT_EQ(filter->name_contains, "shop");
  EXPECT_EQ(filter->name_below, "example.com");
  EXPECT_EQ(filter->disposition, event::Disposition::blocked);
  EXPECT_EQ(filter->zone, "z");
  EXPECT_EQ(filter->group, "g");
  EXPECT_EQ(filter->qtype, dns::RRType::https);
  EXPECT_EQ(filter->rcode, dns::Rcode::nxdomain);
  EXPECT_EQ(filter->trace_id, 10U);
}

TEST(FilterFrom, ErrorsNameTheParameter) {
  for (const std::string query : {"since=x", "until=x", "client=x", "below=a..b", "disposition=x",
                                  "type=x!", "rcode=x!", "trace=x"}) {
    SCOPED_TRACE(query);
    const auto filter = filter_of(query);
    ASSERT_FALSE(filter.has_value());
    EXPECT_EQ(filter.error().code, Errc::invalid_input);
    EXPECT_TRUE(filter.error().text.starts_with(query.substr(0, query.find('=')) + ": "))
        << filter.error().text;
  }
}

TEST(CheckKnown, AMisspeltFilterIsNotIgnored) {
  const auto params = Params::from_query("clinet=192.0.2.1").value();
  const auto known = check_known(params, {"limit"});
  ASSERT_FALSE(known.has_value());
  EXPECT_NE(known.error().text.find("\"clinet\""), std::string::npos);
  EXPECT_NE(known.error().text.find("client"), std::string::npos);
  EXPECT_TRUE(check_known(Params::from_query("client=1&limit=2").value(), {"limit"}).has_value());
  EXPECT_FALSE(check_only(params, {}).has_value());
}

TEST(NumberFrom, Bounds) {
  const auto number = [](const std::string& text) {
    return number_from(Params::from_query("limit=" + text).value(), "limit", 10, 1000);
  };
  EXPECT_EQ(number("").value(), 10U);
  EXPECT_EQ(number("1").value(), 1U);
  EXPECT_EQ(number("1000").value(), 1000U);
  for (const std::string text : {"0", "1001", "-1", "1x", "99999999999999999999"}) {
    EXPECT_FALSE(number(text).has_value()) << text;
  }
}

TEST(Passes, EveryPartOfTheFilter) {
  event::Query query;
  query.qname = name("www.Shop.example");
  query.client = IpAddress::v4(192, 0, 2, 7);
  query.qtype = dns::RRType::a;
  query.rcode = dns::Rcode::nxdomain;
  query.disposition = event::Disposition::blocked;
  query.zone.assign("adware");
  query.group.assign("kids");
  query.trace_id = 10;
  struct Case {
    std::string query;
    bool want;
  };
  const Case cases[] = {
      {"", true},
      {"name=SHOP", true},
      {"name=shopx", false},
      {"below=shop.example", true},
      {"below=www.shop.example", true},
      {"below=op.example", false},
      {"name=www&below=other.example", false},
      {"client=192.0.2.0/24", true},
      {"client=192.0.3.0/24", false},
      {"disposition=blocked", true},
      {"disposition=allowed", false},
      {"zone=adware", true},
      {"zone=ad", false},
      {"group=kids", true},
      {"group=default", false},
      {"type=A", true},
      {"type=AAAA", false},
      {"rcode=NXDOMAIN", true},
      {"rcode=NOERROR", false},
      {"trace=0000000a", true},
      {"trace=0000000b", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.query);
    EXPECT_EQ(passes(filter_of(c.query).value(), query), c.want);
  }
}

}  // namespace
}  // namespace postern::api
