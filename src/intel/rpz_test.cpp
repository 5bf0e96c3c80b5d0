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

struct RpzCase {
  std::string text;  // From line 4 of a zone on.
  std::string want;
};

// The rules and skipped lines that a text comes to behind the head of a zone, without those of
// the last line, which is there so that a text without any rule is no error.
std::string read_lines(const std::string& lines) {
  const std::string text = kHead + lines + "\nlast.example CNAME .\n";
  std::string got = dump_feed(read_feed(text, rpz_options("rpz.test")));
  const std::size_t at = got.find("nxdomain last.example\n");
  if (at == std::string::npos) return "the last line is lost: " + got;
  const std::size_t line = got.rfind('\n', at);
  const std::size_t begin = line == std::string::npos ? 0 : line + 1;
  return got.erase(begin, got.find('\n', at) + 1 - begin);
}

template <std::size_t kCount>
void expect_lines(const RpzCase (&cases)[kCount]) {
  for (const RpzCase& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(read_lines(c.text), c.want);
  }
}

TEST(RpzFormat, EveryActionOfNameTriggers) {
  const RpzCase cases[] = {
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
      {"*.bad.example CNAME bad.example.", "4 local_data *.bad.example [CNAME bad.example.]\n"},
      // Local data: all records of an owner are one rule.
      {"bad.example A 192.0.2.1\n  AAAA 2001:db8::1\n  TXT \"blocked here\"",
       "4 local_data bad.example [A 192.0.2.1] [AAAA 2001:db8::1] [TXT \"blocked here\"]\n"},
      {"bad.example MX 10 mail.garden.example.",
       "4 local_data bad.example [MX 10 mail.garden.example.]\n"},
      {"bad.example TYPE65280 \\# 2 abcd", "4 local_data bad.example [TYPE65280 \\# 2 ABCD]\n"},
      {"bad.example CNAME garden.example.", "4 local_data bad.example [CNAME garden.example.]\n"},
      {"*.bad.example CNAME *.garden.example.",
       "4 local_data *.bad.example [CNAME *.garden.example.]\n"},
      {"bad.example CNAME *.garden.example.",
       "4 local_data bad.example [CNAME *.garden.example.]\n"},
      {"a.example A 192.0.2.1\n*.a.example A 192.0.2.2",
       "4 local_data a.example [A 192.0.2.1]\n5 local_data *.a.example [A 192.0.2.2]\n"},
      // A star that is no first label is a name like any other (RFC 4592 §2.1.1).
      {"a.*.example CNAME .", "4 nxdomain a.*.example\n"},
      // Passed over, with the reason.
      {"bad.example CNAME rpz-unheard-of.",
       "4 skipped: \"rpz-unheard-of\" is no action; use rpz-passthru., rpz-drop. or "
       "rpz-tcp-only.\n"},
      {"* CNAME .", "4 skipped: \".\" stands for every name there is; remove it\n"},
      {"localhost CNAME .",
       "4 skipped: \"localhost\" is reserved for local use and answered by the resolver itself; "
       "remove it\n"},
      {"bad.example DNAME x.example.", "4 skipped: \"DNAME\" can be no local data; remove it\n"},
      {"bad.example.rpz-future CNAME .",
       "4 skipped: \"bad.example.rpz-future\" is a trigger that is not known; there are rpz-ip, "
       "rpz-client-ip, rpz-nsip and rpz-nsdname\n"},
      // A label of a trigger that is not the last one is nothing but a label.
      {"rpz-ip.bad.example CNAME .", "4 nxdomain rpz-ip.bad.example\n"},
      // Records that the zone has for its own sake.
      {"@ A 192.0.2.1\nbad.example NS ns.example.", ""},
      {"bad.example RRSIG CNAME 8 2 60 20300101000000 20200101000000 1 rpz.test. AAAA", ""},
      {"bad.example NSEC c.example. CNAME", ""},
      {"@ DNSKEY 256 3 8 AAAA", ""},
  };
  expect_lines(cases);
}

