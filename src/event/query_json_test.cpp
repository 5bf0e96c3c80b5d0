#include "event/query_json.h"

#include <limits>

#include <gtest/gtest.h>

#include "event/time_text.h"

namespace postern::event {
namespace {

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonWriter, StringsAreValidWhateverIsInThem) {
  struct Case {
    std::string_view text;
    std::string_view want;
  };
  const Case cases[] = {
      {"", "\"\""},
      {"plain", "\"plain\""},
      {"a\"b\\c", "\"a\\\"b\\\\c\""},
      {"\n\r\t", "\"\\n\\r\\t\""},
      {std::string_view("\0\x1f\x7f", 3), "\"\\u0000\\u001f\\u007f\""},
      {"</script>", "\"</script>\""},
      // UTF-8 passes as it is.
      {"\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80", "\"\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80\""},
      // What is not UTF-8 is replaced: lone, cut off, overlong, surrogate, past the end.
      {"\xFF", "\"\xEF\xBF\xBD\""},
      {"a\xC3", "\"a\xEF\xBF\xBD\""},
      {"\xE2\x82", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"\xE0\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"\xC3"
       "x",
       "\"\xEF\xBF\xBDx\""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.want);
    EXPECT_EQ(quoted(c.text), c.want);
  }
}

TEST(JsonWriter, CommasStandBetweenValuesOnly) {
  JsonWriter json;
  json.begin_object().key("empty").begin_array().end_array().key("list").begin_array();
  json.number(1).number(-2).begin_object().end_object().null().boolean(true).end_array();
  json.field("text", "x")
      .field("flag", false)
      .field("big", std::numeric_limits<std::uint64_t>::max());
  json.key("real").real(0.5).key("nan").real(std::numeric_limits<double>::quiet_NaN());
  json.key("raw").raw("{\"a\":1}").end_object();
  EXPECT_EQ(json.text(),
            "{\"empty\":[],\"list\":[1,-2,{},null,true],\"text\":\"x\",\"flag\":false,"
            "\"big\":18446744073709551615,\"real\":0.5,\"nan\":null,\"raw\":{\"a\":1}}");
}

TEST(TimeText, IsRfc3339InUtcWithMicroseconds) {
  struct Case {
    std::int64_t us;
    std::string_view want;
  };
  const Case cases[] = {
      {0, "1970-01-01T00:00:00.000000Z"},
      {1'614'643'200'000'001, "2021-03-02T00:00:00.000001Z"},
      {951'782'399'999'999, "2000-02-28T23:59:59.999999Z"},
      {951'868'799'999'999, "2000-02-29T23:59:59.999999Z"},
      {-1, "1969-12-31T23:59:59.999999Z"},
      {253'402'300'799'999'999, "9999-12-31T23:59:59.999999Z"},
  };
  for (const Case& c : cases) EXPECT_EQ(to_rfc3339(WallTime(microseconds(c.us))), c.want);
}

TEST(QueryJson, ABlockedQueryTellsEverything) {
  Query query;
  query.at = WallTime(microseconds(1'614'643'200'123'456));
  query.trace_id = 31;
  query.generation = 7;
  query.client = IpAddress::v4(192, 0, 2, 1);
  query.client_port = 40'000;
  query.transport = Transport::dot;
  query.qname = name("www.bad.example");
  query.qtype = dns::RRType::https;
  query.rcode = dns::Rcode::nxdomain;
  query.disposition = Disposition::blocked;
  query.source = Source::policy;
  query.ede = 15;
  query.latency_us = 12;
  query.group.assign("default");
  query.zone.assign("hafnium");
  query.action.assign("nxdomain");
  query.rule_line = 17;
  query.has_matched = true;
  query.matched = name("bad.example");
  query.matched_wildcard = true;
  EXPECT_EQ(
      to_json(query),
      "{\"at\":\"2021-03-02T00:00:00.123456Z\",\"trace\":\"0000000z\",\"client\":\"192.0.2.1\","
      "\"client_port\":40000,\"transport\":\"dot\",\"name\":\"www.bad.example\","
      "\"type\":\"HTTPS\",\"class\":\"IN\",\"rcode\":\"NXDOMAIN\",\"disposition\":\"blocked\","
      "\"source\":\"policy\",\"security\":\"unknown\",\"ede\":15,\"latency_us\":12,"
      "\"group\":\"default\",\"zone\":\"hafnium\",\"action\":\"nxdomain\","
      "\"rule\":\"*.bad.example\",\"rule_line\":17,\"generation\":7,\"in_chain\":false}");
}

TEST(QueryJson, WhatIsNotThereIsNull) {
  EXPECT_EQ(to_json(Query{}),
            "{\"at\":\"1970-01-01T00:00:00.000000Z\",\"trace\":\"00000000\",\"client\":\"0.0.0.0\","
            "\"client_port\":0,\"transport\":\"udp\",\"name\":\".\",\"type\":\"TYPE0\","
            "\"class\":\"IN\",\"rcode\":\"NOERROR\",\"disposition\":\"answered\","
            "\"source\":\"none\",\"security\":\"unknown\",\"ede\":null,\"latency_us\":0,"
            "\"group\":null,\"zone\":null,\"action\":null,\"rule\":null,\"rule_line\":null,"
            "\"generation\":0,\"in_chain\":false}");
}

TEST(QueryJson, ARuleReadsAsAPersonWouldWriteIt) {
  Query query;
  EXPECT_EQ(rule_text(query), "");
  query.has_matched = true;
  query.matched = name("bad.example");
  EXPECT_EQ(rule_text(query), "bad.example");
  query.matched_wildcard = true;
  EXPECT_EQ(rule_text(query), "*.bad.example");
  query.matched = dns::Name();
  EXPECT_EQ(rule_text(query), "*") << "a rule for everything";
}

TEST(QueryJson, HostileNamesStayOneValidString) {
  Query query;
  query.qname = name("a\\\"b\\000\\255.example");
  const std::string json = to_json(query);
  for (const char c : json) {
    EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f)
        << json;
  }
}

}  // namespace
}  // namespace postern::event
