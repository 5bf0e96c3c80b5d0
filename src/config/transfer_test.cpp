// The options of feeds that are transferred zones.
#include <string>

#include <gtest/gtest.h>

#include "config/config.h"

namespace postern::config {
namespace {

// The problems of a feed with these lines, one a line.
std::string problems_of(std::string_view feed) {
  const Outcome outcome = parse("feeds:\n  - name: x\n" + std::string(feed));
  std::string out;
  for (const Problem& problem : outcome.problems) out += to_text(problem, "f") + "\n";
  return out;
}

TEST(TransferOptions, AreRead) {
  const Outcome outcome = parse(
      "feeds:\n"
      "  - name: x\n"
      "    format: rpz\n"
      "    transfer:\n"
      "      zone: RPZ.example\n"
      "      primaries: [192.0.2.1, 'tls://192.0.2.2#ns.example']\n"
      "      tsig: {name: xfr.key, algorithm: hmac-sha512, secret_file: /etc/key}\n"
      "      on_expire: drop\n"
      "      min_refresh_s: 1\n");
  ASSERT_TRUE(outcome.config) << problems_of("");
  const Feed& feed = outcome.config->feeds.at(0);
  EXPECT_EQ(feed.transfer_zone, "rpz.example.");
  EXPECT_EQ(feed.transfer_primaries.size(), 2U);
  EXPECT_EQ(feed.transfer_tsig_name, "xfr.key.");
  EXPECT_EQ(feed.transfer_tsig_algorithm, dns::TsigAlgorithm::hmac_sha512);
  EXPECT_EQ(feed.transfer_tsig_secret_file, "/etc/key");
  EXPECT_TRUE(feed.transfer_drop_expired);
  EXPECT_EQ(feed.transfer_min_refresh_s, 1U);
  EXPECT_EQ(feed.transfer_max_refresh_s, 604'800U);
}

TEST(TransferOptions, MistakesSayWhatToDo) {
  struct Case {
    std::string_view feed, want;
  };
  const Case cases[] = {
      {"    format: rpz\n", "neither path nor url; give one of them, or transfer"},
      {"    format: rpz\n    url: https://x.example/\n    transfer: {zone: z, primaries: "
       "[192.0.2.1]}\n",
       "both url and transfer; keep one of them"},
      {"    format: rpz\n    transfer: {primaries: [192.0.2.1]}\n", "no zone; add zone"},
      {"    format: rpz\n    transfer: {zone: z.example}\n", "no primaries; add primaries"},
      {"    format: rpz\n    transfer: {zone: z.example, primaries: []}\n", "add primaries"},
      {"    format: rpz\n    transfer: {zone: ., primaries: [192.0.2.1]}\n",
       "root is no policy zone"},
      {"    format: hosts\n    transfer: {zone: z.example, primaries: [192.0.2.1]}\n",
       "the format is hosts; set format to rpz"},
      {"    format: rpz\n    refresh_s: 60\n    transfer: {zone: z.example, primaries: "
       "[192.0.2.1]}\n",
       "refresh_s: means nothing for a transferred zone"},
      {"    format: rpz\n    transfer: {zone: z.example, primaries: [ns.example]}\n",
       "is not an address of a server"},
      {"    format: rpz\n    transfer: {zone: z.example, primaries: [192.0.2.1], tsig: {name: "
       "k}}\n",
       "neither secret nor secret_file; add secret_file"},
      {"    format: rpz\n    transfer: {zone: z.example, primaries: [192.0.2.1], tsig: {secret: "
       "AQID}}\n",
       "the key has no name; add name"},
      {"    format: rpz\n    transfer: {zone: z.example, primaries: [192.0.2.1], tsig: {name: k, "
       "algorithm: hmac-md5, secret: AQID}}\n",
       "hmac-md5"},
      {"    format: rpz\n    transfer: {zone: z.example, primaries: [192.0.2.1], min_refresh_s: "
       "90, "
       "max_refresh_s: 60}\n",
       "over max_refresh_s"},
  };
  for (const Case& c : cases) {
    const std::string got = problems_of(c.feed);
    EXPECT_NE(got.find(c.want), std::string::npos) << c.feed << got;
  }
}

TEST(TransferOptions, ASecretIsNeverShown) {
  const std::string got = problems_of(
      "    format: rpz\n    transfer: {zone: z.example, primaries: [192.0.2.1], tsig: {name: k, "
      "secret: hunter2}}\n");
  EXPECT_NE(got.find("the secret is not base64"), std::string::npos) << got;
  EXPECT_EQ(got.find("hunter2"), std::string::npos) << got;
}

}  // namespace
}  // namespace postern::config