TEST(RpzFormat, EveryTriggerTakesEveryAction) {
  const struct {
    const char* owner;
    const char* self;  // What a CNAME to the trigger itself points to.
    const char* want;
  } triggers[] = {
      {"bad.example", "bad.example.", "bad.example"},
      {"*.bad.example", "*.bad.example.", "*.bad.example"},
      {"24.0.2.0.192.rpz-client-ip", "24.0.2.0.192.", "client_ip:192.0.2.0/24"},
      {"32.1.2.0.192.rpz-ip", "32.1.2.0.192.rpz-ip.", "response_ip:192.0.2.1/32"},
      {"48.zz.2.db8.2001.rpz-ip", "48.zz.2.db8.2001.", "response_ip:2001:db8:2::/48"},
      {"ns.bad.example.rpz-nsdname", "ns.bad.example.", "nsdname:ns.bad.example"},
      {"*.bad.example.rpz-nsdname", "*.bad.example.rpz-nsdname.", "nsdname:*.bad.example"},
      {"128.53.zz.db8.2001.rpz-nsip", "128.53.zz.db8.2001.", "nsip:2001:db8::53/128"},
  };
  const struct {
    const char* record;
    const char* action;
    const char* data;
  } actions[] = {
      {"CNAME .", "nxdomain", ""},
      {"CNAME *.", "nodata", ""},
      {"CNAME rpz-passthru.", "pass", ""},
      {"CNAME rpz-drop.", "drop", ""},
      {"CNAME rpz-tcp-only.", "tcp_only", ""},
      {"CNAME SELF", "pass", ""},
      {"A 192.0.2.9", "local_data", " [A 192.0.2.9]"},
      {"CNAME garden.example.", "local_data", " [CNAME garden.example.]"},
      {"CNAME *.garden.example.", "local_data", " [CNAME *.garden.example.]"},
  };
  for (const auto& trigger : triggers) {
    for (const auto& action : actions) {
      std::string record = action.record;
      if (const auto at = record.find("SELF"); at != std::string::npos) {
        record.replace(at, 4, trigger.self);
      }
      const std::string line = std::string(trigger.owner) + " " + record;
      SCOPED_TRACE(line);
      EXPECT_EQ(read_lines(line),
                std::string("4 ") + action.action + " " + trigger.want + action.data + "\n");
    }
    SCOPED_TRACE(trigger.owner);
    EXPECT_EQ(read_lines(std::string(trigger.owner) + " CNAME rpz-nothing."),
              "4 skipped: \"rpz-nothing\" is no action; use rpz-passthru., rpz-drop. or "
              "rpz-tcp-only.\n");
  }
}

TEST(RpzFormat, PrefixesAreReadFromRightToLeft) {
  const struct {
    const char* owner;  // Before ".rpz-nsip".
    const char* want;
  } cases[] = {
      // IPv4.
      {"32.1.2.0.192", "192.0.2.1/32"},
      {"24.0.2.0.192", "192.0.2.0/24"},
      {"31.254.2.0.192", "192.0.2.254/31"},
      {"8.0.0.0.10", "10.0.0.0/8"},
      {"32.255.255.255.255", "255.255.255.255/32"},
      {"32.0.0.0.0", "0.0.0.0/32"},
      // Not canonical, but clear; BIND warns of it and takes it.
      {"024.000.002.0.192", "192.0.2.0/24"},
      // IPv6, in full and with zz at every place.
      {"128.1.0.0.0.0.0.db8.2001", "2001:db8::1/128"},
      {"128.8.7.6.5.4.3.2.2001", "2001:2:3:4:5:6:7:8/128"},
      {"128.1.zz.db8.2001", "2001:db8::1/128"},
      {"32.zz.db8.2001", "2001:db8::/32"},
      {"64.zz.1.2.db8.2001", "2001:db8:2:1::/64"},
      {"128.zz.1", "1::/128"},
      {"128.1.zz", "::1/128"},
      {"128.1.2.3.zz", "::3:2:1/128"},
      {"128.zz", "::/128"},
      {"10.zz.fe80", "fe80::/10"},
      {"7.zz.fc00", "fc00::/7"},
      {"127.fffe.zz.db8.2001", "2001:db8::fffe/127"},
      {"128.7.zz.5.4.3.2.db8.2001", "2001:db8:2:3:4:5:0:7/128"},
      {"128.zz.7.6.5.4.3.2.2001", "2001:2:3:4:5:6:7:0/128"},
      {"128.1.zz.3.2001", "2001:3::1/128"},
      // Upper case, and zeros that need not be.
      {"128.1.ZZ.DB8.2001", "2001:db8::1/128"},
      {"128.0001.zz.0db8.2001", "2001:db8::1/128"},
      {"128.1.0.zz.db8.2001", "2001:db8::1/128"},
      // IPv4 addresses in IPv6 are IPv4 addresses.
      {"128.201.c000.ffff.zz", "192.0.2.1/32"},
      {"120.200.c000.ffff.zz", "192.0.2.0/24"},
  };
  for (const auto& c : cases) {
    const std::string line = std::string(c.owner) + ".rpz-nsip CNAME rpz-passthru.";
    SCOPED_TRACE(line);
    EXPECT_EQ(read_lines(line), std::string("4 pass nsip:") + c.want + "\n");
  }
}

