// The options of feeds that are TAXII collections.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "config/config.h"

namespace postern::config {
namespace {

Outcome parse_feed(std::string_view lines) {
  return parse("feeds:\n  - name: f\n" + std::string(lines));
}

TEST(TaxiiOptions, AreRead) {
  const Outcome outcome = parse_feed(
      "    format: stix\n"
      "    taxii:\n"
      "      url: https://taxii.example/taxii2/\n"
      "      collection: indicators\n"
      "      user: me\n"
      "      password_file: /etc/secret\n"
      "      tls_ca_file: /etc/ca.pem\n"
      "      whole_every_s: 3600\n");
  ASSERT_TRUE(outcome.config) << outcome.problems.front().text;
  const Feed& feed = outcome.config->feeds.front();
  EXPECT_EQ(feed.taxii_url, "https://taxii.example/taxii2/");
  EXPECT_EQ(feed.taxii_collection, "indicators");
  EXPECT_EQ(feed.taxii_user, "me");
  EXPECT_EQ(feed.taxii_password_file, "/etc/secret");
  EXPECT_EQ(feed.taxii_tls_ca_file, "/etc/ca.pem");
  EXPECT_EQ(feed.taxii_whole_every_s, 3600U);
  EXPECT_EQ(feed.source_key, "feeds[0].taxii");
}

TEST(TaxiiOptions, MistakesSayWhatToDo) {
  struct Case {
    std::string_view lines;
    std::string_view want;
  };
  const Case cases[] = {
      {"    format: stix\n", "neither path nor url; give one of them, or taxii"},
      {"    format: stix\n    url: https://x.example/\n    taxii: {url: 'https://t.example/', "
       "collection: c}\n",
       "both url and taxii; keep one of them"},
      {"    format: stix\n    taxii: {collection: c}\n", "taxii has no url; add url"},
      {"    format: stix\n    taxii: {url: 'https://t.example/'}\n",
       "taxii has no collection; add collection"},
      {"    format: domains\n    taxii: {url: 'https://t.example/', collection: c}\n",
       "but the format is domains; set format to stix"},
      {"    format: stix\n    taxii: {url: 'https://t.example/', collection: c, user: me}\n",
       "user and password_file belong together; give both"},
      {"    format: stix\n    taxii: {url: 'https://t.example/', collection: c, user: me, "
       "password_file: /p, token_file: /t}\n",
       "a user with a password and a token; keep one of them"},
      {"    format: stix\n    taxii: {url: 'http://t.example/', collection: c, token_file: /t}\n",
       "would cross the network for all to read; use https://"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.lines);
    const Outcome outcome = parse_feed(c.lines);
    ASSERT_FALSE(outcome.config);
    EXPECT_NE(to_text(outcome.problems.front(), "f").find(c.want), std::string::npos)
        << to_text(outcome.problems.front(), "f");
  }
}

TEST(TaxiiOptions, ASecretMayStayOnThisMachineInClear) {
  EXPECT_TRUE(parse_feed("    format: stix\n    taxii: {url: 'http://127.0.0.1:8080/taxii2/', "
                         "collection: c, token_file: /t}\n")
                  .config);
}

}  // namespace
}  // namespace postern::config
