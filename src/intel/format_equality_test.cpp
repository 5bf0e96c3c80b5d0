// One list in all its formats: compiled, each gives the decisions that its format documents
// (docs/reference/feed-formats.md), and where two formats mean the same, the same ones.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dns/name.h"
#include "intel/format.h"
#include "policy/generation.h"

namespace postern::intel {
namespace {

using policy::Generation;

std::shared_ptr<const Generation> compile(const std::string& text, const FeedOptions& options) {
  auto feed = read_feed(text, options);
  if (!feed) {
    ADD_FAILURE() << feed.error().text;
    return Generation::empty();
  }
  policy::PolicyInput input;
  input.number = 1;
  input.hash_key = 7;
  policy::ZoneInput zone;
  zone.options.name = "list";
  zone.rules = std::make_shared<const policy::ZoneRules>(std::move(feed->rules));
  input.zones.push_back(std::move(zone));
  policy::Group everyone;
  everyone.name = "default";
  everyone.zones = {0};
  input.groups.push_back(std::move(everyone));
  auto generation = Generation::compile(std::move(input));
  if (!generation) {
    ADD_FAILURE() << generation.error().text;
    return Generation::empty();
  }
  return *generation;
}

bool blocks(const Generation& generation, const std::string& name) {
  return generation.decide(0, *dns::Name::from_text(name)).blocks();
}

// What is asked of a rule for bad.example.
struct Probes {
  bool name;        // bad.example
  bool below;       // www.bad.example
  bool deep_below;  // a.b.bad.example
};

constexpr Probes kExact{true, false, false};
constexpr Probes kAtAndBelow{true, true, true};
constexpr Probes kBelow{false, true, true};

struct Case {
  std::string what;
  Format format;
  std::string text;
  std::optional<policy::Scope> scope;
  Probes want;
};

const Case kCases[] = {
    {"hosts: exact", Format::hosts, "0.0.0.0 bad.example other.example\n", {}, kExact},
    {"hosts, scope at_and_below", Format::hosts, "0.0.0.0 bad.example other.example\n",
     policy::Scope::at_and_below, kAtAndBelow},
    {"domains: exact", Format::domains, "bad.example\nother.example\n", {}, kExact},
    {"domains, scope at_and_below", Format::domains, "bad.example\nother.example\n",
     policy::Scope::at_and_below, kAtAndBelow},
    {"domains, scope below", Format::domains, "bad.example\nother.example\n", policy::Scope::below,
     kBelow},
    {"wildcard: the name and below",
     Format::wildcard,
     "*.bad.example\n*.other.example\n",
     {},
     kAtAndBelow},
    {"wildcard, bare names: exact", Format::wildcard, "bad.example\nother.example\n", {}, kExact},
    {"wildcard, scope below: as in RPZ", Format::wildcard, "*.bad.example\nother.example\n",
     policy::Scope::below, kBelow},
    {"adblock ||: the name and below",
     Format::adblock,
     "||bad.example^\n||other.example^\n",
     {},
     kAtAndBelow},
    {"adblock |: exact", Format::adblock, "|bad.example^\n|other.example^\n", {}, kExact},
    {"adblock, bare names: exact", Format::adblock, "bad.example\nother.example\n", {}, kExact},
    {"adblock ||*.: below", Format::adblock, "||*.bad.example^\n||other.example^\n", {}, kBelow},
    {"dnsmasq address: the name and below",
     Format::dnsmasq,
     "address=/bad.example/other.example/0.0.0.0\n",
     {},
     kAtAndBelow},
    {"dnsmasq server: the name and below",
     Format::dnsmasq,
     "server=/bad.example/\nlocal=/other.example/\n",
     {},
     kAtAndBelow},
    {"unbound local-zone: the name and below",
     Format::unbound,
     "local-zone: \"bad.example\" always_nxdomain\nlocal-zone: \"other.example\" static\n",
     {},
     kAtAndBelow},
    {"unbound redirect: the name and below",
     Format::unbound,
     "local-zone: \"bad.example\" redirect\nlocal-data: \"bad.example A 0.0.0.0\"\n"
     "local-zone: \"other.example\" refuse\n",
     {},
     kAtAndBelow},
    {"unbound local-data: exact",
     Format::unbound,
     "local-data: \"bad.example A 0.0.0.0\"\nlocal-data: \"other.example A 0.0.0.0\"\n",
     {},
     kExact},
    {"RPZ name: exact",
     Format::rpz,
     "$TTL 60\n@ SOA . . 1 1 1 1 1\nbad.example CNAME .\nother.example CNAME .\n",
     {},
     kExact},
    {"RPZ wildcard: below",
     Format::rpz,
     "$TTL 60\n@ SOA . . 1 1 1 1 1\n*.bad.example CNAME .\nother.example CNAME .\n",
     {},
     kBelow},
    {"RPZ name and wildcard: both",
     Format::rpz,
     "$TTL 60\n@ SOA . . 1 1 1 1 1\nbad.example CNAME .\n*.bad.example CNAME .\n"
     "other.example CNAME .\n",
     {},
     kAtAndBelow},
    {"CSV: exact", Format::csv, "domain,why\nbad.example,x\nother.example,y\n", {}, kExact},
    {"CSV, scope at_and_below", Format::csv, "domain,why\nbad.example,x\nother.example,y\n",
     policy::Scope::at_and_below, kAtAndBelow},
};

// The same two names in the formats that have more than a name a line.
const std::string kStixNames =
    R"({"type": "bundle", "objects": [)"
    R"({"type": "indicator", "pattern": "[domain-name:value = 'bad.example']"},)"
    R"({"type": "indicator", "pattern": "[url:value = 'http://other.example/']"}]})";
const std::string kStixBelow =
    R"({"objects": [{"type": "indicator", "pattern": "[domain-name:value LIKE '%.bad.example' OR)"
    R"( domain-name:value = 'other.example']"}]})";