TEST(RpzFormat, WhatIsNoPrefixIsSkippedWithTheReason) {
  const std::string no_prefix =
      "is no prefix in the form of a policy zone; write 24.0.2.0.192.rpz-ip for 192.0.2.0/24, "
      "48.zz.db8.2001.rpz-ip for 2001:db8::/48";
  const std::string length =
      "does not begin with a prefix length from 1 to 32, or for IPv6 to 128; correct it";
  const std::string every = "stands for every address there is; remove it";
  const std::string part = "has a part that is no number up to 255; correct it";
  const std::string group = "has a group that is no hexadecimal number up to ffff; correct it";
  const std::string two = "has zz more than once; write the zeros of one of them out";
  const std::string eighth = "has zz as its eighth group; write 0";
  const std::string count =
      "has neither eight groups nor zz once in place of those that are zero; correct it";
  const std::string host =
      "has bits set behind its prefix length; write zeros there, or the length that is meant";
  const struct {
    const char* owner;  // Before ".rpz-ip".
    const std::string& want;
  } cases[] = {
      {"0.0.0.0.0", every},
      {"0.zz", every},
      {"96.0.0.ffff.zz", every},  // Every IPv4 address.
      {"33.1.2.0.192", length},
      {"129.1.zz.db8.2001", length},
      {"999999999999.1.2.0.192", length},
      {"x.1.2.0.192", length},
      {"-1.1.2.0.192", length},
      {"*.1.2.0.192", length},
      {"*.32.1.2.0.192", length},
      {"ns.bad.example", length},
      {"zz.db8.2001", length},
      {"32.256.2.0.192", part},
      {"32.1.2.0.c0", part},
      {"32.1.2.+0.192", part},
      {"32.1.2.192", count},
      {"32.1.2.3.4.5", count},
      {"128.1.0.0.0.0.0.0.db8.2001", count},
      {"128.1.2.3.4.5.6.7.8.zz", count},
      {"128.1.zz.10000", group},
      {"128.1.zz.0xdb8.2001", group},
      {"128.1.zz.g", group},
      {"128.1.zzz.2.db8.2001", count},
      {"128.1.zz.db8.zz.2001", two},
      {"128.zz.1.2.3.zz", two},
      {"128.1.2.3.4.5.6.7.zz", eighth},
      {"24.1.2.0.192", host},
      {"16.0.2.0.192", host},
      {"1.0.0.0.255", host},
      {"64.1.zz.db8.2001", host},
      {"127.1.zz.db8.2001", host},
      {"90.0.0.ffff.zz", host},
      {"24", no_prefix},
  };
  for (const auto& c : cases) {
    const std::string owner = std::string(c.owner) + ".rpz-ip";
    SCOPED_TRACE(owner);
    EXPECT_EQ(read_lines(owner + " CNAME ."), "4 skipped: \"" + owner + "\" " + c.want + "\n");
  }
  EXPECT_EQ(read_lines("rpz-ip CNAME ."), "4 skipped: \"rpz-ip\" " + no_prefix + "\n");
}

