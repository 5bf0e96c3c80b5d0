// What each format's lines come to. Rules are written as feed_dump.h says: "1 block **.x".
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "intel/feed_dump.h"
#include "intel/format.h"
#include "intel/text.h"

namespace postern::intel {
namespace {

struct Case {
  std::string text;
  std::string want;
};

FeedOptions options_for(Format format) {
  FeedOptions options;
  options.format = format;
  return options;
}

// Each case is read with a good last line, so that a feed with nothing else is no error.
template <std::size_t kCount>
void expect_rules(const Case (&cases)[kCount], const FeedOptions& options,
                  const std::string& last_line) {
  const std::string last_rule = dump_feed(read_feed(last_line, options)).substr(2);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    std::string text = c.text + "\n" + last_line;
    std::string got = dump_feed(read_feed(text, options));
    const std::size_t at = got.find(last_rule);
    ASSERT_NE(at, std::string::npos) << got;
    // Take the last line's rule out: its number begins after the line end before it.
    const std::size_t begin =
        got.rfind('\n', at) == std::string::npos ? 0 : got.rfind('\n', at) + 1;
    got.erase(begin, at + last_rule.size() - begin);
    EXPECT_EQ(got, c.want);
  }
}

TEST(HostsFormat, NamesAreExact) {
  const Case cases[] = {
      {"0.0.0.0 bad.example", "1 block bad.example\n"},
      {"127.0.0.1\tbad.example", "1 block bad.example\n"},
      {":: bad.example", "1 block bad.example\n"},
      {"::1 bad.example", "1 block bad.example\n"},
      {"0 bad.example",
       "1 skipped: \"0\" is no address; a hosts line is an address and names, a list of bare names "
       "has format: domains\n"},
      // Several names a line, blanks of any kind, comments, case, line ends.
      {"0.0.0.0  a.example \t b.example # why", "1 block a.example\n1 block b.example\n"},
      {"0.0.0.0 BAD.Example.#x", "1 block bad.example\n"},
      {"0.0.0.0 a.example\r\n0.0.0.0 b.example\r", "1 block a.example\n2 block b.example\n"},
      {"# comment\n\n! comment\n  # x", ""},
      // What every hosts file has for the machine itself is no rule and no fault.
      {"127.0.0.1 localhost localhost.localdomain local\n255.255.255.255 broadcasthost\n"
       "::1 ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\nfe80::1%lo0 localhost\n"
       "0.0.0.0 0.0.0.0",
       ""},
      // Any other address is an answer; both families and all lines make one rule.
      {"192.0.2.1 a.example", "1 local_data a.example [A 192.0.2.1]\n"},
      {"192.0.2.1 a.example\n0.0.0.0 b.example\n2001:db8::1 a.example",
       "1 local_data a.example [A 192.0.2.1] [AAAA 2001:db8::1]\n2 block b.example\n"},
      {"192.0.2.1 a.example b.example\n192.0.2.1 a.example",
       "1 local_data a.example [A 192.0.2.1]\n1 local_data b.example [A 192.0.2.1]\n"},
      // Faults: the good names of a line are kept.
      {"0.0.0.0 a.example http://b.example/ c.example",
       "1 block a.example\n1 block c.example\n1 skipped: \"http://b.example/\" is a URL or has a "
       "path; write the host name alone\n"},
      {"0.0.0.0", "1 skipped: \"0.0.0.0\" has no name behind it; add one or remove the line\n"},
      {"bad.example",
       "1 skipped: \"bad.example\" is no address; a hosts line is an address and names, a list of "
       "bare names has format: domains\n"},
  };
  expect_rules(cases, options_for(Format::hosts), "0.0.0.0 last.example");
}

TEST(DomainsFormat, BareNamesAreExact) {
  const Case cases[] = {
      {"bad.example", "1 block bad.example\n"},
      {"  BAD.example.  \r\nb.example", "1 block bad.example\n2 block b.example\n"},
      {"# c\n! c\n; c\n// c\n\n \t \r", ""},
      {"a.example # why\nb.example ; why\nc.example#why\nd.example // why",
       "1 block a.example\n2 block b.example\n3 block c.example\n4 block d.example\n"},
      {"*.a.example\n.b.example", "1 block **.a.example\n2 block **.b.example\n"},
      {"bücher.example", "1 block xn--bcher-kva.example\n"},
      {"a.example b.example",
       "1 skipped: \"a.example b.example\" is more than one word; write one name a line, or set "
       "format: hosts if addresses come first\n"},
      {"192.0.2.1",
       "1 skipped: \"192.0.2.1\" is an address, and names are expected here; keep it in a list of "
       "addresses\n"},
      {"||bad.example^", "1 skipped: \"||bad.example^\" is adblock syntax; set format: adblock\n"},
      {"local-zone: \"x\" refuse",
       "1 skipped: \"local-zone: \"x\" refuse\" is unbound syntax; set format: unbound\n"},
      // A NUL further down than where a text is tried for being binary.
      {"#" + std::string(5000, '-') + std::string("\na\0b.example", 12),
       "2 skipped: \"a\\x00b.example\" has a character that no domain name has; check the line and "
       "the feed's format\n"},
      {std::string(20'000, 'a') + "\nb.example",
       "2 block b.example\n1 skipped: \"" + std::string(60, 'a') +
           "…\" is a line of over 16384 octets; check that this is such a feed\n"},
  };
  expect_rules(cases, options_for(Format::domains), "last.example");
}

TEST(DomainsFormat, TheScopeOptionChangesBareNamesOnly) {
  FeedOptions options = options_for(Format::domains);
  options.scope = policy::Scope::at_and_below;
  EXPECT_EQ(dump_feed(read_feed("a.example\n*.b.example", options)),
            "1 block **.a.example\n2 block **.b.example\n");
  options.scope = policy::Scope::below;
  EXPECT_EQ(dump_feed(read_feed("a.example\n*.b.example", options)),
            "1 block *.a.example\n2 block **.b.example\n");
}

TEST(WildcardFormat, WildcardsHaveTheNameItselfUnlessToldOtherwise) {
  FeedOptions options = options_for(Format::wildcard);
  const std::string text = "*.a.example\nb.example\n*.\n*";
  const std::string skipped =
      "3 skipped: an empty name; write one or remove the line\n"
      "4 skipped: \"*\" has a \"*\" that this format cannot carry; only a whole first label can be "
      "one\n";
  EXPECT_EQ(dump_feed(read_feed(text, options)),
            "1 block **.a.example\n2 block b.example\n" + skipped);
  options.scope = policy::Scope::below;
  EXPECT_EQ(dump_feed(read_feed(text, options)),
            "1 block *.a.example\n2 block b.example\n" + skipped);
}

TEST(AdblockFormat, ReadsWhatSpeaksOfNames) {
  const Case cases[] = {
      {"||bad.example^", "1 block **.bad.example\n"},
      {"||bad.example", "1 block **.bad.example\n"},
      {"||bad.example^|", "1 block **.bad.example\n"},
      {"||*.bad.example^", "1 block *.bad.example\n"},
      {"|bad.example^", "1 block bad.example\n"},
      {"bad.example", "1 block bad.example\n"},
      {"@@||good.example^", "1 pass **.good.example rank_pass\n"},
      {"@@|good.example^", "1 pass good.example rank_pass\n"},
      {"0.0.0.0 a.example # hosts syntax", "1 block a.example\n"},
      {"0.0.0.0 a.example ## $$ tracker\n127.0.0.1\tb.example",
       "1 block a.example\n2 block b.example\n"},
      {"192.0.2.1##.ad\n192.0.2.1 ##.ad\n192.0.2.1,a.example##div > p", ""},
      // Ranks.
      {"||a.example^$important", "1 block **.a.example important_block\n"},
      {"@@||a.example^$important", "1 pass **.a.example important_pass\n"},
      // $badfilter takes the rule that is otherwise the same away, wherever it stands.
      {"||a.example^\n||a.example^$badfilter\n||A.example^", ""},
      {"||a.example^$badfilter,important\n||a.example^$important\n||a.example^",
       "3 block **.a.example\n"},
      {"@@||a.example^$badfilter\n||a.example^", "2 block **.a.example\n"},
      // $dnsrewrite.
      {"||a.example^$dnsrewrite=NXDOMAIN", "1 nxdomain **.a.example\n"},
      {"||a.example^$dnsrewrite=NXDOMAIN;;", "1 nxdomain **.a.example\n"},
      {"||a.example^$dnsrewrite=REFUSED", "1 refuse **.a.example\n"},
      {"||a.example^$dnsrewrite=NOERROR", "1 nodata **.a.example\n"},
      {"||a.example^$dnsrewrite=NOERROR;;", "1 nodata **.a.example\n"},
      {"|a.example^$dnsrewrite=192.0.2.1\n|a.example^$dnsrewrite=2001:db8::1",
       "1 local_data a.example [A 192.0.2.1] [AAAA 2001:db8::1]\n"},
      {"||a.example^$dnsrewrite=NOERROR;A;192.0.2.1,important",
       "1 local_data **.a.example important_block [A 192.0.2.1]\n"},
      {"||a.example^$dnsrewrite=b.example", "1 local_data **.a.example [CNAME b.example.]\n"},
      {"||a.example^$dnsrewrite=NOERROR;MX;10 mail.example",
       "1 local_data **.a.example [MX 10 mail.example.]\n"},
      {"||a.example^$dnsrewrite=SERVFAIL;;",
       "1 skipped: \"SERVFAIL;;\" is no answer that $dnsrewrite can give; use NXDOMAIN, REFUSED, "
       "NOERROR, an address, a name or NOERROR;TYPE;VALUE\n"},
      {"@@||a.example^$dnsrewrite=192.0.2.1",
       "1 skipped: \"dnsrewrite\" in an exception is not supported; the rule is ignored whole\n"},
      // No fault: comments, and rules on what pages show.
      {"! c\n[Adblock Plus 2.0]\n# c\na.example##.ad\n##.ad\n#@#.ad\na.example#@#.ad\n"
       "a.example#?#div\na.example#$#x\na.example#%#//s\na.example$$script",
       ""},
  };
  expect_rules(cases, options_for(Format::adblock), "||last.example^");
}

TEST(AdblockFormat, ARuleThatCannotBeCarriedOutInFullIsPassedOverWhole) {
  const std::string modifier = " is a modifier that is not supported; the rule is ignored whole\n";
  const std::string url = " is a rule for URLs, which a resolver does not see\n";
  const Case cases[] = {
      {"||a.example^$third-party", "1 skipped: \"third-party\"" + modifier},
      {"||a.example^$important,client=192.0.2.1", "1 skipped: \"client\"" + modifier},
      {"||a.example^$ctag=device_tv", "1 skipped: \"ctag\"" + modifier},
      {"||a.example^$denyallow=b.a.example", "1 skipped: \"denyallow\"" + modifier},
      {"||a.example^$dnstype=AAAA", "1 skipped: \"dnstype\"" + modifier},
      {"||a.example^$~important", "1 skipped: \"~important\"" + modifier},
      {"/ads[0-9]+/",
       "1 skipped: \"/ads[0-9]+/\" is a regex rule; regex rules are not supported\n"},
      {"@@/x/$important",
       "1 skipped: \"@@/x/$important\" is a regex rule; regex rules are not supported\n"},
      {"||a.example^path/x", "1 skipped: \"||a.example^path/x\"" + url},
      {"||a.example/ads^", "1 skipped: \"||a.example/ads^\"" + url},
      {"|https://a.example^", "1 skipped: \"|https://a.example^\"" + url},
      {"a.example^",
       "1 skipped: \"a.example^\" matches parts of names, which is not supported; write ||name^\n"},
      {"||ad*.example^",
       "1 skipped: \"ad*.example\" has a \"*\" that this format cannot carry; only a whole first "
       "label can be one\n"},
      {"||^", "1 skipped: a rule without a name; write ||name^\n"},
      {"||192.0.2.1^",
       "1 skipped: \"192.0.2.1\" is an address, and names are expected here; keep it in a list of "
       "addresses\n"},
  };
  expect_rules(cases, options_for(Format::adblock), "||last.example^");
}

TEST(DnsmasqFormat, StatementsAreForTheNameAndAllBelow) {
  const std::string forward =
      " names a server to forward to, which no feed may; set up a forward zone\n";
  const Case cases[] = {
      {"address=/a.example/0.0.0.0", "1 block **.a.example\n"},
      {"address=/a.example/::", "1 block **.a.example\n"},
      {"address=/a.example/127.0.0.1", "1 block **.a.example\n"},
      {"address=/a.example/#", "1 block **.a.example\n"},
      {"address=/a.example/b.example/0.0.0.0", "1 block **.a.example\n1 block **.b.example\n"},
      {"address=/a.example/", "1 nxdomain **.a.example\n"},
      {"address=/a.example/192.0.2.1\naddress=/a.example/2001:db8::1",
       "1 local_data **.a.example [A 192.0.2.1] [AAAA 2001:db8::1]\n"},
      {"local=/a.example/", "1 nxdomain **.a.example\n"},
      {"server=/a.example/", "1 nxdomain **.a.example\n"},
      {"server=/a.example/#", "1 pass **.a.example\n"},
      {"address=/.a.example/0.0.0.0\naddress=/*.b.example/0.0.0.0",
       "1 block **.a.example\n2 block *.b.example\n"},
      {" address = /a.example/0.0.0.0 # why\r\n# comment\n", "1 block **.a.example\n"},
      // Faults.
      {"server=/a.example/192.0.2.53", "1 skipped: \"192.0.2.53\"" + forward},
      {"server=192.0.2.53",
       "1 skipped: \"server=192.0.2.53\" has no \"/name/\"; write it as address=/name/0.0.0.0\n"},
      {"address=/a.example/x",
       "1 skipped: \"x\" is neither an address nor \"#\"; write one, or nothing for NXDOMAIN\n"},
      {"address=/#/192.0.2.1", "1 skipped: \"#\" stands for every name there is; remove it\n"},
      {"address=//0.0.0.0", "1 skipped: an empty name; write one or remove the line\n"},
      {"address=/",
       "1 skipped: \"address=/\" has no \"/name/\"; write it as address=/name/0.0.0.0\n"},
      {"cache-size=1000",
       "1 skipped: \"cache-size=1000\" is no statement of a list; only address=, local= and "
       "server= are read\n"},
  };
  expect_rules(cases, options_for(Format::dnsmasq), "address=/last.example/0.0.0.0");
}

TEST(UnboundFormat, ZoneTypesBecomeActions) {
  const std::string type = " is no type of zone that a list can have; use always_nxdomain\n";
  const Case cases[] = {
      {"server:\nlocal-zone: \"a.example\" always_nxdomain", "2 nxdomain **.a.example\n"},
      {"local-zone: a.example. static", "1 nxdomain **.a.example\n"},
      // As unbound takes them: behind "server:" on its line, without a blank before a quotation
      // mark.
      {"server: local-zone: \"a.example\" static", "1 nxdomain **.a.example\n"},
      {"local-zone:\"a.example\"static local-data:'b.example A 0.0.0.0' # c",
       "1 nxdomain **.a.example\n1 block b.example\n"},
      {"server: # c\nserver:\"\nserver: \"x",
       "2 skipped: \"\"\" has a quotation mark without its partner; add it\n"
       "3 skipped: \"\"x\" has a quotation mark without its partner; add it\n"},
      {"local-zone: 'a.example' always_refuse\nlocal-zone: b.example refuse",
       "1 refuse **.a.example\n2 refuse **.b.example\n"},
      {"local-zone: a.example deny\nlocal-zone: b.example inform_deny",
       "1 drop **.a.example\n2 drop **.b.example\n"},
      {"local-zone: a.example always_null", "1 block **.a.example\n"},
      {"local-zone: a.example always_nodata", "1 nodata **.a.example\n"},
      {"local-zone: a.example transparent\nlocal-zone: b.example typetransparent\n"
       "local-zone: c.example inform\nlocal-zone: d.example always_transparent",
       "1 pass **.a.example\n2 pass **.b.example\n3 pass **.c.example\n4 pass **.d.example\n"},
      // A redirect zone answers with its records for itself and all below, wherever they stand.
      {"local-zone: \"a.example\" redirect\nlocal-data: \"a.example A 0.0.0.0\"",
       "2 block **.a.example\n"},
      {"local-data: \"a.example A 192.0.2.1\"\nlocal-zone: \"a.example\" redirect\n"
       "local-data: \"A.example. 60 IN AAAA 2001:db8::1\"",
       "1 local_data **.a.example [A 192.0.2.1] [AAAA 2001:db8::1]\n"},
      {"local-zone: \"a.example\" redirect", "1 nodata **.a.example\n"},
      {"local-zone: \"a.example\" redirect local-data: \"a.example A 192.0.2.1\" # both",
       "1 local_data **.a.example [A 192.0.2.1]\n"},
      // Local data alone is for its owner.
      {"local-data: \"a.example A 0.0.0.0\"", "1 block a.example\n"},
      {"local-data: 'a.example 3600 IN TXT \"x y\"'", "1 local_data a.example [TXT \"x y\"]\n"},
      {"# c\n  local-zone: a.example refuse # c", "2 refuse **.a.example\n"},
      // Faults.
      {"local-zone: a.example nodefault", "1 skipped: \"nodefault\"" + type},
      {"local-zone: a.example redirecT", "1 skipped: \"redirecT\"" + type},  // unbound_list_fuzz.
      {"local-zone: a.example",
       "1 skipped: \"local-zone:\" needs a name and a type: local-zone: \"name\" "
       "always_nxdomain\n"},
      {"local-data: \"a.example A 0.0.0.0",
       "1 skipped: \"local-data:\" needs a record in quotation marks: local-data: \"name A "
       "192.0.2.1\"\n"},
      {"local-data: \"a.example\"",
       "1 skipped: \"a.example\" is no record; write local-data: \"name A 192.0.2.1\"\n"},
      {"verbosity: 1",
       "1 skipped: \"verbosity:\" is no statement of a list; only local-zone: and local-data: are "
       "read\n"},
      {"local-zone: \".\" refuse", "1 skipped: \".\" stands for every name there is; remove it\n"},
  };
  expect_rules(cases, options_for(Format::unbound), "local-zone: last.example static");
}

TEST(MaltrailFormat, TrailsAreNamesAndAddresses) {
  const std::string page =
      " is one page of a host that may have others; with url_hosts: true its whole host is "
      "blocked\n";
  const Case cases[] = {
      {"bad.example", "1 block **.bad.example\n"},
      {"BAD.example # malware", "1 block **.bad.example\n"},
      {"192.0.2.1", "1 block response_ip:192.0.2.1/32\n"},
      {"192.0.2.0/24", "1 block response_ip:192.0.2.0/24\n"},
      {"192.0.2.1:8080", "1 block response_ip:192.0.2.1/32\n"},
      {"2001:db8::1", "1 block response_ip:2001:db8::1/128\n"},
      {"[2001:db8::1]:80", "1 block response_ip:2001:db8::1/128\n"},
      {"http://bad.example/", "1 block bad.example\n"},
      {"# comment\n\n  # another", ""},
      {"bad.example/gate.php", "1 skipped: \"bad.example/gate.php\"" + page},
      {"http://192.0.2.1/x", "1 skipped: \"http://192.0.2.1/x\"" + page},
      {"/gate.php",
       "1 skipped: \"/gate.php\" is a path without a host; no name can be blocked for it\n"},
      {"two words",
       "1 skipped: \"two words\" is more than one word; a trail is one name, address or URL\n"},
      {"127.0.0.1",
       "1 skipped: \"127.0.0.1\" is or holds addresses that no public server has (private, "
       "loopback, link-local, multicast); if it is meant, write it in a policy zone\n"},
      {"192.0.2.1/24",
       "1 skipped: \"192.0.2.1/24\" is no address or prefix such as 192.0.2.1 or 2001:db8::/32 "
       "without bits set behind its length; correct it\n"},
  };
  expect_rules(cases, options_for(Format::maltrail), "last.example");
  FeedOptions options = options_for(Format::maltrail);
  options.url_hosts = true;
  options.scope = policy::Scope::exact;
  EXPECT_EQ(
      dump_feed(read_feed("bad.example\nbad.example/gate.php\nhttp://192.0.2.1/x\n", options)),
      "1 block bad.example\n2 block bad.example\n3 block response_ip:192.0.2.1/32\n");
}

TEST(MaltrailFormat, AddressesThatNoPublicServerHasAreMistakes) {
  for (const std::string text :
       {"0.0.0.0", "10.0.0.0/8", "100.64.0.1", "127.0.0.53", "169.254.1.1", "172.16.0.0/12",
        "172.31.255.255", "192.168.0.0/16", "224.0.0.251", "255.255.255.255", "192.0.0.0/8",
        "::", "::1", "fc00::1", "fd00::/8", "fe80::1", "ff02::1"}) {
    SCOPED_TRACE(text);
    const auto feed = read_feed(text + "\nlast.example\n", options_for(Format::maltrail));
    ASSERT_TRUE(feed.has_value());
    EXPECT_EQ(feed->rules.count_of(policy::Trigger::response_ip), 0U);
    EXPECT_EQ(feed->lines_skipped, 1U);
  }
  for (const std::string text : {"1.1.1.1", "100.128.0.0", "172.32.0.1", "192.169.0.0/16",
                                 "223.255.255.255", "2001:db8::1", "64:ff9b::1"}) {
    SCOPED_TRACE(text);
    const auto feed = read_feed(text, options_for(Format::maltrail));
    ASSERT_TRUE(feed.has_value());
    EXPECT_EQ(feed->rules.count_of(policy::Trigger::response_ip), 1U);
  }
}

TEST(CsvFormat, OneColumnHasTheNames) {
  FeedOptions options = options_for(Format::csv);
  EXPECT_EQ(dump_feed(read_feed("domain,family\na.example,x\nb.example,y\n", options)),
            "2 block a.example\n3 block b.example\n");
  // Any case, any place, quotation marks, comments, blanks.
  EXPECT_EQ(dump_feed(read_feed("# c\n\"id\", \"Domain\"\r\n1, \"a.example\"\r\n2,*.b.example\n"
                                "\"3,\"\"x\"\"\",c.example",
                                options)),
            "3 block a.example\n4 block **.b.example\n5 block c.example\n");
  // A header that is a comment, as some publishers have it.
  EXPECT_EQ(dump_feed(read_feed("# made today\n# id,domain\n1,a.example\n", options)),
            "3 block a.example\n");
  // As abuse.ch writes it, and with words of its own below and beside it.
  options.csv.column = "host";
  const std::string_view rows = "\"2026-03-02 08:00:00\",\"http://a.example/x\",\"a.example\"\n";
  for (const std::string_view head : {
           "####################\n# A dump (CSV)     #\n####################\n#\n"
           "# first_seen,url,host,threat\n",
           "# first_seen,url,host\n#\n# Terms of use: ask, then take\n",
           "## \"First_Seen\", \"URL\", \"Host\"\n",
           "# url, host and threat\n# first_seen,url,host\n",
       }) {
    SCOPED_TRACE(head);
    const auto line = std::ranges::count(head, '\n') + 1;
    EXPECT_EQ(dump_feed(read_feed(std::string(head) + std::string(rows), options)),
              std::to_string(line) + " block a.example\n");
  }
  // A number instead of a header; another separator; the scope.
  options.csv = {.column = "2", .separator = '\t', .has_header = false};
  options.scope = policy::Scope::at_and_below;
  EXPECT_EQ(dump_feed(read_feed("1\ta.example\n2\tb.example\n", options)),
            "1 block **.a.example\n2 block **.b.example\n");
  // An empty first column stays one, also where a tab or a blank separates.
  EXPECT_EQ(dump_feed(read_feed("\ta.example\twrong.example\r\n\t\t\n2\tb.example\t\n", options)),
            "1 block **.a.example\n3 block **.b.example\n");
  options.csv.separator = ' ';
  EXPECT_EQ(dump_feed(read_feed(" a.example wrong.example\n", options)), "1 block **.a.example\n");
  // A number and a header line, which is then no row.
  options.csv = {.column = "1", .separator = ';', .has_header = true};
  EXPECT_EQ(dump_feed(read_feed("name;x\na.example;1\n", options)), "2 block **.a.example\n");
  // A number and no header, or one in a comment: the first row is a row.
  EXPECT_EQ(dump_feed(read_feed("# name;x\n*.a.example;1\nb.example;2\n", options)),
            "2 block **.a.example\n3 block **.b.example\n");
}

TEST(CsvFormat, ABadRowCostsThatRow) {
  const FeedOptions options = options_for(Format::csv);
  EXPECT_EQ(
      dump_feed(read_feed("id,domain\n1,\"a.example\n2\n3,b.example\n4,192.0.2.1\n5,\n", options)),
      "4 block b.example\n"
      "2 skipped: \"1,\"a.example\" has a quotation mark without its partner; correct the row\n"
      "3 skipped: \"2\" has no column 2; check column and separator\n"
      "5 skipped: \"192.0.2.1\" is an address, and names are expected here; keep it in a list "
      "of addresses\n"
      "6 skipped: an empty name; write one or remove the line\n");
  EXPECT_EQ(
      dump_feed(read_feed("id,name\n1,a.example\n", options)),
      "error: no column \"domain\" in the header \"id,name\"; name one that is there, or give "
      "its number as csv.column, and csv.header: false where there is none");
}

TEST(Formats, AnAllowListPassesInEveryFormat) {
  const struct {
    Format format;
    std::string text;
    std::string want;
  } cases[] = {
      {Format::hosts, "0.0.0.0 a.example\n192.0.2.1 b.example",
       "1 pass a.example\n2 pass b.example\n"},
      {Format::domains, "a.example", "1 pass a.example\n"},
      {Format::wildcard, "*.a.example", "1 pass **.a.example\n"},
      {Format::adblock, "||a.example^$important\n@@||b.example^",
       "1 pass **.a.example important_pass\n2 pass **.b.example rank_pass\n"},
      {Format::dnsmasq, "address=/a.example/192.0.2.1", "1 pass **.a.example\n"},
      {Format::unbound, "local-zone: a.example refuse", "1 pass **.a.example\n"},
      {Format::csv, "domain\na.example", "2 pass a.example\n"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(to_string(c.format));
    FeedOptions options = options_for(c.format);
    options.allow = true;
    EXPECT_EQ(dump_feed(read_feed(c.text, options)), c.want);
  }
}

TEST(Text, ShowsWhatDoesNotPrintAndCutsBetweenCharacters) {
  EXPECT_EQ(shown("a\tb\x01"), "\"a\\x09b\\x01\"");
  EXPECT_EQ(shown(std::string(61, 'x')), "\"" + std::string(60, 'x') + "…\"");
  EXPECT_EQ(shown(std::string(59, 'x') + "üü"), "\"" + std::string(59, 'x') + "…\"");
}

}  // namespace
}  // namespace postern::intel
