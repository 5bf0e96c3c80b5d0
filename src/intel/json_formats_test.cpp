// What STIX, MISP and other JSON come to. Rules are written as feed_dump.h says.
#include <string>

#include <gtest/gtest.h>

#include "intel/feed_dump.h"
#include "intel/format.h"
#include "intel/timestamp.h"

namespace postern::intel {
namespace {

FeedOptions options_for(Format format) {
  FeedOptions options;
  options.format = format;
  options.now = *read_timestamp("2025-06-01T12:00:00Z");
  return options;
}

struct Case {
  std::string text;
  std::string want;
};

std::string indicator(const std::string& pattern, const std::string& more = "") {
  return R"({"type": "indicator", "spec_version": "2.1", "pattern_type": "stix", "pattern": ")" +
         pattern + "\"" + (more.empty() ? "" : ", " + more) + "}";
}

// On line 2, and line 3 has one more so that no case is without a rule.
std::string bundle(const std::string& objects) {
  return "{\"type\": \"bundle\", \"id\": \"bundle--1\", \"objects\": [\n" + objects + ",\n" +
         indicator("[domain-name:value = 'last.example']") + "]}\n";
}

std::string read_bundle(const std::string& objects, const FeedOptions& options) {
  return dump_feed(read_feed(bundle(objects), options));
}

TEST(StixFormat, IndicatorsBecomeRules) {
  const std::string last = "3 block last.example\n";
  const Case cases[] = {
      {indicator("[domain-name:value = 'A.example']"), "2 block a.example\n" + last},
      {indicator("[domain-name:value LIKE '%.a.example']"), "2 block *.a.example\n" + last},
      {indicator("[domain-name:value = '*.a.example']"), "2 block **.a.example\n" + last},
      {indicator("[domain-name:value = 'b\\u00fccher.example']"),
       "2 block xn--bcher-kva.example\n" + last},
      {indicator("[ipv4-addr:value = '192.0.2.1'] OR [ipv6-addr:value = '2001:db8::/32']"),
       "2 block response_ip:192.0.2.1/32\n2 block response_ip:2001:db8::/32\n" + last},
      {indicator("[url:value = 'http://a.example:8080/']"), "2 block a.example\n" + last},
      {indicator("[url:value = 'http://192.0.2.1/']"), "2 block response_ip:192.0.2.1/32\n" + last},
      {indicator("[domain-name:value = 'a.example' OR file:name = 'x']"),
       "2 block a.example\n" + last},
      // What has no say in names and addresses is no fault.
      {indicator("[file:hashes.MD5 = 'x']"), last},
      {R"({"type": "indicator", "pattern_type": "yara", "pattern": "rule x {}"})", last},
      {R"({"type": "domain-name", "value": "a.example"})", last},
      {R"({"type": "observed-data", "object_refs": ["domain-name--1"]})", last},
      // Skipped, with the reason.
      {indicator("[domain-name:value = 'a' AND file:name = 'b']"),
       last + "2 skipped: \"[domain-name:value = 'a' AND file:name = 'b']\" is a condition of "
              "several parts (AND), one of which is no reason to block\n"},
      {indicator("[url:value = 'http://a.example/x']"),
       last + "2 skipped: \"http://a.example/x\" is one page of a host that may have others; with "
              "url_hosts: true its whole host is blocked\n"},
      {indicator("[ipv4-addr:value = '10.1.2.3']"),
       last + "2 skipped: \"10.1.2.3\" is or holds addresses that no public server has (private, "
              "loopback, link-local, multicast); if it is meant, write it in a policy zone\n"},
      {indicator("[ipv4-addr:value = '0.0.0.0/0']"),
       last + "2 skipped: \"0.0.0.0/0\" stands for every address there is; remove it\n"},
      {indicator("[ipv4-addr:value = '64.0.0.0/2']"),
       last + "2 skipped: \"64.0.0.0/2\" would block more of the Internet than any one owner has; "
              "if it is meant, write it as prefixes of /8, or for IPv6 of /19\n"},
      {indicator("[domain-name:value = 'localhost']"),
       last + "2 skipped: \"localhost\" is reserved for local use and answered by the resolver "
              "itself; remove it\n"},
      {indicator("no pattern"),
       last + "2 skipped: \"no pattern\" is no STIX pattern; correct it, or see its "
              "pattern_type\n"},
      {indicator("[domain-name:value = 'a.example']", R"("revoked": true)"),
       last + "2 skipped: \"[domain-name:value = 'a.example']\" is revoked by its publisher\n"},
      {indicator("[domain-name:value = 'a.example']", R"("indicator_types": ["benign"])"),
       last + "2 skipped: \"[domain-name:value = 'a.example']\" is of type benign: it says what is "
              "harmless\n"},
      {R"({"type": "indicator", "pattern": 5, "pattern_type": "stix"})",
       last + "2 skipped: \"\" is no STIX pattern; correct it, or see its pattern_type\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    std::string want = c.want;
    if (const auto at = want.find("\"\" is no"); at != std::string::npos) want.erase(at, 3);
    EXPECT_EQ(read_bundle(c.text, options_for(Format::stix)), want);
  }
}

TEST(StixFormat, ValidityIsHonoured) {
  const std::string pattern = "[domain-name:value = 'a.example']";
  const std::string rule = "2 block a.example\n";
  const std::string skipped = "2 skipped: \"" + pattern + "\" ";
  const struct {
    std::string times;
    std::string want;
  } cases[] = {
      {R"("valid_from": "2025-06-01T12:00:00Z")", rule},
      {R"("valid_from": "2025-06-01T12:00:01Z")", rule},
      {R"("valid_from": "2020-01-01T00:00:00Z", "valid_until": "2025-06-01T12:00:01Z")", rule},
      // Over, and nothing is wrong with that.
      {R"("valid_from": "2020-01-01T00:00:00Z", "valid_until": "2025-06-01T12:00:00Z")",
       "3 block last.example\n"},
      {R"("valid_from": "2026-01-01T00:00:00Z", "valid_until": "2025-12-01T12:00:00Z")",
       skipped + "is valid until before it is valid from; correct it\n"},
      {R"("valid_until": "2025-06-01T14:30:00+02:00")", rule},
      {R"("valid_until": "soon")",
       skipped + "has a valid_from or valid_until that is no time; correct it\n"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.times);
    const std::string got = read_bundle(indicator(pattern, c.times), options_for(Format::stix));
    EXPECT_NE(got.find(c.want), std::string::npos) << got;
    EXPECT_EQ(got.find(c.want == rule ? "skipped" : rule), std::string::npos) << got;
  }
  // Where the time is not known, all is valid.
  FeedOptions options = options_for(Format::stix);
  options.now.reset();
  EXPECT_NE(read_bundle(indicator(pattern, R"("valid_until": "2020-01-01T00:00:00Z")"), options)
                .find(rule),
            std::string::npos);
}

// "a.example: from … until … seen … confidence … marking": what is known of each rule.
std::string dump_notes(const std::string& objects, Format format) {
  const auto feed = read_feed(objects, options_for(format));
  EXPECT_TRUE(feed) << feed.error().text;
  std::string out;
  for (std::size_t i = 0; i < feed->rules.size(); ++i) {
    const policy::Rule rule = feed->rules.at(i);
    out += rule.name.to_display();
    if (rule.note != policy::kNoNote) {
      const policy::RuleNote& note = feed->rules.notes()[rule.note];
      out += " " + std::to_string(note.valid_from_s) + " " + std::to_string(note.valid_until_s) +
             " " + std::to_string(note.first_seen_s) + " " + std::to_string(note.confidence) + " " +
             std::string(to_string(note.sharing));
    }
    out += "\n";
  }
  return out + std::string(to_string(feed->rules.sharing()));
}

TEST(StixFormat, WhatIsKnownOfARuleIsKept) {
  const std::string red = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed";
  const std::string objects =
      R"({"type":"marking-definition","id":"marking-definition--1","definition":{"tlp":"amber"}},)"
      R"({"type":"marking-definition","id":"marking-definition--2",)"
      R"("definition":{"statement":"x"}},)" +
      indicator("[domain-name:value = 'a.example']",
                R"("created":"2025-01-01T00:00:00Z","valid_from":"2025-06-02T00:00:00Z",)"
                R"("valid_until":"2026-01-01T00:00:00Z","confidence":80,"object_marking_refs":[")" +
                    red + "\"]") +
      "," +
      indicator("[domain-name:value = 'b.example']",
                R"("valid_from":"2020-01-01T00:00:00Z","confidence":300,)"
                R"("object_marking_refs":["marking-definition--1","marking-definition--2"])") +
      "," +
      indicator("[domain-name:value = 'c.example']",
                R"("object_marking_refs":["marking-definition--nobody-knows"])") +
      "," +
      indicator("[domain-name:value = 'd.example']",
                R"("object_marking_refs":["marking-definition--2"])");
  EXPECT_EQ(dump_notes(bundle(objects), Format::stix),
            "a.example 1748822400 1767225600 1735689600 80 red\n"
            "b.example 0 0 0 100 amber\n"
            // What nobody has explained may mean anything.
            "c.example 0 0 0 255 amber+strict\n"
            "d.example\nlast.example\n");
}

TEST(MispFormat, WhatIsKnownOfARuleIsKept) {
  const std::string event =
      R"({"Event":{"Attribute":[)"
      R"({"type":"domain","value":"a.example","to_ids":true,"timestamp":"1614672000",)"
      R"("Tag":[{"name":"tlp:red"}]},)"
      R"({"type":"domain","value":"b.example","to_ids":true,"first_seen":"2021-03-02T08:00:00Z",)"
      R"("timestamp":"9"}],"Tag":[{"name":"tlp:green"}]}})";
  EXPECT_EQ(dump_notes(event, Format::misp),
            "a.example 0 0 1614672000 255 red\nb.example 0 0 1614672000 255 \ngreen");
}

TEST(StixFormat, ConfidenceHasAFloor) {
  FeedOptions options = options_for(Format::stix);
  options.min_confidence = 50;
  const std::string got =
      read_bundle(indicator("[domain-name:value = 'a.example']", R"("confidence": 49)") + "," +
                      indicator("[domain-name:value = 'b.example']", R"("confidence": 50)"),
                  options);
  // Who states none is not doubted.
  EXPECT_EQ(got,
            "2 block b.example\n3 block last.example\n2 skipped: \"[domain-name:value = "
            "'a.example']\" has confidence 49, and min_confidence is 50\n");
}

TEST(StixFormat, OptionsChangeWhatNamesAndUrlsStandFor) {
  FeedOptions options = options_for(Format::stix);
  options.scope = policy::Scope::at_and_below;
  options.url_hosts = true;
  EXPECT_EQ(
      read_bundle(indicator("[url:value = 'https://a.example/x?y'] OR [domain-name:value LIKE "
                            "'%.b.example']"),
                  options),
      "2 block **.a.example\n2 block *.b.example\n3 block **.last.example\n");
  options.allow = true;
  EXPECT_EQ(read_bundle(indicator("[ipv4-addr:value = '192.0.2.1']"), options),
            "2 pass response_ip:192.0.2.1/32\n3 pass **.last.example\n");
}

TEST(StixFormat, TheStrictestMarkingOfItsRulesIsTheFeeds) {
  const std::string own =
      R"({"type": "marking-definition", "id": "marking-definition--1", "definition_type": "tlp",)"
      R"( "definition": {"tlp": "red"}})";
  const std::string own_2 =
      R"({"type": "marking-definition", "id": "marking-definition--2", "extensions": {)"
      R"("extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {)"
      R"("extension_type": "property-extension", "tlp_2_0": "amber+strict"}}})";
  const std::string own_3 =
      R"({"type": "marking-definition", "id": "marking-definition--3", "name": "TLP:GREEN"})";
  const auto marked = [](const std::string& ids, const std::string& more = "") {
    return indicator("[domain-name:value = 'a.example']",
                     R"("object_marking_refs": [)" + ids + "]" + more);
  };
  const struct {
    std::string objects;
    std::optional<Tlp> want;
  } cases[] = {
      {marked(""), {}},
      {marked(R"("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9")"), Tlp::clear},
      {marked(R"("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da")"), Tlp::green},
      {marked(R"("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82")"), Tlp::amber},
      {marked(R"("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed")"), Tlp::red},
      {marked(R"("marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487")"), Tlp::clear},
      {marked(R"("marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb")"), Tlp::green},
      {marked(R"("marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421")"), Tlp::amber},
      {marked(R"("marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003")"), Tlp::amber_strict},
      {marked(R"("marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1")"), Tlp::red},
      {marked(R"("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",)"
              R"( "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82")"),
       Tlp::amber},
      // The bundle's own, before or behind; one that nothing in force has does not count.
      {own + "," + marked(R"("marking-definition--1")"), Tlp::red},
      {marked(R"("marking-definition--2")") + "," + own_2, Tlp::amber_strict},
      {marked(R"("marking-definition--3")") + "," + own_3, Tlp::green},
      {own, {}},
      {marked(R"("marking-definition--1")", R"(, "revoked": true)") + "," + own, {}},
      {marked(R"("marking-definition--9")"), {}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.objects);
    const auto feed = read_feed(bundle(c.objects), options_for(Format::stix));
    ASSERT_TRUE(feed.has_value());
    EXPECT_EQ(feed->tlp, c.want);
  }
}

TEST(StixFormat, ATaxiiAnswerAndObjectsALineAreReadToo) {
  EXPECT_EQ(dump_feed(read_feed("{\"more\": false, \"objects\": [" +
                                    indicator("[domain-name:value = 'a.example']") + "]}",
                                options_for(Format::stix))),
            "1 block a.example\n");
  EXPECT_EQ(dump_feed(read_feed(indicator("[domain-name:value = 'a.example']") + "\n" +
                                    indicator("[domain-name:value = 'b.example']") + "\n",
                                options_for(Format::stix))),
            "1 block a.example\n2 block b.example\n");
}

std::string attribute(const std::string& type, const std::string& value,
                      const std::string& more = R"("to_ids": true)") {
  return R"({"type": ")" + type + R"(", "value": ")" + value + "\", " + more + "}";
}

