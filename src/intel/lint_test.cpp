#include "intel/lint.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "intel/feed_dump.h"
#include "intel/format.h"
#include "intel/gate.h"

namespace postern::intel {
namespace {

using policy::Scope;

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

LintOptions lint() {
  return {.skips_shared = true,
          .own_domains = {name("own.example"), name("deep.inner.org")},
          .forced = {name("zip"), name("forced.own.example")}};
}

TEST(Lint, RefusesWhatIsEverybodysAndWhatIsOnesOwn) {
  constexpr auto kExact = Scope::exact;
  constexpr auto kBelow = Scope::below;
  constexpr auto kBoth = Scope::at_and_below;
  const struct {
    const char* name;
    Scope scope;
    const char* fault;  // Empty: none.
  } cases[] = {
      {"com", kExact, "suffix"},
      {"com", kBelow, "suffix"},
      {"co.uk", kBoth, "suffix"},
      {"co.uk", kExact, ""},
      {"bad.com", kBoth, ""},
      {"bad.co.uk", kBoth, ""},
      {"hopto.org", kBoth, ""},
      {"notatld", kExact, "suffix"},
      {"zip", kBoth, ""},
      {"mov", kBoth, "suffix"},
      {"own.example", kExact, "own"},
      {"own.example", kBelow, "own"},
      {"www.own.example", kExact, "own"},
      {"forced.own.example", kExact, ""},
      {"inner.org", kBoth, "own"},
      {"inner.org", kExact, ""},
      {"notown.example", kBoth, ""},
      {"deeper.deep.inner.org", kExact, "own"},
  };
  for (const auto& c : cases) {
    const auto fault = refused_as_block(name(c.name), c.scope, lint());
    const std::string got = !fault                               ? ""
                            : *fault == NameFault::public_suffix ? "suffix"
                            : *fault == NameFault::own_domain    ? "own"
                                                                 : "other";
    EXPECT_EQ(got, c.fault) << c.name << " " << static_cast<int>(c.scope);
  }
  // Where the gate judges the feed, lint looks at none of that.
  EXPECT_FALSE(refused_as_block(name("com"), kBoth, {.own_domains = {name("com")}}));
}

TEST(Lint, EachRefusalIsCountedWithItsLineAndTheRestStands) {
  FeedOptions options;
  options.format = Format::wildcard;
  options.lint = lint();
  EXPECT_EQ(dump_feed(read_feed("*.com\nbad.example\n*.zip\nwww.own.example\n*.net\n", options)),
            "2 block bad.example\n3 block **.zip\n"
            "1 skipped: \"com\" is a public suffix, below which everybody has names; remove it, or "
            "if it is meant add it to force\n"
            "4 skipped: \"www.own.example\" is of your own domains (gate.own_domains), or holds "
            "one; remove it, or if it is meant add it to force\n"
            "5 skipped: \"net\" is a public suffix, below which everybody has names; remove it, or "
            "if it is meant add it to force\n");
  // A list of what is let through may have them.
  options.allow = true;
  EXPECT_EQ(read_feed("*.com\nown.example\n", options)->rules.size(), 2U);
}

TEST(Lint, PolicyZonesTooWhateverTheTriggerAndAction) {
  FeedOptions options;
  options.format = Format::rpz;
  options.origin = name("rpz.test");
  options.lint = lint();
  const auto feed = read_feed(
      "$TTL 60\n@ SOA . . 1 1 1 1 1\n*.com CNAME .\n*.org A 192.0.2.1\n*.net CNAME rpz-passthru.\n"
      "*.co.uk.rpz-nsdname CNAME .\nown.example TXT x\nbad.example CNAME .\nlocal CNAME .\n",
      options);
  ASSERT_TRUE(feed.has_value());
  EXPECT_EQ(feed->rules.size(), 2U);  // PASSTHRU and bad.example.
  EXPECT_EQ(feed->lines_skipped, 5U);
  std::vector<std::uint32_t> lines;
  for (const SkippedLine& line : feed->skipped) lines.push_back(line.line);
  EXPECT_EQ(lines, (std::vector<std::uint32_t>{3, 4, 6, 7, 9}));
}

TEST(Lint, WhatIsForcedIsTakenReservedNamesAndTheRootToo) {
  FeedOptions options;
  options.format = Format::rpz;
  options.origin = name("rpz.test");
  options.lint.forced = {dns::Name(), name("local"), name("example")};
  EXPECT_EQ(dump_feed(read_feed("* CNAME .\n*.local CNAME *.\nexample CNAME .\n", options)),
            "1 nxdomain *..\n2 nodata *.local\n3 nxdomain example\n");
}

TEST(Lint, TheGateHoldsNothingBecauseOfWhatIsForced) {
  GateRules rules;
  rules.own_domains = {name("own.example")};
  policy::ZoneOptions zone{.name = "feed", .forced = {name("com"), name("own.example")}};
  RuleInspection inspection(rules);
  for (const char* text : {"com", "own.example"}) {
    policy::Rule rule;
    rule.name = name(text);
    rule.scope = Scope::at_and_below;
    inspection.look(zone, rule);
  }
  EXPECT_TRUE(inspection.findings().empty());
  policy::Rule other;
  other.name = name("www.own.example");
  inspection.look(zone, other);
  EXPECT_EQ(inspection.findings().size(), 1U);
}

}  // namespace
}  // namespace postern::intel
