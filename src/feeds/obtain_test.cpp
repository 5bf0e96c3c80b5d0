#include "feeds/obtain.h"

#include <gtest/gtest.h>

#include "feeds/testing.h"

namespace postern::feeds {
namespace {

using testing::list;

TEST(ParseCopy, RefusesWhatIsAbsurd) {
  struct Case {
    std::string_view what;
    std::string text;
    intel::Format format;
    Origin origin;
    std::string_view error;  // Empty: taken.
  };
  using enum intel::Format;
  const std::string prose = "Service\nTemporarily\nUnavailable\n";
  const std::string prose_hosts = "0.0.0.0 Service\n0.0.0.0 Unavailable\n";
  const Case cases[] = {
      {"prose", prose, domains, Origin::remote, "none of its names has a dot"},
      {"prose as hosts", prose_hosts, hosts, Origin::remote, "none of its names has a dot"},
      {"one real name", prose + "bad.example\n", domains, Origin::remote, ""},
      {"TLDs of the owner's", prose, domains, Origin::local, ""},
      {"TLDs as patterns", "||zip^\n||mov^\n", adblock, Origin::remote, ""},
      {"TLDs as wildcards", "*.zip\n*.mov\n", wildcard, Origin::remote, ""},
      // One word, as servers send it with status 200.
      {"a word as domains", "Forbidden\n", domains, Origin::remote, "has a dot"},
      {"a word as wildcard", "Forbidden\n", wildcard, Origin::remote, "has a dot"},
      {"a word as adblock", "Unauthorized\n", adblock, Origin::remote, "has a dot"},
      {"a word as csv", "domain\nForbidden\n", csv, Origin::remote, "has a dot"},
      // Mark-up that does not begin as a page does.
      {"a fragment of HTML", "<div>\n<p>\nlogin.example.net\n</p>\n", domains, Origin::remote,
       "web page"},
      {"mark-up below a line", "login.example.net\n\n  <br>\na.example\nb.example\n", domains,
       Origin::remote, "web page"},
      {"a sentence and a name", "You must sign in:\nat this address\nlogin.example.net\n", domains,
       Origin::remote, "2 lines are no rules and only 1 are (line 1: "},
      {"as many as names", "one of two\nlogin.example.net\n", wildcard, Origin::remote, ""},
      {"the owner's own", "one of two\nlogin.example.net\n<b>\n", domains, Origin::local, ""},
      {"URLs in an adblock list", "/a/\n/b/\n||bad.example^\n", adblock, Origin::remote, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    intel::FeedOptions options;
    options.format = c.format;
    const auto content = parse_copy(c.text, options, c.origin);
    EXPECT_EQ(content.has_value(), c.error.empty()) << (content ? "" : content.error().text);
    if (content) continue;
    EXPECT_NE(content.error().text.find(c.error), std::string::npos) << content.error().text;
  }
}

}  // namespace
}  // namespace postern::feeds