TEST(MispFormat, AttributesBecomeRules) {
  const std::string last = "3 block last.example\n";
  const Case cases[] = {
      {attribute("domain", "a.example"), "2 block **.a.example\n" + last},
      {attribute("hostname", "a.example"), "2 block a.example\n" + last},
      {attribute("hostname|port", "a.example|80"), "2 block a.example\n" + last},
      {attribute("domain|ip", "a.example|192.0.2.1"),
       "2 block **.a.example\n2 block response_ip:192.0.2.1/32\n" + last},
      {attribute("ip-dst", "192.0.2.1"), "2 block response_ip:192.0.2.1/32\n" + last},
      {attribute("ip-src", "2001:db8::/32"), "2 block response_ip:2001:db8::/32\n" + last},
      {attribute("ip-dst|port", "192.0.2.1|443"), "2 block response_ip:192.0.2.1/32\n" + last},
      {attribute("url", "https://a.example/"), "2 block a.example\n" + last},
      {attribute("domain", "a.example", R"("to_ids": "1")"), "2 block **.a.example\n" + last},
      // No indicators, and no fault.
      {attribute("domain", "a.example", R"("to_ids": false)"), last},
      {attribute("domain", "a.example", R"("comment": "no to_ids")"), last},
      {attribute("sha256", "00"), last},
      {attribute("link", "https://a.example/"), last},
      // Skipped.
      {attribute("domain", "a.example", R"("to_ids": true, "deleted": true)"),
       last + "2 skipped: \"a.example\" is deleted by its publisher\n"},
      {attribute("url", "https://a.example/x"),
       last + "2 skipped: \"https://a.example/x\" is one page of a host that may have others; with "
              "url_hosts: true its whole host is blocked\n"},
      {attribute("ip-dst", "192.168.1.1"),
       last + "2 skipped: \"192.168.1.1\" is or holds addresses that no public server has "
              "(private, loopback, link-local, multicast); if it is meant, write it in a policy "
              "zone\n"},
      {attribute("ip-dst", "a.example"),
       last + "2 skipped: \"a.example\" is no address or prefix such as 192.0.2.1 or 2001:db8::/32 "
              "without bits set behind its length; correct it\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const std::string rest = c.text + ",\n" + attribute("hostname", "last.example");
    const std::string want = c.want;
    EXPECT_EQ(dump_feed(read_feed("{\"Event\": {\"Attribute\": [\n" + rest + "]}}",
                                  options_for(Format::misp))),
              want);
    EXPECT_EQ(
        dump_feed(read_feed("{\"response\": [{\"Event\": {\"Attribute\": [\n" + rest + "]}}]}",
                            options_for(Format::misp))),
        want);
    EXPECT_EQ(dump_feed(read_feed("{\"response\": {\"Attribute\": [\n" + rest + "]}}",
                                  options_for(Format::misp))),
              want);
  }
}

TEST(MispFormat, ObjectsHoldAttributesAndProposalsDoNotCount) {
  const std::string event =
      "{\"Event\": {\n\"ShadowAttribute\": [" + attribute("hostname", "proposed.example") +
      "],\n\"RelatedEvent\": [{\"Event\": {\"Attribute\": [" +
      attribute("hostname", "other.example") +
      "]}}],\n\"Object\": [{\"name\": \"domain-ip\", \"Attribute\": [" +
      attribute("hostname", "a.example") + "," + attribute("ip-dst", "192.0.2.1") +
      "]},\n{\"name\": \"gone\", \"deleted\": true, \"Attribute\": [" +
      attribute("hostname", "b.example") + "]}]}}";
  EXPECT_EQ(dump_feed(read_feed(event, options_for(Format::misp))),
            "4 block a.example\n4 block response_ip:192.0.2.1/32\n"
            "5 skipped: \"gone\" is an object that is deleted\n");
}

TEST(MispFormat, TagsSayWhoMayBeTold) {
  const auto feed = read_feed(
      "{\"Event\": {\"Tag\": [{\"name\": \"tlp:green\"}, {\"name\": \"type:OSINT\"}], "
      "\"Attribute\": [" +
          attribute("hostname", "a.example",
                    R"("to_ids": true, "Tag": [{"name": "tlp:amber+strict"}])") +
          "," +
          attribute("hostname", "b.example", R"("to_ids": false, "Tag": [{"name": "tlp:red"}])") +
          "]}}",
      options_for(Format::misp));
  ASSERT_TRUE(feed.has_value());
  EXPECT_EQ(feed->tlp, Tlp::amber_strict);
}

TEST(JsonFormat, TheFieldMayBeAnywhere) {
  const struct {
    std::string field;
    std::string text;
    std::string want;
  } cases[] = {
      {"domain", R"([{"domain": "a.example"}, {"domain": "B.example"}])",
       "1 block a.example\n1 block b.example\n"},
      {"domain", "{\"domain\": \"a.example\"}\n{\"domain\": \"b.example\"}\n",
       "1 block a.example\n2 block b.example\n"},
      {"domain", "{\n\"domain\": \"a.example\"}", "1 block a.example\n"},
      {"ioc.value", R"([{"ioc": {"value": "a.example"}}])", "1 block a.example\n"},
      {"data.list.name",
       "{\"n\": 2, \"data\": {\"list\": [\n{\"name\": \"a.example\"},\n"
       "{\"name\": \"b.example\"}]}}",
       "2 block a.example\n3 block b.example\n"},
      {"data.names", R"({"data": [{"names": ["a.example", "b.example"]}]})",
       "1 block a.example\n1 block b.example\n"},
      {"names", "{\"names\": [\"a.example\",\n\"b.example\"]}",
       "1 block a.example\n2 block b.example\n"},
      {"domain", "[\"a.example\",\n\"b.example\"]", "1 block a.example\n2 block b.example\n"},
      {"x", R"([{"x": "*.a.example"}, {"x": "192.0.2.1"}, {"x": "192.0.2.0/24"}])",
       "1 block **.a.example\n1 block response_ip:192.0.2.1/32\n"
       "1 block response_ip:192.0.2.0/24\n"},
      {"x", R"([{"x": "https://a.example"}, {"x": "192.0.2.1:443"}, {"x": "[2001:db8::1]:1"}])",
       "1 block a.example\n1 block response_ip:192.0.2.1/32\n"
       "1 block response_ip:2001:db8::1/128\n"},
      {"domain", R"([{"domain": "a.example"}, {"host": "b.example"}, {"domain": 5}, 7])",
       "1 block a.example\n"
       "1 skipped: no field \"domain\" in the object; set json.field to the one that has the "
       "indicator\n"
       "1 skipped: field \"domain\" holds no text; set json.field to the one that has the "
       "indicator\n"
       "1 skipped: no field \"domain\" in the object; set json.field to the one that has the "
       "indicator\n"},
      {"x", R"([{"x": "a.example"}, {"x": "192.0.2.1/24"}, {"x": "a.example/x"}, {"x": ""},
          {"x": "d41d8cd98f00b204e9800998ecf8427e"}])",
       "1 block a.example\n"
       "1 skipped: \"192.0.2.1/24\" is no address or prefix such as 192.0.2.1 or 2001:db8::/32 "
       "without bits set behind its length; correct it\n"
       "1 skipped: \"a.example/x\" is one page of a host that may have others; with url_hosts: "
       "true its whole host is blocked\n"
       "1 skipped: an empty name; write one or remove the line\n"
       "2 skipped: \"d41d8cd98f00b204e9800998ecf8427e\" has no dot: a digest, a file or a word "
       "rather than a name; check the field\n"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    FeedOptions options = options_for(Format::json);
    options.json.field = c.field;
    EXPECT_EQ(dump_feed(read_feed(c.text, options)), c.want);
  }
}

