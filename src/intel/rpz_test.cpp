#include <string>

#include <gtest/gtest.h>

#include "intel/feed_dump.h"
#include "intel/format.h"

namespace postern::intel {
namespace {

const std::string kHead =
    "$TTL 300\n@ SOA localhost. root.localhost. 7 3600 600 86400 60\n  NS localhost.\n";  // 3 lines

FeedOptions rpz_options(const char* origin) {
  FeedOptions options;
  options.format = Format::rpz;
  if (*origin != '\0') options.origin = *dns::Name::from_text(origin);
  return options;
}

TEST(RpzFormat, EveryActionOfNameTriggers) {
  const struct {
    std::string text;  // Line 4 of a zone.
    std::string want;
  } cases[] = {
      {"bad.example CNAME .", "4 nxdomain bad.example\n"},
      {"*.bad.example CNAME .", "4 nxdomain *.bad.example\n"},
      {"bad.example CNAME *.", "4 nodata bad.example\n"},
      {"bad.example CNAME rpz-passthru.", "4 pass bad.example\n"},
      {"bad.example CNAME rpz-drop.", "4 drop bad.example\n"},
      {"bad.example CNAME rpz-tcp-only.", "4 tcp_only bad.example\n"},
      {"BAD.example 60 IN cname RPZ-Passthru.", "4 pass bad.example\n"},
      // PASSTHRU as it was first written.
      {"bad.example CNAME bad.example.", "4 pass bad.example\n"},
      {"*.bad.example CNAME *.bad.example.", "4 pass *.bad.example\n"},
      // Local data: all records of an owner are one rule.
      {"bad.example A 192.0.2.1\n  AAAA 2001:db8::1\n  TXT \"blocked here\"",
       "4 local_data bad.example [A 192.0.2.1] [AAAA 2001:db8::1] [TXT \"blocked here\"]\n"},
      {"bad.example CNAME garden.example.", "4 local_data bad.example [CNAME garden.example.]\n"},
      {"*.bad.example CNAME *.garden.example.",
       "4 local_data *.bad.example [CNAME *.garden.example.]\n"},
      {"a.example A 192.0.2.1\n*.a.example A 192.0.2.2",
       "4 local_data a.example [A 192.0.2.1]\n5 local_data *.a.example [A 192.0.2.2]\n"},
      // Passed over, with the reason.
      {"bad.example CNAME rpz-unheard-of.",
       "4 skipped: \"rpz-unheard-of\" is no action; use rpz-passthru., rpz-drop. or "
       "rpz-tcp-only.\n"},
      {"32.1.2.0.192.rpz-ip CNAME .",
       "4 skipped: \"32.1.2.0.192.rpz-ip\" is a trigger that is not supported yet; only names "
       "are\n"},
      {"24.0.2.0.192.rpz-client-ip CNAME .",
       "4 skipped: \"24.0.2.0.192.rpz-client-ip\" is a trigger that is not supported yet; only "
       "names are\n"},
      {"ns.bad.example.rpz-nsdname CNAME .",
       "4 skipped: \"ns.bad.example.rpz-nsdname\" is a trigger that is not supported yet; only "
       "names are\n"},
      {"* CNAME .", "4 skipped: \".\" stands for every name there is; remove it\n"},
      {"localhost CNAME .",
       "4 skipped: \"localhost\" is reserved for local use and answered by the resolver itself; "
       "remove it\n"},
      {"bad.example DNAME x.example.", "4 skipped: \"DNAME\" can be no local data; remove it\n"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const std::string text = kHead + c.text + "\nlast.example CNAME .\n";
    std::string got = dump_feed(read_feed(text, rpz_options("rpz.test")));
    const std::string last = "nxdomain last.example\n";
    const std::size_t at = got.find(last);
    ASSERT_NE(at, std::string::npos) << got;
    got.erase(at - 2, last.size() + 2);
    EXPECT_EQ(got, c.want);
  }
}

TEST(RpzFormat, OwnersAreReadRelativeToTheZone) {
  const std::string want = "nxdomain bad.example\n";
  // From the options, from $ORIGIN, from the owner of the SOA, or a zone without any of them.
  EXPECT_EQ(dump_feed(read_feed(kHead + "bad.example CNAME .", rpz_options("rpz.test"))),
            "4 " + want);
  EXPECT_EQ(
      dump_feed(read_feed("$ORIGIN rpz.test.\n" + kHead + "bad.example CNAME .", rpz_options(""))),
      "5 " + want);
  EXPECT_EQ(dump_feed(read_feed("rpz.test. 60 SOA . . 1 1 1 1 1\nbad.example.rpz.test. 60 CNAME .",
                                rpz_options(""))),
            "2 " + want);
  EXPECT_EQ(dump_feed(read_feed(kHead + "bad.example CNAME .", rpz_options(""))), "4 " + want);
  EXPECT_EQ(dump_feed(read_feed("bad.example CNAME .", rpz_options(""))), "1 " + want);
  EXPECT_EQ(dump_feed(read_feed(kHead + "a.elsewhere.example. CNAME .\nbad.example CNAME .",
                                rpz_options("rpz.test"))),
            "5 " + want +
                "4 skipped: \"a.elsewhere.example\" is outside of the zone; check the feed's "
                "origin\n");
}

TEST(RpzFormat, ABadEntryCostsThatEntry) {
  const auto feed =
      read_feed(kHead + "a.example CNAME .\nb.example A 300.1.1.1\nc.example CNAME .\n",
                rpz_options("rpz.test"));
  ASSERT_TRUE(feed.has_value());
  EXPECT_EQ(feed->rules.size(), 2U);
  EXPECT_EQ(feed->lines, 6U);
  EXPECT_EQ(feed->lines_skipped, 1U);
  ASSERT_EQ(feed->skipped.size(), 1U);
  EXPECT_EQ(feed->skipped[0].line, 5U);
}

}  // namespace
}  // namespace postern::intel