const std::string kMispDomains =
    R"({"Event": {"Attribute": [{"type": "domain", "value": "bad.example", "to_ids": true},)"
    R"( {"type": "domain", "value": "other.example", "to_ids": true}]}})";
const std::string kMispHosts =
    R"({"Event": {"Attribute": [{"type": "hostname", "value": "bad.example", "to_ids": true},)"
    R"( {"type": "url", "value": "https://other.example", "to_ids": true}]}})";
const std::string kJsonNames = R"([{"domain": "bad.example"}, {"domain": "other.example"}])";

const Case kMoreCases[] = {
    {"STIX =: exact", Format::stix, kStixNames, {}, kExact},
    {"STIX =, scope at_and_below", Format::stix, kStixNames, policy::Scope::at_and_below,
     kAtAndBelow},
    {"STIX LIKE: below", Format::stix, kStixBelow, {}, kBelow},
    {"MISP domain: the name and below", Format::misp, kMispDomains, {}, kAtAndBelow},
    {"MISP domain, scope exact", Format::misp, kMispDomains, policy::Scope::exact, kExact},
    {"MISP hostname: exact", Format::misp, kMispHosts, {}, kExact},
    {"Maltrail: the name and below",
     Format::maltrail,
     "bad.example\nother.example\n",
     {},
     kAtAndBelow},
    {"Maltrail, scope exact", Format::maltrail, "bad.example\nother.example\n",
     policy::Scope::exact, kExact},
    {"JSON: exact", Format::json, kJsonNames, {}, kExact},
    {"JSON, scope below", Format::json, kJsonNames, policy::Scope::below, kBelow},
    {"JSON *.: the name and below",
     Format::json,
     R"([{"domain": "*.bad.example"}, {"domain": "other.example"}])",
     {},
     kAtAndBelow},
};

void expect_decisions(const Case& c) {
  FeedOptions options;
  options.format = c.format;
  options.scope = c.scope;
  if (c.format == Format::rpz) options.origin = *dns::Name::from_text("rpz.test");
  const auto generation = compile(c.text, options);
  EXPECT_EQ(blocks(*generation, "bad.example"), c.want.name);
  EXPECT_EQ(blocks(*generation, "BAD.Example."), c.want.name);
  EXPECT_EQ(blocks(*generation, "www.bad.example"), c.want.below);
  EXPECT_EQ(blocks(*generation, "a.b.bad.example"), c.want.deep_below);
  // Neither siblings, nor names that end alike, nor parents, in any format.
  for (const char* free : {"good.example", "notbad.example", "bad.example.org", "example", "."}) {
    EXPECT_FALSE(blocks(*generation, free)) << free;
  }
}

TEST(FormatEquality, TheSameListGivesEachFormatsDocumentedDecisions) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    expect_decisions(c);
  }
  for (const Case& c : kMoreCases) {
    SCOPED_TRACE(c.what);
    expect_decisions(c);
  }
}

TEST(FormatEquality, ExceptionsWinInTheSameWay) {
  // The name and all below it blocked, one name below it let through.
  const std::vector<std::pair<Format, std::string>> lists = {
      {Format::adblock, "||bad.example^\n@@||ok.bad.example^\n"},
      {Format::dnsmasq, "address=/bad.example/0.0.0.0\nserver=/ok.bad.example/#\n"},
      {Format::unbound,
       "local-zone: bad.example always_nxdomain\n"
       "local-zone: ok.bad.example always_transparent\n"},
      {Format::rpz,
       "$TTL 60\n@ SOA . . 1 1 1 1 1\nbad.example CNAME .\n*.bad.example CNAME .\n"
       "ok.bad.example CNAME rpz-passthru.\n*.ok.bad.example CNAME rpz-passthru.\n"},
  };
  for (const auto& [format, text] : lists) {
    SCOPED_TRACE(to_string(format));
    FeedOptions options;
    options.format = format;
    const auto generation = compile(text, options);
    EXPECT_TRUE(blocks(*generation, "bad.example"));
    EXPECT_TRUE(blocks(*generation, "www.bad.example"));
    EXPECT_FALSE(blocks(*generation, "ok.bad.example"));
    EXPECT_FALSE(blocks(*generation, "www.ok.bad.example"));
    EXPECT_TRUE(blocks(*generation, "notok.bad.example"));
  }
}

}  // namespace
}  // namespace postern::intel