TEST(JsonFormat, WhatItsPublisherTookOffTheListIsSkipped) {
  FeedOptions options = options_for(Format::json);
  options.json = {.field = "DomainAddress", .removed = "DeleteDate"};
  const auto entry = [](const std::string& name, const std::string& removed) {
    return R"({"RegisterPositionId": 1, "DomainAddress": ")" + name +
           R"(", "InsertDate": "2025-01-01T10:00:00", "DeleteDate": )" + removed + "}";
  };
  // The shape of CERT Polska's list, version 2.
  const std::string text =
      "[" + entry("a.example", "null") + ",\n" + entry("b.example", "\"2025-05-01T10:00:00\"") +
      ",\n" + entry("c.example", "\"2025-07-01T10:00:00\"") + ",\n" + entry("d.example", "\"\"") +
      ",\n" + entry("e.example", "true") + ",\n" + entry("f.example", "false") + ",\n" +
      entry("g.example", "1600000000") + ",\n" + entry("h.example", "4000000000") + ",\n" +
      entry("i.example", "\"gone\"") + "]";
  const auto off = [](const std::string& line, const std::string& name) {
    return line + " skipped: \"" + name + "\" is no longer on the list, its publisher says\n";
  };
  EXPECT_EQ(dump_feed(read_feed(text, options)),
            "1 block a.example\n3 block c.example\n4 block d.example\n6 block f.example\n"
            "8 block h.example\n" +
                off("2", "b.example") + off("5", "e.example") + off("7", "g.example") +
                off("9", "i.example"));
}