TEST(RpzFormat, WhatNoRuleMayBeForIsSkipped) {
  const std::string wide =
      " would block more of the Internet than any one owner has; if it is meant, write it as "
      "prefixes of /8, or for IPv6 of /19\n";
  const RpzCase cases[] = {
      // Addresses of servers: as wide as one owner can have them.
      {"8.0.0.0.192.rpz-ip CNAME .", "4 nxdomain response_ip:192.0.0.0/8\n"},
      {"7.0.0.0.192.rpz-ip CNAME .", "4 skipped: \"192.0.0.0/7\"" + wide},
      {"1.0.0.0.128.rpz-nsip A 192.0.2.1", "4 skipped: \"128.0.0.0/1\"" + wide},
      {"19.zz.2001.rpz-ip CNAME .", "4 nxdomain response_ip:2001::/19\n"},
      {"18.zz.2001.rpz-ip CNAME .", "4 skipped: \"2001::/18\"" + wide},
      {"18.zz.2000.rpz-nsip CNAME rpz-drop.", "4 skipped: \"2000::/18\"" + wide},
      {"1.zz.rpz-ip CNAME .", "4 skipped: \"::/1\"" + wide},
      // Where no public server is, any width is fine; so are the own network's addresses, which
      // lists against rebinding hold.
      {"3.0.0.0.224.rpz-ip CNAME .", "4 nxdomain response_ip:224.0.0.0/3\n"},
      {"7.zz.fc00.rpz-ip CNAME .", "4 nxdomain response_ip:fc00::/7\n"},
      {"8.0.0.0.10.rpz-ip CNAME .", "4 nxdomain response_ip:10.0.0.0/8\n"},
      {"16.0.0.168.192.rpz-ip CNAME .", "4 nxdomain response_ip:192.168.0.0/16\n"},
      {"8.0.0.0.127.rpz-ip CNAME .", "4 nxdomain response_ip:127.0.0.0/8\n"},
      // Letting pass, and clients: any width but all.
      {"1.0.0.0.128.rpz-ip CNAME rpz-passthru.", "4 pass response_ip:128.0.0.0/1\n"},
      {"1.0.0.0.128.rpz-client-ip CNAME .", "4 nxdomain client_ip:128.0.0.0/1\n"},
      {"1.zz.8000.rpz-client-ip CNAME .", "4 nxdomain client_ip:8000::/1\n"},
      // Names of servers.
      {"rpz-nsdname CNAME .", "4 skipped: \".\" stands for every name there is; remove it\n"},
      {"*.rpz-nsdname CNAME .", "4 skipped: \".\" stands for every name there is; remove it\n"},
      {"localhost.rpz-nsdname CNAME .",
       "4 skipped: \"localhost\" is reserved for local use and answered by the resolver itself; "
       "remove it\n"},
  };
  expect_lines(cases);
}

TEST(RpzFormat, OfTwoRecordsThatExcludeEachOtherTheFirstCounts) {
  const std::string alone =
      " has a CNAME and another record, where a CNAME must be alone; only the first counts\n";
  const RpzCase cases[] = {
      // A record twice is one record, wherever it stands; the records of an owner are one rule.
      {"a.example A 192.0.2.1\na.example A 192.0.2.1", "4 local_data a.example [A 192.0.2.1]\n"},
      {"a.example A 192.0.2.1\nb.example CNAME .\na.example A 192.0.2.2",
       "4 local_data a.example [A 192.0.2.1] [A 192.0.2.2]\n5 nxdomain b.example\n"},
      // One address written in two ways is one owner; as another trigger it is another one.
      {"128.1.zz.db8.2001.rpz-ip A 192.0.2.1\n128.1.0.0.0.0.0.db8.2001.rpz-ip A 192.0.2.2",
       "4 local_data response_ip:2001:db8::1/128 [A 192.0.2.1] [A 192.0.2.2]\n"},
      {"32.1.2.0.192.rpz-ip A 192.0.2.1\n32.1.2.0.192.rpz-nsip A 192.0.2.2\n"
       "32.1.2.0.192.rpz-ip A 192.0.2.3",
       "4 local_data response_ip:192.0.2.1/32 [A 192.0.2.1] [A 192.0.2.3]\n"
       "5 local_data nsip:192.0.2.1/32 [A 192.0.2.2]\n"},
      {"24.0.2.0.192.rpz-ip A 192.0.2.1\n25.0.2.0.192.rpz-ip A 192.0.2.2",
       "4 local_data response_ip:192.0.2.0/24 [A 192.0.2.1]\n"
       "5 local_data response_ip:192.0.2.0/25 [A 192.0.2.2]\n"},
      {"a.example A 192.0.2.1\na.example.rpz-nsdname A 192.0.2.2",
       "4 local_data a.example [A 192.0.2.1]\n"
       "5 local_data nsdname:a.example [A 192.0.2.2]\n"},
      // Actions are rules of their own; of rules for one owner the first is in force.
      {"a.example CNAME .\na.example CNAME .", "4 nxdomain a.example\n5 nxdomain a.example\n"},
      // A CNAME is alone.
      {"a.example CNAME b.example.\na.example A 192.0.2.1",
       "4 local_data a.example [CNAME b.example.]\n5 skipped: \"a.example\"" + alone},
      {"a.example A 192.0.2.1\na.example CNAME b.example.",
       "4 local_data a.example [A 192.0.2.1]\n5 skipped: \"a.example\"" + alone},
      {"a.example CNAME b.example.\nz.example CNAME .\na.example CNAME c.example.",
       "4 local_data a.example [CNAME b.example.]\n5 nxdomain z.example\n"
       "6 skipped: \"a.example\"" +
           alone},
      {"32.1.2.0.192.rpz-ip CNAME b.example.\n32.1.2.0.192.rpz-ip TXT x",
       "4 local_data response_ip:192.0.2.1/32 [CNAME b.example.]\n"
       "5 skipped: \"192.0.2.1/32\"" +
           alone},
  };
  expect_lines(cases);
}

