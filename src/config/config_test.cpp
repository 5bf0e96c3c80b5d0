#include "config/config.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/options.h"
#include "config/suggest.h"
#include "config/value.h"

namespace postern::config {
namespace {

const std::string kSource = POSTERN_SOURCE_DIR;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// `text` must be what the file holds; POSTERN_UPDATE_GOLDEN=1 writes it instead.
void expect_golden(const std::string& path, const std::string& text) {
  const char* update = std::getenv("POSTERN_UPDATE_GOLDEN");
  if (update != nullptr && std::string_view(update) == "1") {
    std::ofstream(path, std::ios::binary) << text;
  }
  EXPECT_EQ(read_file(path), text) << path << " is not current: run with POSTERN_UPDATE_GOLDEN=1";
}

/// All problems, one a line; "good" where there are none.
std::string problems_of(std::string_view yaml) {
  const Outcome outcome = parse(yaml);
  EXPECT_EQ(outcome.config.has_value(), outcome.problems.empty());
  if (outcome.problems.empty()) return "good";
  std::string out;
  for (const Problem& problem : outcome.problems) out += to_text(problem, "f") + "\n";
  return out;
}

TEST(Config, AnEmptyFileGivesTheDefaults) {
  for (const std::string_view text : {"", "# nothing\n", "---\n", "server:\n"}) {
    SCOPED_TRACE(text);
    const Outcome outcome = parse(text);
    ASSERT_TRUE(outcome.config.has_value()) << problems_of(text);
    const Config& c = *outcome.config;
    ASSERT_EQ(c.listen.size(), 2U);
    EXPECT_EQ(c.listen[0].to_text(), "127.0.0.1:5300");
    EXPECT_EQ(c.listen[1].to_text(), "[::1]:5300");
    ASSERT_EQ(c.access_allow.size(), 2U);
    EXPECT_EQ(c.access_allow[0].to_text(), "127.0.0.0/8");
    EXPECT_EQ(c.console_listen->to_text(), "127.0.0.1:8080");
    EXPECT_EQ(c.cache_octets, 64U << 20);
    EXPECT_EQ(c.journal_max_octets, 4ULL << 30);
    EXPECT_EQ(c.block_answer, policy::BlockAnswer::nxdomain);
    EXPECT_EQ(c.resolver_mode, ResolverMode::recurse);
    EXPECT_EQ(c.state_dir, "/var/lib/postern");
    EXPECT_TRUE(c.pack_hafnium);
    EXPECT_TRUE(c.dnssec);
    EXPECT_FALSE(c.query_localhost);
    EXPECT_FALSE(c.sinkhole_v4.has_value());
  }
}

TEST(Config, EveryOptionReachesItsField) {
  const Outcome outcome = parse(R"(
server:
  listen: [192.0.2.1:53, '[2001:db8::1]:53']
  workers: 3
  udp_max_octets: 1KiB
  tcp: {idle_timeout_ms: 500, max_connections: 7, max_pipelined: 8}
access:
  allow: 192.168.0.0/16
resolver:
  mode: forward
  threads: 2
  dnssec: false
  trust_anchor_files: [a.key, b.key]
  root_hints_file: hints
  query_localhost: yes
  answer_deadline_ms: 700
  stale_after_ms: 600
  forward:
    - zone: .
      servers: ['tls://192.0.2.9:853#dns.example', 192.0.2.10,
        'tls://192.0.2.11#dns.example&pin-sha256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=']
      trust_ad: true
cache: {size: 2MiB, max_ttl_s: 60, stale_for_s: 0}
policy:
  block_answer: sinkhole
  block_ttl_s: 33
  sinkhole: {ipv4: 192.0.2.66, ipv6: '2001:db8::66'}
  allow: ['*.good.example', fine.example]
  block: bad.example
packs: {hafnium: false}
feeds:
  - name: one
    format: csv
    url: https://feeds.example/one.csv
    mirrors: [http://mirror.example/one.csv]
    refresh_s: 600
    scope: at_and_below
    answer: nodata
    ttl_s: 5
    ede: filtered
    log_only: true
    csv: {column: 2, separator: ';', header: false}
    max_size: 1MiB
  - {name: two, format: rpz, path: two.zone, origin: rpz.example, allow: true}
groups:
  - {name: kitchen, clients: [192.168.7.0/24], feeds: [two, allow], without: block, answer: refused}
journal: {enabled: false, days: 9, max_size: 2GiB}
console: {enabled: false, listen: 127.0.0.1:9}
state_dir: /tmp/state
control_socket: /tmp/control
)");
  for (const Problem& problem : outcome.problems) ADD_FAILURE() << to_text(problem, "f");
  ASSERT_TRUE(outcome.config.has_value());
  const Config& c = *outcome.config;
  EXPECT_EQ(c.listen[1].to_text(), "[2001:db8::1]:53");
  EXPECT_EQ(c.workers, 3U);
  EXPECT_EQ(c.udp_max_octets, 1024U);
  EXPECT_EQ(c.tcp_idle_timeout_ms, 500U);
  EXPECT_EQ(c.tcp_max_connections, 7U);
  EXPECT_EQ(c.tcp_max_pipelined, 8U);
  ASSERT_EQ(c.access_allow.size(), 1U);  // A single value stands for a list of one.
  EXPECT_EQ(c.access_allow[0].to_text(), "192.168.0.0/16");
  EXPECT_EQ(c.resolver_mode, ResolverMode::forward);
  EXPECT_EQ(c.resolver_threads, 2U);
  EXPECT_FALSE(c.dnssec);
  EXPECT_EQ(c.trust_anchor_files, (std::vector<std::string>{"a.key", "b.key"}));
  EXPECT_EQ(c.root_hints_file, "hints");
  EXPECT_TRUE(c.query_localhost);
  EXPECT_EQ(c.answer_deadline_ms, 700U);
  EXPECT_EQ(c.stale_after_ms, 600U);
  ASSERT_EQ(c.forward.size(), 1U);
  EXPECT_TRUE(c.forward[0].zone.is_root());
  EXPECT_TRUE(c.forward[0].trust_ad);
  EXPECT_EQ(c.forward[0].servers[0], "tls://192.0.2.9:853#dns.example");
  EXPECT_EQ(c.cache_octets, 2U << 20);
  EXPECT_EQ(c.cache_max_ttl_s, 60U);
  EXPECT_EQ(c.cache_stale_for_s, 0U);
  EXPECT_EQ(c.block_answer, policy::BlockAnswer::sinkhole);
  EXPECT_EQ(c.block_ttl_s, 33U);
  EXPECT_EQ(c.sinkhole_v4->to_text(), "192.0.2.66");
  EXPECT_EQ(c.sinkhole_v6->to_text(), "2001:db8::66");
  EXPECT_EQ(c.allow, (std::vector<std::string>{"*.good.example", "fine.example"}));
  EXPECT_EQ(c.block, std::vector<std::string>{"bad.example"});
  EXPECT_FALSE(c.pack_hafnium);
  EXPECT_FALSE(c.journal_enabled);
  EXPECT_EQ(c.journal_days, 9U);
  EXPECT_EQ(c.journal_max_octets, 2ULL << 30);
  EXPECT_FALSE(c.console_enabled);
  EXPECT_EQ(c.console_listen->port, 9);
  EXPECT_EQ(c.state_dir, "/tmp/state");
  EXPECT_EQ(c.control_socket, "/tmp/control");

  ASSERT_EQ(c.feeds.size(), 2U);
  const Feed& feed = c.feeds[0];
  EXPECT_EQ(feed.name, "one");
  EXPECT_EQ(feed.format, "csv");
  EXPECT_EQ(feed.url, "https://feeds.example/one.csv");
  EXPECT_EQ(feed.mirrors, std::vector<std::string>{"http://mirror.example/one.csv"});
  EXPECT_EQ(feed.refresh_s, 600U);
  EXPECT_EQ(feed.scope, "at_and_below");
  EXPECT_FALSE(feed.allow);
  EXPECT_EQ(feed.answer, policy::BlockAnswer::nodata);
  EXPECT_EQ(feed.ttl_s, 5U);
  EXPECT_EQ(feed.ede, dns::EdeCode::filtered);
  EXPECT_TRUE(feed.log_only);
  EXPECT_EQ(feed.csv_column, "2");
  EXPECT_EQ(feed.csv_separator, ';');
  EXPECT_FALSE(feed.csv_has_header);
  EXPECT_EQ(feed.max_octets, 1U << 20);
  EXPECT_TRUE(c.feeds[1].allow);
  EXPECT_EQ(c.feeds[1].path, "two.zone");
  EXPECT_EQ(c.feeds[1].origin, "rpz.example.");
  EXPECT_EQ(c.feeds[1].format, "rpz");
  EXPECT_EQ(c.feeds[1].refresh_s, 3600U);
  EXPECT_EQ(c.feeds[1].csv_separator, ',');

  ASSERT_EQ(c.groups.size(), 1U);
  EXPECT_EQ(c.groups[0].name, "kitchen");
  EXPECT_EQ(c.groups[0].clients[0].to_text(), "192.168.7.0/24");
  EXPECT_EQ(*c.groups[0].feeds, (std::vector<std::string>{"two", "allow"}));
  EXPECT_EQ(c.groups[0].without, std::vector<std::string>{"block"});
  EXPECT_EQ(c.groups[0].answer, policy::BlockAnswer::refused);
}

TEST(Config, FeedsOfIndicatorsHaveOptionsOfTheirOwn) {
  const Outcome outcome = parse(R"(
feeds:
  - {name: a, format: stix, path: a.json, url_hosts: true, min_confidence: 40}
  - {name: b, format: json, path: b.json, json: {field: DomainAddress, removed: DeleteDate}}
  - {name: c, format: misp, path: c.json}
  - {name: d, format: maltrail, path: d.txt}
)");
  ASSERT_TRUE(outcome.config.has_value());
  const std::vector<Feed>& feeds = outcome.config->feeds;
  ASSERT_EQ(feeds.size(), 4U);
  EXPECT_TRUE(feeds[0].url_hosts);
  EXPECT_EQ(feeds[0].min_confidence, 40U);
  EXPECT_EQ(feeds[1].json_field, "DomainAddress");
  EXPECT_EQ(feeds[1].json_removed, "DeleteDate");
  EXPECT_EQ(feeds[2].format, "misp");
  EXPECT_EQ(feeds[3].format, "maltrail");
  EXPECT_FALSE(feeds[3].url_hosts);
  EXPECT_EQ(feeds[3].min_confidence, 0U);
  EXPECT_EQ(feeds[3].json_field, "domain");
  EXPECT_EQ(feeds[3].json_removed, "");
}

TEST(Config, EveryMistakeOfAFileIsFoundInOneGo) {
  const std::string golden = kSource + "/tests/golden/config/";
  const Outcome outcome = parse(read_file(golden + "mistakes.yaml"));
  EXPECT_FALSE(outcome.config.has_value());
  EXPECT_GE(outcome.problems.size(), 30U);
  std::string text;
  for (const Problem& problem : outcome.problems) text += to_text(problem, "mistakes.yaml") + "\n";
  expect_golden(golden + "mistakes.txt", text);
}

TEST(Config, WhatIsWrongAndWhatToDo) {
  struct Case {
    std::string_view yaml;
    std::string_view want;
  };
  const Case cases[] = {
      // Unknown keys: the nearest word, the right section, or what there is.
      {"srever: {}", "f:1:1: srever: \"srever\" is not known here; did you mean server?\n"},
      {"server: {lisen: 1}",
       "f:1:10: server.lisen: \"lisen\" is not known here; did you mean listen?\n"},
      {"listen: x", "f:1:1: listen: \"listen\" is not known here; did you mean console.listen?\n"},
      {"console: {zzzzzzzz: 1}",
       "f:1:11: console.zzzzzzzz: \"zzzzzzzz\" is not known here; known here: enabled, hosts, "
       "listen\n"},
      {"resolver: {foward: []}",
       "f:1:12: resolver.foward: \"foward\" is not known here; did you mean forward?\n"},
      // Kinds.
      {"server: 5",
       "f:1:9: server: a single value where a section with keys belongs; put its options below it, "
       "as \"listen:\"\n"},
      {"server: {workers: [1]}",
       "f:1:19: server.workers: a list where a single value belongs; write a whole number\n"},
      {"server: {workers: }",
       "f:1:10: server.workers: there is no value; write one, or remove the key\n"},
      {"feeds: {a: b}",
       "f:1:8: feeds: a section with keys where a list belongs; begin each item with \"- \"\n"},
      {"feeds: [x]",
       "f:1:9: feeds[0]: a single value where a section with keys belongs; write \"- name: …\" and "
       "its other keys below\n"},
      {"[a]", "f:1:1: a list where sections belong; begin with a section such as \"server:\"\n"},
      // Numbers at and past their edges.
      {"server: {workers: 256}", "good"},
      {"server: {workers: 257}",
       "f:1:19: server.workers: \"257\" is out of range; write a number from 0 to 256\n"},
      {"server: {workers: -1}",
       "f:1:19: server.workers: \"-1\" is not a whole number; write digits alone, e.g. 0\n"},
      {"journal: {days: 99999999999999999999999}",
       "f:1:17: journal.days: \"99999999999999999999999\" is out of range; write a number in days "
       "from 1 to 3650\n"},
      {"policy: {block_ttl_s: 1h}",
       "f:1:23: policy.block_ttl_s: \"1h\" is not a whole number; write digits alone in seconds, "
       "e.g. 10\n"},
      {"cache: {size: 1MiB}", "good"},
      {"cache: {size: 64MB}",
       "f:1:15: cache.size: \"64MB\" is not a size; write octets, or a whole number with KiB, MiB, "
       "GiB or TiB: 64MiB\n"},
      {"cache: {size: 99999999999TiB}",
       "f:1:15: cache.size: \"99999999999TiB\" is out of range; write a number from 1048576 to "
       "1099511627776\n"},
      // Addresses.
      {"access: {allow: [10.1.2.3/8]}",
       "f:1:18: access.allow[0]: \"10.1.2.3/8\" has bits set past its length; did you mean "
       "10.0.0.0/8 or 10.1.2.3?\n"},
      {"server: {listen: 127.0.0.1}",
       "f:1:18: server.listen: \"127.0.0.1\" has no port; write 127.0.0.1:53\n"},
      {"server: {listen: []}",
       "f:1:18: server.listen: the list is empty; give at least one address:port, e.g. "
       "127.0.0.1:53\n"},
      {"server: {listen: [1.1.1.1:1, 1.1.1.1:1]}",
       "f:1:30: server.listen[1]: \"1.1.1.1:1\" is there twice; keep one of them\n"},
      {"console: {listen: 127.0.0.1:5300}",
       "f:1:19: console.listen: 127.0.0.1:5300 is in server.listen too; give the console a port of "
       "its own\n"},
      {"policy: {sinkhole: {ipv4: '::1'}}",
       "f:1:27: policy.sinkhole.ipv4: \"::1\" is not an IPv4 address; write it as 192.0.2.1\n"},
      // Names.
      {"policy: {block: ['*.a.example', a.example]}", "good"},
      {"policy: {block: [a..b]}",
       "f:1:18: policy.block[0]: \"a..b\" has two dots in a row or one in front; remove the extra "
       "dot\n"},
      {"policy: {block: ['https://a.example/']}",
       "f:1:18: policy.block[0]: \"https://a.example/\" is a URL or has a path; write the host "
       "name alone\n"},
      {"policy: {block: ['a.*.example']}",
       "f:1:18: policy.block[0]: \"a.*.example\" is not a name or \"*.name\"; \"*.\" may stand "
       "only at the front, before a name\n"},
      {"policy: {allow: [bücher.example, '*.xn--bcher-kva.example']}", "good"},
      {"policy: {allow: [bücher.example, xn--bcher-kva.example]}",
       "f:1:35: policy.allow[1]: \"xn--bcher-kva.example\" is there twice; keep one of them\n"},
      // What would be taken for a name and never match.
      {"policy: {block: ['||a.example^']}",
       "f:1:18: policy.block[0]: \"||a.example^\" is adblock syntax; write \"*.name\" for a name "
       "and all below it, \"name\" for it alone\n"},
      {"policy: {block: ['a.example,b.example', 'a.example;b', a.example b.example]}",
       "f:1:18: policy.block[0]: \"a.example,b.example\" is more than one name; write one name an "
       "item\n"
       "f:1:41: policy.block[1]: \"a.example;b\" is more than one name; write one name an item\n"
       "f:1:56: policy.block[2]: \"a.example b.example\" is more than one name; write one name an "
       "item\n"},
      {"policy: {block: ['*.internal', localhost]}",
       "f:1:18: policy.block[0]: \"*.internal\" is reserved for local use and answered by the "
       "resolver itself; remove it\n"
       "f:1:32: policy.block[1]: \"localhost\" is reserved for local use and answered by the "
       "resolver itself; remove it\n"},
      {"policy: {block: [192.0.2.7.]}",
       "f:1:18: policy.block[0]: \"192.0.2.7.\" is an address, and names are expected here; keep "
       "it "
       "in a list of addresses\n"},
      {"policy: {allow: ['good!x.example']}",
       "f:1:18: policy.allow[0]: \"good!x.example\" has a character that no domain name has; write "
       "the name alone, as example.com or \"*.example.com\"\n"},
      {"policy: {allow: ['*.']}", "f:1:18: policy.allow[0]: \"*.\" is empty; write a name\n"},
      {"policy: {allow: [.]}",
       "f:1:18: policy.allow[0]: \".\" stands for every name there is; remove it\n"},
      // What does not go together.
      {"policy: {block_answer: sinkhole}",
       "f:1:24: policy.block_answer: the answer is sinkhole, but no address is set; set "
       "policy.sinkhole.ipv4 or policy.sinkhole.ipv6\n"},
      {"resolver: {mode: forward}",
       "f:1:18: resolver.mode: forward, but no server is given for \".\"; add \"- zone: .\" with "
       "its servers to resolver.forward\n"},
      {"resolver: {forward: [{zone: ., servers: 9.9.9.9}]}",
       "f:1:29: resolver.forward[0].zone: the zone \".\" would take everything; set resolver.mode "
       "to forward, or name a smaller zone\n"},
      {"resolver: {forward: [{zone: a, servers: 'quic://9.9.9.9'}]}",
       "f:1:41: resolver.forward[0].servers: \"quic://9.9.9.9\": no transport is called \"quic\"; "
       "write 192.0.2.1, udp://192.0.2.1:53, tcp://192.0.2.1:53 or tls://192.0.2.1:853#its.name\n"},
      // Doubles, aliases, other documents.
      {"cache: {size: 1MiB, size: 2MiB}", "f:1:21: \"size\" is there twice; keep one of them\n"},
      {"state_dir: &a /x\ncontrol_socket: *a",
       "f:2:1: control_socket: there is no value; write one, or remove the key\nf:2:17: aliases "
       "(*name) are not supported; write the value out\n"},
      {"policy: {allow: [*.example.com]}",
       "f:1:18: a value that begins with * must be in quotation marks; write \"*.example.com\", "
       "with the quotation marks\n"},
      {"policy:\n  allow:\n    - good.example\n    - *.example.com\n",
       "f:4:7: a value that begins with * must be in quotation marks; write \"*.example.com\", "
       "with the quotation marks\n"},
      {"policy: {block: * }",
       "f:1:18: a value that begins with * must be in quotation marks; write \"*.example.com\", "
       "with the quotation marks\n"},
      {"state_dir: /x\n---\nstate_dir: /y\n",
       "f:3:1: a second YAML document (\"---\") begins here; keep one document in the file\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.yaml);
    EXPECT_EQ(problems_of(c.yaml), c.want);
  }
}

TEST(Config, FeedsAndGroupsAreCheckedTogether) {
  struct Case {
    std::string_view yaml;
    std::string_view want;
  };
  const Case cases[] = {
      {"feeds: [{name: a, format: hosts, path: x}]", "good"},
      {"feeds: [{name: a, format: hosts}]",
       "f:1:9: feeds[0]: the feed has neither path nor url; give one of them\n"},
      {"feeds: [{name: a, format: hosts, path: x, url: https://h/}]",
       "f:1:43: feeds[0]: the feed has both path and url; keep one of them\n"},
      {"feeds: [{path: x}]",
       "f:1:9: feeds[0]: format is missing; add \"format: …\" (one of)\nf:1:9: feeds[0]: name is "
       "missing; add \"name: …\" (label)\n"},
      {"feeds: [{name: a, format: host, path: x}]",
       "f:1:27: feeds[0].format: \"host\" is not one of hosts, domains, wildcard, adblock, "
       "dnsmasq, unbound, rpz, csv, stix, misp, maltrail, json; did you mean hosts?\n"},
      {"feeds: [{name: A, format: hosts, path: x}]",
       "f:1:16: feeds[0].name: \"A\" cannot be a name here; use a-z, 0-9, \".\", \"_\" and \"-\", "
       "the first a letter or digit, at most 32\n"},
      {"feeds: [{name: hafnium, format: hosts, path: x}]",
       "f:1:16: feeds[0].name: \"hafnium\" is the name of a built-in list; choose another name\n"},
      {"feeds: [{name: exceptions, format: hosts, path: x}]",
       "f:1:16: feeds[0].name: \"exceptions\" is the name of a built-in list; choose another "
       "name\n"},
      {"feeds: [{name: a, format: hosts, url: 'ftp://h/'}]",
       "f:1:39: feeds[0].url: \"ftp://h/\" is not an http or https URL; write https://…, or give a "
       "local file as path\n"},
      {"feeds: [{name: a, format: hosts, path: x, mirrors: ['https://h/']}]",
       "f:1:52: feeds[0].mirrors: mirrors of a feed without url; give the main address as url\n"},
      {"feeds: [{name: a, format: hosts, path: x, csv: {column: 1}}]",
       "f:1:48: feeds[0].csv: means nothing for a feed of format hosts; it is for csv: remove it, "
       "or correct the format\n"},
      {"feeds: [{name: a, format: wildcard, path: x, scope: below}]", "good"},
      {"feeds: [{name: a, format: rpz, path: x, scope: below}]",
       "f:1:48: feeds[0].scope: means nothing for a feed of format rpz; it is for hosts, domains, "
       "wildcard, csv, stix, misp, maltrail, json: remove it, or correct the format\n"},
      {"feeds: [{name: a, format: stix, path: x, scope: below, url_hosts: true, min_confidence: "
       "9}]",
       "good"},
      {"feeds: [{name: a, format: misp, path: x, scope: below, url_hosts: true}]", "good"},
      {"feeds: [{name: a, format: maltrail, path: x, scope: exact, url_hosts: true}]", "good"},
      {"feeds: [{name: a, format: json, path: x, scope: below, url_hosts: true, json: {field: f}}]",
       "good"},
      {"feeds: [{name: a, format: misp, path: x, min_confidence: 9, json: {field: f}}]",
       "f:1:58: feeds[0].min_confidence: means nothing for a feed of format misp; it is for stix: "
       "remove it, or correct the format\n"
       "f:1:67: feeds[0].json: means nothing for a feed of format misp; it is for json: remove it, "
       "or correct the format\n"},
      {"feeds: [{name: a, format: hosts, path: x, url_hosts: true}]",
       "f:1:54: feeds[0].url_hosts: means nothing for a feed of format hosts; it is for stix, "
       "misp, "
       "maltrail, json: remove it, or correct the format\n"},
      {"journal: {max_size: 8388607}",
       "f:1:21: journal.max_size: \"8388607\" is out of range; write a number from 8388608 to "
       "17592186044416\n"},
      {"feeds: [{name: a, format: csv, path: x, csv: {header: no}}]",
       "f:1:46: feeds[0].csv.column: \"domain\" is a title, but csv.header is false; give the "
       "column's number, 1 for the first\n"},
      {"feeds:\n  - {name: a, format: hosts, path: x}\n  - {name: a, format: hosts, path: y}\n",
       "f:3:12: feeds[1].name: the feed of line 2 is called \"a\" too; give each feed a name of "
       "its own\n"},
      {"groups: [{name: g, clients: 10.0.0.0/8, feeds: [hafnum]}]",
       "f:1:49: groups[0].feeds[0]: no feed is called \"hafnum\"; did you mean hafnium?\n"},
      {"packs: {hafnium: false}\ngroups: [{name: g, clients: [10.0.0.0/8], feeds: [hafnium]}]",
       "f:2:51: groups[0].feeds[0]: the pack \"hafnium\" is off; set packs.hafnium to true, or "
       "remove it here\n"},
      {"groups: [{name: g, clients: 10.0.0.0/8, feeds: hafnum}]",
       "f:1:48: groups[0].feeds: no feed is called \"hafnum\"; did you mean hafnium?\n"},
      {"groups: [{name: g, clients: 10.0.0.0/8, feeds: [hafnium], without: [alow, hafnium]}]",
       "f:1:49: groups[0].feeds[0]: \"hafnium\" is in without too; keep it in one of them\n"
       "f:1:69: groups[0].without[0]: no feed is called \"alow\"; did you mean allow?\n"},
      {"packs: {hafnium: false}\ngroups: [{name: default, without: hafnium}]", "good"},
      {"console: {hosts: [dns.example, 'a b']}",
       "f:1:32: console.hosts[1]: \"a b\" is not a domain name; write the name alone: no "
       "scheme, path or port\n"},
      {"feeds: [{name: a, format: hosts, path: x, allow: true, log_only: true, answer: nodata}]",
       "f:1:66: feeds[0].log_only: an allow list blocks nothing; remove log_only, or allow: true\n"
       "f:1:80: feeds[0].answer: an allow list blocks nothing; remove answer, or allow: true\n"},
      {"feeds: [{name: a, format: hosts, path: x, allow: true, log_only: false}]", "good"},
      {"groups: [{name: 'Bad One', clients: 10.0.0.0/8}, {name: h, clients: 10.0.0.0/8}]",
       "f:1:17: groups[0].name: \"Bad One\" cannot be a name here; use a-z, 0-9, \".\", \"_\" and "
       "\"-\", the first a letter or digit, at most 32\n"},
      {"groups: [{name: g}]",
       "f:1:10: groups[0].clients: the group has no clients; list their addresses or prefixes, or "
       "devices or client_ids\n"},
      {"groups: [{name: g, devices: ['00:1a:2b:3c:4d:5e', 00-1A-2B-3C-4D-5F]}]", "good"},
      {"groups: [{name: g, devices: '00:1a:2b:3c:4d'}]",
       "f:1:29: groups[0].devices: \"00:1a:2b:3c:4d\" is not a hardware address; write six pairs "
       "of "
       "hexadecimal digits: 00:1a:2b:3c:4d:5e\n"},
      {"groups: [{name: g, devices: '00:1a:2b:3c:4d:5e'}, {name: h, devices: '00-1A-2b-3c-4d-5e'}]",
       "f:1:70: groups[1].devices: 00:1a:2b:3c:4d:5e is in group \"g\" too; keep it in one "
       "group\n"},
      {"devices: {edns_from: '::1'}\ngroups: [{name: g, client_ids: [Tablet-7, a/b]}]", "good"},
      {"groups: [{name: g, client_ids: 'a b'}]",
       "f:1:32: groups[0].client_ids: \"a b\" is not what a client can be called; write up to 32 "
       "letters, digits and marks, no spaces, as the forwarder sends it\n"},
      {"groups: [{name: g, client_ids: t}, {name: h, client_ids: [s, t]}]",
       "f:1:58: groups[1].client_ids: t is in group \"g\" too; keep it in one group\n"},
      {"groups: [{name: default, client_ids: t}]",
       "f:1:38: groups[0].client_ids: the group \"default\" is for the clients of no other group; "
       "remove client_ids, or name the group otherwise\n"},
      {"groups: [{name: default, devices: '00:1a:2b:3c:4d:5e'}]",
       "f:1:35: groups[0].devices: the group \"default\" is for the clients of no other group; "
       "remove devices, or name the group otherwise\n"},
      {"feeds: [{name: '2024', format: hosts, path: x}]",
       "f:1:16: feeds[0].name: \"2024\" reads like the number of a generation; choose a name with "
       "a "
       "letter in it\n"},
      {"groups: [{name: default, answer: refused}]", "good"},
      {"groups: [{name: default, clients: 10.0.0.0/8}]",
       "f:1:35: groups[0].clients: the group \"default\" is for the clients of no other group; "
       "remove clients, or name the group otherwise\n"},
      {"groups: [{name: g, clients: 10.0.0.0/8}, {name: h, clients: 10.0.0.0/8}]",
       "f:1:61: groups[1].clients: 10.0.0.0/8 is in group \"g\" too; keep it in one group\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.yaml);
    EXPECT_EQ(problems_of(c.yaml), c.want);
  }
}

TEST(Config, RelativePathsAreOfTheFilesFolder) {
  const std::string_view yaml = R"(
state_dir: state
control_socket: /run/control.sock
resolver: {root_hints_file: ./hints, trust_anchor_files: [a.key, /b.key]}
feeds: [{name: a, format: hosts, path: lists/a}, {name: b, format: hosts, path: /b},
        {name: c, format: hosts, url: 'https://h/c'}]
)";
  const Outcome outcome = parse(yaml, "/etc/postern");
  ASSERT_TRUE(outcome.config.has_value());
  const Config& c = *outcome.config;
  EXPECT_EQ(c.state_dir, "/etc/postern/state");
  EXPECT_EQ(c.control_socket, "/run/control.sock");
  EXPECT_EQ(c.root_hints_file, "/etc/postern/./hints");
  EXPECT_EQ(c.trust_anchor_files, (std::vector<std::string>{"/etc/postern/a.key", "/b.key"}));
  EXPECT_EQ(c.feeds[0].path, "/etc/postern/lists/a");
  EXPECT_EQ(c.feeds[1].path, "/b");
  EXPECT_EQ(c.feeds[2].path, "");
  EXPECT_EQ(c.feeds[2].url, "https://h/c");
  EXPECT_EQ(parse("", "/etc/postern").config->state_dir, "/var/lib/postern");
  EXPECT_EQ(parse("state_dir: x", "/").config->state_dir, "/x");
  EXPECT_EQ(parse("state_dir: x").config->state_dir, "x");
  EXPECT_EQ(problems_of("state_dir: ~/x"),
            "f:1:12: state_dir: \"~/x\" begins with \"~\", which only shells understand; write the "
            "path in full, from / on\n");
  EXPECT_EQ(problems_of("resolver: {trust_anchor_files: ['~a/x']}"),
            "f:1:33: resolver.trust_anchor_files[0]: \"~a/x\" begins with \"~\", which only shells "
            "understand; write the path in full, from / on\n");
}

// Taken, and not what it reads like.
TEST(Config, Warnings) {
  const std::string feeds =
      "feeds: [{name: bad, format: hosts, path: x}, {name: good, format: hosts, path: y, allow: "
      "true}]\n";
  const std::string late =
      "f:1:90: warning: feeds[1].allow: this allow list stands behind bad, whose blocks it cannot "
      "undo; move it before the feeds that it makes exceptions to\n";
  const std::string watched =
      "feeds: [{name: bad, format: hosts, path: x, log_only: true}, {name: good, format: hosts, "
      "path: y, allow: true}]";
  const std::string refused =
      "so that all others that ask 0.0.0.0:53 are refused; add your networks to it, e.g. "
      "192.168.0.0/16\n";
  const std::string adds_nobody =
      " adds nobody: the other prefixes hold all of it; remove it, or narrow the others if they "
      "are "
      "not meant to be so wide\n";
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      // Clients that are refused, all of them or those of a group.
      {"server: {listen: 0.0.0.0:53}",
       "f:1:18: warning: access.allow: it has loopback addresses alone, " + refused},
      {"server: {listen: ['127.0.0.1:53', '0.0.0.0:53']}\naccess:\n  allow: [127.0.0.2, '::1']",
       "f:3:10: warning: access.allow: it has loopback addresses alone, " + refused},
      {"server: {listen: 0.0.0.0:53}\naccess: {allow: 10.0.0.0/8}", ""},
      {"access: {allow: []}",
       "f:1:17: warning: access.allow: the list is empty, so that every client is refused; add "
       "your networks to it, e.g. 192.168.0.0/16\n"},
      {"groups: [{name: g, clients: [127.0.0.2, 192.168.7.0/24]}]",
       "f:1:29: warning: groups[0].clients: 192.168.7.0/24 is not wholly in access.allow, so that "
       "clients of it are refused; add it to access.allow\n"},
      // Several prefixes may hold it together; a gap of one address is one.
      {"access: {allow: [10.0.0.0/9, 10.128.0.0/10, 10.192.0.0/10]}\n"
       "groups: [{name: g, clients: 10.0.0.0/8}]",
       ""},
      {"access: {allow: ['2001:db8::/33', '2001:db8:8000::/33']}\n"
       "groups: [{name: g, clients: '2001:db8::/32'}]",
       ""},
      {"access: {allow: [192.0.2.0/31, 192.0.2.2]}\ngroups: [{name: g, clients: 192.0.2.0/30}]",
       "f:2:29: warning: groups[0].clients: 192.0.2.0/30 is not wholly in access.allow, so that "
       "clients of it are refused; add it to access.allow\n"},
      // Prefixes that add nobody: of those that hold each other, one stays unnamed.
      {"access: {allow: [10.0.0.0/9, 10.128.0.0/9, 10.0.0.0/8]}",
       "f:1:18: warning: access.allow[0]: 10.0.0.0/9" + adds_nobody +
           "f:1:30: warning: access.allow[1]: 10.128.0.0/9" + adds_nobody},
      {"access: {allow: [10.0.0.0/8, 10.0.0.0/15, 10.0.0.0/16]}",
       "f:1:30: warning: access.allow[1]: 10.0.0.0/15" + adds_nobody +
           "f:1:43: warning: access.allow[2]: 10.0.0.0/16" + adds_nobody},
      {"access: {allow: [192.0.2.0/25, 192.0.2.128/25, '::/0', 192.0.3.0/24]}", ""},
      {"access: {allow: [0.0.0.0/0, '::/0', '2001:db8::1']}",
       "f:1:37: warning: access.allow[2]: 2001:db8::1/128" + adds_nobody},
      {"access: {allow: [192.168.0.0/16, '2001:db8::/32']}\n"
       "groups: [{name: g, clients: [192.168.7.0/24, '2001:db8:1::/48']}]",
       ""},
      // Allow lists that come too late.
      {feeds, late},
      {watched, ""},
      {feeds + "groups: [{name: default, feeds: [good, bad]}]", ""},
      {feeds + "groups: [{name: default, feeds: [good]}, {name: g, clients: 127.0.0.2}]", late},
      {"policy: {allow: [a.example]}\nfeeds: [{name: bad, format: hosts, path: x}]\n"
       "groups: [{name: default, feeds: [bad, allow]}]",
       "f:3:33: warning: group \"default\": allow stands behind bad, whose blocks it cannot undo; "
       "put it first, or leave it out of feeds: it is then first by itself\n"},
      {"policy: {allow: [a.example]}\nfeeds: [{name: bad, format: hosts, path: x}]\n"
       "groups: [{name: default, feeds: bad}]",
       ""},
  };
  for (const auto& [yaml, want] : cases) {
    SCOPED_TRACE(yaml);
    const Outcome outcome = parse(yaml);
    EXPECT_TRUE(outcome.config.has_value());
    std::string got;
    for (const Problem& warning : outcome.warnings) got += to_text(warning, "f") + "\n";
    EXPECT_EQ(got, want);
  }
}

TEST(Config, Urls) {
  const auto read = [](std::string_view url) {
    const auto outcome =
        parse("feeds: [{name: a, format: hosts, url: '" + std::string(url) + "'}]");
    return outcome.config ? outcome.config->feeds[0].url : "refused";
  };
  for (const std::string_view good :
       {"https://h", "http://h/x?y#z", "https://h:8443/", "http://[2001:db8::1]/x",
        "http://[::1]:80/", "https://user:p@ss@h/x", "https://h?x=[1]", "http://192.0.2.1:65535"}) {
    EXPECT_EQ(read(good), good);
  }
  EXPECT_EQ(read("HTTPS://H/Path"), "https://H/Path");
  for (const std::string_view bad :
       {"http://[/x", "http://[]/x", "http://[::1/x", "http://[::1]x/", "http://:80/", "http:///x",
        "https://h:/x", "https://h:0/", "https://h:65536/", "https://h:99999999999/", "http://a]b/",
        "https://u@/x", "https://", "ftp://h/", "https://h/a b"}) {
    EXPECT_EQ(read(bad), "refused") << bad;
  }
}

TEST(Config, NeedsRestartNamesWhatAReloadCannotChange) {
  struct Case {
    std::string_view yaml;
    std::vector<std::string> want;
  };
  const Case cases[] = {
      {"", {}},
      {"policy: {block: [a.example]}\naccess: {allow: [10.0.0.0/8]}", {}},
      {"feeds: [{name: a, format: hosts, path: x}]", {}},
      {"server: {workers: 7, udp_max_octets: 1400}\nstate_dir: /x",
       {"server.workers", "state_dir"}},
      {"resolver: {forward: [{zone: a.example, servers: 192.0.2.1}]}", {"resolver.forward"}},
  };
  const Config running = *parse("").config;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.yaml);
    const Outcome outcome = parse(c.yaml);
    ASSERT_TRUE(outcome.config.has_value());
    EXPECT_EQ(needs_restart(running, *outcome.config), c.want);
  }
}

// Hostile files end in a problem, quickly, with bounded memory.
TEST(Config, HostileTextIsRefused) {
  std::string laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c <= 'j'; ++c) {
    const char previous = static_cast<char>(c - 1);
    laughs += std::string(1, c) + ": &" + c + " [*" + previous + ",*" + previous + ",*" + previous +
              "]\n";
  }
  const std::string cases[] = {
      laughs,
      std::string(100'000, '['),
      std::string(100'000, '{'),
      std::string(3000, '-') + " x",
      std::string(kMaxFileOctets + 1, ' '),
      std::string("\0\0\0\0", 4),
      std::string("\xff\xfe"
                  "a\0b\0",
                  6),
      "a: \"unterminated",
      "? [a, b]\n: c\n",
      "<!DOCTYPE html><html><body>404</body></html>",
      "%YAML 9.9\n---\na: b\n",
      "server: !!python/object:os.system [ls]\n",
  };
  for (const std::string& text : cases) {
    SCOPED_TRACE(text.substr(0, 60));
    EXPECT_FALSE(parse(text).problems.empty());
  }
}

TEST(Config, ProblemsAreBounded) {
  std::string text = "policy:\n  block:\n";
  for (int i = 0; i < 5000; ++i) text += "    - a..b" + std::to_string(i) + "\n";
  const Outcome outcome = parse(text);
  EXPECT_EQ(outcome.problems.size(), kMaxProblems + 1);
  EXPECT_EQ(outcome.problems.back().text, "4900 more mistakes are not shown");
}

// The example file is every option at its default, and has no mistake.
TEST(Config, TheExampleGivesTheDefaults) {
  const std::string text = example_yaml();
  EXPECT_EQ(problems_of(text), "good");
  for (const Spec& spec : config_specs()) {
    const std::string key(spec.path.substr(spec.path.rfind('.') + 1));
    EXPECT_NE(text.find(key + ":"), std::string::npos) << spec.path;
  }
  const Outcome outcome = parse(text);
  ASSERT_TRUE(outcome.config.has_value());
  EXPECT_EQ(outcome.config->listen, parse("").config->listen);
}

TEST(Config, TheListsExamplesHaveNoMistake) {
  EXPECT_EQ(problems_of("feeds:\n- name: urlhaus\n  url: "
                        "https://urlhaus.abuse.ch/downloads/hostfile/\n  format: hosts\n"),
            "good");
  for (const ListSpec& list : list_specs()) {
    const bool is_nested = list.path == "resolver.forward";
    std::string head = is_nested ? "resolver:\n forward:\n" : std::string(list.path) + ":\n";
    if (list.path == "votes") {
      const std::string_view voters[] = {"urlhaus", "threatfox", "cert", "popular"};
      std::string feeds = "feeds:\n";
      for (const std::string_view each : voters) {
        feeds += fmt::format("  - {{name: {}, format: domains, path: /{}}}\n", each, each);
      }
      head.insert(0, feeds);
    }
    if (list.path == "during") {  // Names what others say.
      head =
          "groups: [{name: kids, clients: 127.0.0.2}]\n"
          "schedules: [{name: bedtime, windows: daily 21:00-07:00}]\n" +
          head;
    }
    std::string body;
    for (std::size_t from = 0, end = 0; from < list.example.size(); from = end + 1) {
      end = list.example.find('\n', from);
      body += "  " + std::string(list.example.substr(from, end - from)) + "\n";
    }
    EXPECT_EQ(problems_of(head + body), "good") << head + body;
  }
}

TEST(Config, ThePackagedFileHasNoMistake) {
  EXPECT_EQ(problems_of(read_file(kSource + "/packaging/postern.yaml")), "good");
}

TEST(Config, WhatIsGeneratedIsCurrent) {
  expect_golden(kSource + "/docs/reference/configuration.md", reference_markdown());
  expect_golden(kSource + "/packaging/postern.schema.json", json_schema());
  expect_golden(kSource + "/packaging/postern.example.yaml", example_yaml());
}

TEST(Config, OverridesOfPolicyZones) {
  const auto feed = [](std::string_view more) {
    return "feeds: [{name: a, format: rpz, path: /a, " + std::string(more) + "}]";
  };
  EXPECT_EQ(problems_of(feed("override: drop")), "good");
  EXPECT_EQ(problems_of(feed("override: cname, override_target: \"*.garden.example\"")), "good");
  EXPECT_EQ(problems_of(feed("override: cname")),
            "f:1:52: feeds[0].override: cname leads nowhere; add override_target: a name\n");
  EXPECT_EQ(problems_of(feed("override: drop, override_target: garden.example")),
            "f:1:75: feeds[0].override_target: a target without override: cname; remove it, or set "
            "override: cname\n");
}

// Choices of the table are indices into these types.
TEST(Config, ChoicesAreInTheOrderOfTheirTypes) {
  for (const Option<Config>& option : config_options()) {
    if (option.spec.path != "policy.block_answer") continue;
    const auto choices = choices_of(option.spec);
    ASSERT_EQ(choices.size(), 5U);
    for (std::size_t i = 0; i < choices.size(); ++i) {
      EXPECT_EQ(choices[i], policy::to_string(static_cast<policy::BlockAnswer>(i)));
    }
  }
}

TEST(Suggest, Nearest) {
  const std::string_view known[] = {"listen", "workers", "udp_max_octets"};
  struct Case {
    std::string_view word;
    std::string_view want;
  };
  const Case cases[] = {
      {"lisen", "listen"},
      {"lsiten", "listen"},
      {"LISTEN", "listen"},
      {"worker", "workers"},
      {"udp-max-octets", "udp_max_octets"},
      {"banana", ""},
      {"", ""},
      {"x", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.word);
    EXPECT_EQ(nearest(c.word, known).value_or(""), c.want);
  }
  EXPECT_EQ(edit_distance("ab", "ba"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance(std::string(100, 'a'), "a"), 100U);
}

}  // namespace
}  // namespace postern::config
