// Keys, and zones that are published.
#include <string>

#include <gtest/gtest.h>

#include "config/config.h"

namespace postern::config {
namespace {

std::string problems_of(std::string_view yaml) {
  std::string out;
  for (const Problem& problem : parse(yaml).problems) out += to_text(problem, "f") + "\n";
  return out;
}

TEST(PublishOptions, AreRead) {
  const std::string yaml =
      "keys:\n"
      "  - {name: A.Key, algorithm: hmac-sha512, secret: c2VjcmV0}\n"
      "groups:\n"
      "  - {name: office, feeds: []}\n"
      "publish:\n"
      "  - {name: out, zone: Policy.Postern, group: office, clients: [192.0.2.0/24], keys: "
      "[a.key],\n"
      "     notify: ['192.0.2.53:53'], history: 1MiB, wildcards: longest}\n"
      "  - {name: more, zone: more.postern, clients: ['::1']}\n"
      "  - {name: polled, zone: polled.postern, taxii: {title: For all, user: u, password_file: "
      "/p, "
      "token_file: /t}}\n";
  const Outcome outcome = parse(yaml);
  ASSERT_TRUE(outcome.config) << problems_of(yaml);
  const Key& key = outcome.config->keys.at(0);
  EXPECT_EQ(key.name.to_text(), "a.key.");
  EXPECT_EQ(key.algorithm, dns::TsigAlgorithm::hmac_sha512);
  EXPECT_EQ(key.secret, "c2VjcmV0");
  const Publish& out = outcome.config->publish.at(0);
  EXPECT_EQ(out.zone.to_text(), "policy.postern.");
  EXPECT_EQ(out.group, "office");
  EXPECT_EQ(out.clients.at(0).to_text(), "192.0.2.0/24");
  EXPECT_EQ(out.keys, std::vector<std::string>{"a.key"});
  EXPECT_EQ(out.notify.at(0).to_text(), "192.0.2.53:53");
  EXPECT_EQ(out.wildcards, Wildcards::longest);
  EXPECT_EQ(out.history_octets, 1U << 20);
  EXPECT_EQ(outcome.config->publish.at(1).group, "default");
  const Publish& polled = outcome.config->publish.at(2);
  EXPECT_EQ(polled.taxii_title, "For all");
  EXPECT_EQ(polled.taxii_user, "u");
  EXPECT_EQ(polled.taxii_password_file, "/p");
  EXPECT_EQ(polled.taxii_token_file, "/t");
}

TEST(PublishOptions, MistakesSayWhatToDo) {
  struct Case {
    std::string_view yaml, want;
  };
  const Case cases[] = {
      {"publish: [{zone: z}]", "name is missing"},
      {"publish: [{name: x, clients: ['::1']}]", "zone is missing"},
      {"publish: [{name: x, zone: ., clients: ['::1']}]", "the root is no policy zone"},
      // Closed by default.
      {"publish: [{name: x, zone: z}]", "nobody may have the zone; add clients"},
      {"publish: [{name: x, zone: z, keys: [k]}]", "no key is called \"k\"; add it under keys"},
      {"keys: [{name: one.key, secret: AAAA}]\npublish: [{name: x, zone: z, keys: [ome.key]}]",
       "did you mean one.key?"},
      {"publish: [{name: x, zone: z, clients: ['::1'], group: g}]", "no group is called \"g\""},
      {"publish: [{name: x, zone: z, clients: ['::1']}, {name: x, zone: y, clients: ['::1']}]",
       "another one is called \"x\" too"},
      {"publish: [{name: x, zone: z, clients: ['::1']}, {name: y, zone: Z, clients: ['::1']}]",
       "\"z\" is published twice"},
      {"publish: [{name: x, zone: z, clients: ['::1'], tls_only: true}]",
       "nobody could have the zone: server.transfer_tls.listen is empty"},
      {"server: {transfer_tls: {listen: ['127.0.0.1:853'], key_file: /k}}",
       "an address to listen at, but no certificate with its key; give certificate_file"},
      {"server: {listen: ['127.0.0.1:53'], transfer_tls: {listen: ['127.0.0.1:53'], "
       "certificate_file: /c, key_file: /k}}",
       "127.0.0.1:53 is in server.listen too"},
      // As a collection.
      {"publish: [{name: x, zone: z, taxii: {title: t}}]",
       "nobody may have the collection; add token_file"},
      {"publish: [{name: x, zone: z, taxii: {token_file: /t}}]", "taxii has no title; add title"},
      {"publish: [{name: x, zone: z, taxii: {title: t, user: u}}]",
       "user and password_file belong together; give both"},
      {"keys: [{name: k}]", "neither secret nor secret_file; add secret_file"},
      {"keys: [{name: k, secret: AAAA, secret_file: f}]", "both secret and secret_file"},
      {"keys: [{name: k, secret: '!'}]", "the secret is not base64"},
      {"keys: [{name: k, secret: AAAA}, {name: K, secret: AAAA}]",
       "another key is called \"k\" too"},
      // Only what is published may be for nobody.
      {"groups: [{name: g, feeds: []}]", "the group has no clients"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.yaml);
    EXPECT_NE(problems_of(each.yaml).find(each.want), std::string::npos) << problems_of(each.yaml);
  }
}

}  // namespace
}  // namespace postern::config