TEST(JsonFormat, ARemovalThatIsStillToComeEndsTheRule) {
  FeedOptions options = options_for(Format::json);
  options.json.removed = "until";
  const auto feed = read_feed(R"([{"domain": "a.example", "until": "2025-07-01T00:00:00Z"},
                                  {"domain": "b.example", "until": 1800000000},
                                  {"domain": "c.example", "until": null}])",
                              options);
  ASSERT_TRUE(feed);
  const auto until = [&](std::size_t index) -> std::uint32_t {
    const std::uint32_t note = feed->rules.at(index).note;
    return note == policy::kNoNote ? 0 : feed->rules.notes()[note].valid_until_s;
  };
  EXPECT_EQ(until(0), 1751328000U);
  EXPECT_EQ(until(1), 1800000000U);
  EXPECT_EQ(until(2), 0U);
}

TEST(JsonFormat, ATextThatIsCutOffIsRefusedAsAWhole) {
  const auto feed =
      read_feed("[{\"domain\": \"a.example\"},\n{\"domain\": \"b.exa", options_for(Format::json));
  ASSERT_FALSE(feed.has_value());
  EXPECT_EQ(feed.error().code, Errc::invalid_input);
  EXPECT_EQ(feed.error().text, "line 2: the text ends inside a string; it was cut off");
}

