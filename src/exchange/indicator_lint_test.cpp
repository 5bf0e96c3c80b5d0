#include "exchange/indicator_lint.h"

#include <gtest/gtest.h>

#include "exchange/report.h"

namespace postern::exchange {
namespace {

OwnThings own_things() {
  OwnThings out;
  out.networks.push_back(*IpPrefix::from_text("198.51.100.0/24"));
  out.domains.push_back(*dns::Name::from_text("corp.example"));
  return out;
}

std::string said(std::optional<Refusal> refusal) {
  return refusal ? std::string(to_string(*refusal)) : "told";
}

TEST(IndicatorLint, Addresses) {
  const OwnThings own = own_things();
  const IndicatorLint lint(own, nullptr);
  const struct {
    std::string_view text, said;
  } cases[] = {{"203.0.113.7", "told"},
               {"2001:db8::7", "told"},
               {"198.51.100.9", "one's own"},
               {"10.1.2.3", "not a public address"},
               {"127.0.0.1", "not a public address"},
               {"fe80::1", "not a public address"}};
  for (const auto& one : cases) {
    EXPECT_EQ(said(lint.of_address(*IpAddress::from_text(one.text))), one.said) << one.text;
  }
}

TEST(IndicatorLint, Names) {
  const OwnThings own = own_things();
  const IndicatorLint lint(own, nullptr);
  const struct {
    std::string_view text, said;
  } cases[] = {{"p.estonine.com", "told"},
               {"Evil.Example", "told"},
               {"mail.corp.example", "one's own"},
               {"corp.example", "one's own"},
               {"notcorp.example", "told"},
               {"co.uk", "shared by strangers"},
               {"github.io", "shared by strangers"},
               {"schemas.microsoft.com", "a site of everybody's"},
               {"www.w3.org", "a site of everybody's"},
               {"microsoft.com.evil.example", "told"},
               {"notmicrosoft.com", "told"},
               {"localhost", "not a domain name"},
               {"a b", "not a domain name"},
               {"in-addr.arpa", "reserved"}};
  for (const auto& one : cases) {
    dns::Name name;
    const std::string is = said(lint.of_name(one.text, name));
    if (one.said == "reserved") {
      EXPECT_NE(is, "told") << one.text;
    } else {
      EXPECT_EQ(is, one.said) << one.text;
    }
  }
}

TEST(IndicatorLint, Hashes) {
  const OwnThings own;
  KnownGoodBuilder builder;
  ASSERT_TRUE(builder.add_builds("build_idx,build\n0,15.1.2176.2\n").has_value());
  const std::string good(64, 'b');
  ASSERT_TRUE(
      builder.add_files("sha256,path,build_idx\n" + good + ",FrontEnd/a.aspx,0\n").has_value());
  const auto octets = builder.finish();
  ASSERT_TRUE(octets.has_value());
  const auto known = KnownGood::open(*octets);
  ASSERT_TRUE(known.has_value());
  const IndicatorLint lint(own, &*known);
  EXPECT_EQ(said(lint.of_hash(*sha256_of(std::string(64, 'a')))), "told");
  EXPECT_EQ(said(lint.of_hash(*sha256_of(good))), "a file of Microsoft's");
  EXPECT_EQ(said(lint.of_hash(
                *sha256_of("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))),
            "the hash of an empty file");
}

TEST(IndicatorLint, WhatIsRefusedIsCountedOnce) {
  Finding finding;
  finding.rule = "PL-01";
  finding.tier = Tier::exploited;
  finding.confidence = 95;
  finding.actor = "203.0.113.7";
  finding.details = {{"domain", "evil.example"},
                     {"domain", "www.w3.org"},
                     {"domain", "www.w3.org"},
                     {"domain", "x.corp.example"},
                     {"address", "10.0.0.1"}};
  Report report;
  ServerReport& server = report.servers.emplace_back();
  server.findings = {finding, finding};
  server.verdict.outcome = Outcome::compromised;
  PublishPlan plan;
  plan.own = own_things();
  const PublishCounts counts = count_indicators(report, plan);
  EXPECT_EQ(to_text(counts),
            "2 indicators; left out: 1 not a public address, 1 one's own, 1 a site of "
            "everybody's");
  const std::string stix = to_stix(report, plan);
  EXPECT_EQ(stix.find("w3.org"), std::string::npos);
  EXPECT_EQ(stix.find("corp.example"), std::string::npos);
  EXPECT_NE(stix.find("evil.example"), std::string::npos);
}

}  // namespace
}  // namespace postern::exchange
