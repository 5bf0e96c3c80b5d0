// What a feed's rules may do and when, what may be blocked by hand, and what clients are told of
// it.
#include <string>

#include <gtest/gtest.h>

#include "config/config.h"

namespace postern::config {
namespace {

/// "good", or all mistakes, one a line.
std::string checked(const std::string& yaml) {
  const Outcome outcome = parse(yaml);
  if (outcome.config) return "good";
  std::string text;
  for (const Problem& problem : outcome.problems) text += to_text(problem, "f") + "\n";
  return text;
}

TEST(PolicyZoneOptions, AreReadFeedByFeed) {
  const Outcome plain = parse("feeds: [{name: a, format: rpz, path: /a}]");
  ASSERT_TRUE(plain.config.has_value());
  const Feed& usual = plain.config->feeds[0];
  EXPECT_TRUE(usual.recursive_only && usual.break_dnssec && usual.nsdname_wait && usual.nsip_wait);
  EXPECT_FALSE(usual.qname_wait_recurse.has_value());
  EXPECT_FALSE(usual.suberror.has_value());
  const Outcome set = parse(
      "feeds: [{name: a, format: rpz, path: /a, recursive_only: false, break_dnssec: false, "
      "nsdname_wait: false, nsip_wait: false, qname_wait_recurse: always, suberror: phishing, "
      "force: [zip, .]}]");
  ASSERT_TRUE(set.config.has_value()) << checked("");
  const Feed& feed = set.config->feeds[0];
  EXPECT_FALSE(feed.recursive_only || feed.break_dnssec || feed.nsdname_wait || feed.nsip_wait);
  EXPECT_EQ(feed.qname_wait_recurse, policy::QnameWait::always);
  EXPECT_EQ(feed.suberror, policy::SubError::phishing);
  EXPECT_EQ(feed.force, (std::vector<std::string>{"zip", "."}));
  EXPECT_EQ(checked("feeds: [{name: a, format: hosts, path: /a, nsip_wait: false}]"),
            "f:1:55: feeds[0].nsip_wait: means nothing for a feed of format hosts; it is for rpz: "
            "remove it, or correct the format\n");
}

TEST(OwnLists, BlockNobodysNamesAndNotOnesOwnUnlessForced) {
  const struct {
    std::string yaml;
    std::string want;
  } cases[] = {
      {"policy: {block: [bad.com, '*.bad.com', co.uk, '*.hopto.org']}", "good"},
      {"policy: {block: [bad.com, '*.com']}",
       "f:1:27: policy.block[1]: \"*.com\" is a public suffix, which blocks everybody's names; "
       "remove it, or if it is meant add the name to policy.force\n"},
      {"policy: {block: zip}",
       "f:1:17: policy.block: \"zip\" is a public suffix, which blocks everybody's names; remove "
       "it, or if it is meant add the name to policy.force\n"},
      {"policy: {block: ['*.zip'], force: zip}", "good"},
      {"policy: {allow: ['*.com']}", "good"},
      {"gate: {own_domains: own.org}\npolicy: {block: [printer.own.org, own.org]}",
       "f:2:35: policy.block[1]: \"own.org\" blocks a domain of gate.own_domains; remove it, or if "
       "it is meant add the name to policy.force\n"},
      {"gate: {own_domains: www.own.org}\npolicy: {block: ['*.own.org'], force: own.org}", "good"},
      {"groups: [{name: g, clients: 192.0.2.1, block: ['*.net']}]",
       "f:1:48: groups[0].block[0]: \"*.net\" is a public suffix, which blocks everybody's names; "
       "remove it, or if it is meant add the name to policy.force\n"},
      {"tenants: [{name: t, block: ['*.net']}]",
       "f:1:29: tenants[0].block[0]: \"*.net\" is a public suffix, which blocks everybody's "
       "names; remove it, or if it is meant add the name to policy.force\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(checked(c.yaml), c.want) << c.yaml;
}

TEST(StructuredErrors, HaveSomebodyToTurnTo) {
  const Outcome outcome = parse(
      "structured_error: {contacts: ['mailto:help@example.org', 'tel:+1-201-555-0123'], "
      "organization: Example, option_code: 65280}");
  ASSERT_TRUE(outcome.config.has_value());
  EXPECT_EQ(outcome.config->error_contacts.size(), 2U);
  EXPECT_EQ(outcome.config->error_organization, "Example");
  EXPECT_EQ(outcome.config->error_option_code, 65'280U);
  EXPECT_TRUE(parse("").config->error_contacts.empty());
  const struct {
    std::string yaml;
    std::string want;
  } cases[] = {
      {"structured_error: {contacts: 'https://example.org/'}",
       "f:1:30: structured_error.contacts: \"https://example.org/\" is no contact of at most 100 "
       "octets; write mailto:who@example.com or tel:+1-201-555-0123\n"},
      {"structured_error: {contacts: 'mailto:a@b\"c'}",
       "f:1:30: structured_error.contacts: \"mailto:a@b\"c\" is no contact of at most 100 octets; "
       "write mailto:who@example.com or tel:+1-201-555-0123\n"},
      {"structured_error: {contacts: ['tel:1', 'tel:2', 'tel:3', 'tel:4']}",
       "f:1:30: structured_error.contacts: more than 3 contacts; keep the first ones\n"},
      {"structured_error: {organization: Example}",
       "f:1:19: structured_error: without contacts no structured errors are sent; add contacts: "
       "[mailto:…]\n"},
      {"structured_error: {contacts: 'tel:1', option_code: 15}",
       "f:1:52: structured_error.option_code: 15 is the code of another EDNS option; write the "
       "one that IANA has assigned, or remove it\n"},
      {"structured_error: {contacts: 'tel:1', organization: " + std::string(65, 'x') + "}",
       "f:1:53: structured_error.organization: it is longer than 64 octets; shorten it\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(checked(c.yaml), c.want) << c.yaml;
}

}  // namespace
}  // namespace postern::config