TEST(JsonFormat, EachObjectIsCountedWhateverItsLine) {
  const auto feed = read_feed(R"([{"domain": "a.example"}, {"domain": "x y"}, {"domain": "y z"}])",
                              options_for(Format::json));
  ASSERT_TRUE(feed.has_value());
  EXPECT_EQ(feed->lines, 1U);
  EXPECT_EQ(feed->lines_skipped, 2U);
}

TEST(JsonFormat, ABundleWithoutIndicatorsIsAQuietDay) {
  const auto feed = read_feed(R"({"type": "bundle", "id": "bundle--1", "objects": []})",
                              options_for(Format::stix));
  ASSERT_FALSE(feed.has_value());
  EXPECT_EQ(feed.error().code, Errc::not_found);
}

TEST(JsonFormat, ManyObjectsAreReadInTheTimeThatTheirOctetsTake) {
  // One line of 4 MB, so that lines are not counted from the start for each object.
  std::string text = "[";
  for (int i = 0; i < 100'000; ++i) {
    text += fmt::format("{}{{\"domain\": \"n{}.example\"}}", i == 0 ? "" : ",", i);
  }
  const auto feed = read_feed(text + "]", options_for(Format::json));
  ASSERT_TRUE(feed.has_value());
  EXPECT_EQ(feed->rules.size(), 100'000U);
}

}  // namespace
}  // namespace postern::intel