TEST(RpzFormat, TheZonesSoaIsKept) {
  const auto feed = read_feed(kHead + "bad.example CNAME .\n", rpz_options("rpz.test"));
  ASSERT_TRUE(feed.has_value());
  EXPECT_TRUE(feed->rules.closest_encloser());
  ASSERT_TRUE(feed->rules.soa().has_value());
  EXPECT_EQ(feed->rules.soa()->origin.to_text(), "rpz.test.");
  EXPECT_EQ(feed->rules.soa()->ttl, 300U);
  EXPECT_EQ(dns::rdata_to_text(dns::RRType::soa, feed->rules.soa()->rdata),
            "localhost. root.localhost. 7 3600 600 86400 60");

  // Local data makes the rules anew at the end; what holds for the zone stays.
  const auto garden = read_feed(kHead + "bad.example A 192.0.2.1\n", rpz_options("rpz.test"));
  ASSERT_TRUE(garden.has_value());
  EXPECT_TRUE(garden->rules.closest_encloser());
  EXPECT_TRUE(garden->rules.soa().has_value());

  // The origin from the SOA itself; the first one counts.
  const auto named = read_feed(
      "$TTL 60\nrpz.test. SOA . . 1 1 1 1 1\nrpz.test. SOA . . 2 1 1 1 1\nx.rpz.test. CNAME .\n",
      rpz_options(""));
  ASSERT_TRUE(named.has_value());
  ASSERT_TRUE(named->rules.soa().has_value());
  EXPECT_EQ(named->rules.soa()->origin.to_text(), "rpz.test.");
  EXPECT_EQ(dns::rdata_to_text(dns::RRType::soa, named->rules.soa()->rdata), ". . 1 1 1 1 1");

  // None of another zone's, and none of a zone without a name.
  for (const std::string head : {"other.test. 60 SOA . . 1 1 1 1 1\n", ""}) {
    const auto other = read_feed(head + "bad.example CNAME .\n", rpz_options("rpz.test"));
    ASSERT_TRUE(other.has_value());
    EXPECT_FALSE(other->rules.soa().has_value());
  }
  const auto nameless = read_feed(kHead + "bad.example CNAME .\n", rpz_options(""));
  ASSERT_TRUE(nameless.has_value());
  EXPECT_FALSE(nameless->rules.soa().has_value());
}

TEST(RpzFormat, OnlyPolicyZonesHideWildcardsBehindNames) {
  FeedOptions options;
  options.format = Format::wildcard;
  const auto feed = read_feed("*.bad.example\n", options);
  ASSERT_TRUE(feed.has_value());
  EXPECT_FALSE(feed->rules.closest_encloser());
}

TEST(RpzFormat, AnAllowListLetsPassByEveryTrigger) {
  FeedOptions options = rpz_options("rpz.test");
  options.allow = true;
  EXPECT_EQ(dump_feed(read_feed(kHead + "a.example CNAME .\n32.1.2.0.192.rpz-ip A 192.0.2.9\n"
                                        "1.0.0.0.0.rpz-nsip CNAME rpz-drop.\n"
                                        "*.ns.example.rpz-nsdname CNAME *.\n",
                                options)),
            "4 pass a.example\n5 pass response_ip:192.0.2.1/32\n6 pass nsip:0.0.0.0/1\n"
            "7 pass nsdname:*.ns.example\n");
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
