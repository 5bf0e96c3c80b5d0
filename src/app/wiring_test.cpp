#include "app/wiring.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/groups.h"
#include "config/options.h"
#include "config/value.h"

namespace postern::app {
namespace {

config::Config config_of(std::string_view yaml) {
  const auto outcome = config::parse(yaml);
  for (const auto& problem : outcome.problems) ADD_FAILURE() << config::to_text(problem, "f");
  return outcome.config.value_or(config::Config{});
}

Places places() {
  return {.state_dir = "/state", .control_socket = "/state/control.sock"};
}

std::vector<std::string> zone_names(const feeds::Options& options) {
  std::vector<std::string> names;
  for (const feeds::Source& source : options.sources) names.push_back(source.zone.name);
  return names;
}

// The order is the promise of the documentation: own allow list, own block list, packs, feeds.
TEST(Wiring, SourcesStandInPolicyOrder) {
  const auto options = feeds_options(config_of(R"(
policy: {allow: [good.example], block: ['*.bad.example']}
feeds:
  - {name: one, format: hosts, path: a}
  - {name: two, format: rpz, url: 'https://h/x', origin: rpz.example}
)"),
                                     places(), 7);
  EXPECT_EQ(zone_names(options),
            (std::vector<std::string>{"allow", "block", "hafnium", "one", "two"}));
  EXPECT_EQ(options.sources[0].text, "good.example\n");
  EXPECT_TRUE(options.sources[0].format.allow);
  EXPECT_EQ(options.sources[1].text, "*.bad.example\n");
  EXPECT_FALSE(options.sources[1].format.allow);
  EXPECT_FALSE(options.sources[2].text.empty());
  EXPECT_EQ(options.sources[3].path, "a");
  EXPECT_EQ(options.sources[4].url, "https://h/x");
  EXPECT_EQ(options.sources[4].format.origin->to_text(), "rpz.example.");
  EXPECT_EQ(options.cache_dir, "/state/feeds");
  ASSERT_EQ(options.groups.size(), 1U);
  EXPECT_EQ(options.groups[0].name, "default");
  EXPECT_EQ(options.groups[0].zones, (std::vector<std::uint16_t>{0, 1, 2, 3, 4}));
}

TEST(Wiring, PublishedZonesHaveTheirKeysInTheirOrder) {
  const auto options = zone_server_options(config_of(R"(
keys:
  - {name: one.key, secret: AAAA}
  - {name: Two.Key, algorithm: hmac-sha512, secret_file: /two}
groups:
  - {name: office, feeds: []}
publish:
  - {name: out, zone: policy.postern, group: office, keys: [two.key, one.key],
     notify: ['192.0.2.1:53'], wildcards: longest}
feeds:
  - name: z
    format: rpz
    transfer: {zone: rpz.example, primaries: [192.0.2.9], tsig: {name: k, secret: AAAA}}
)"),
                                           places());
  EXPECT_EQ(options.state_dir, "/state/published");
  ASSERT_EQ(options.published.size(), 1U);
  const feeds::PublishedZoneOptions& out = options.published[0];
  EXPECT_EQ(out.zone.to_text(), "policy.postern.");
  EXPECT_EQ(out.group, "office");
  EXPECT_EQ(out.wildcards, feeds::Wildcards::longest);
  EXPECT_TRUE(out.clients.empty());
  ASSERT_EQ(out.keys.size(), 2U);
  EXPECT_EQ(out.keys[0].name.to_text(), "two.key.");
  EXPECT_EQ(out.keys[0].algorithm, dns::TsigAlgorithm::hmac_sha512);
  EXPECT_EQ(out.keys[1].secret, "AAAA");
  ASSERT_EQ(options.sources.size(), 1U);
  EXPECT_EQ(options.sources[0].primaries.at(0).to_text(), "192.0.2.9");
  EXPECT_TRUE(options.sources[0].key.has_value());
}

TEST(Wiring, TheDefaultsBlockByThePackAlone) {
  EXPECT_EQ(zone_names(feeds_options(config_of(""), places(), 7)),
            std::vector<std::string>{"hafnium"});
  EXPECT_TRUE(feeds_options(config_of("packs: {hafnium: false}"), places(), 7).sources.empty());
}

TEST(Wiring, GroupsNameTheirZonesInTheirOrder) {
  const auto options = feeds_options(config_of(R"(
feeds: [{name: one, format: hosts, path: a}, {name: two, format: hosts, path: b}]
groups:
  - {name: kitchen, clients: [192.168.7.0/24], feeds: [two, allow, hafnium], answer: refused}
  - {name: default, feeds: [one], answer: nodata}
  - {name: open, clients: [192.168.8.0/24], feeds: [], without: [hafnium]}
)"),
                                     places(), 7);
  ASSERT_EQ(options.groups.size(), 3U);
  EXPECT_EQ(options.groups[0].name, "default");
  EXPECT_EQ(options.groups[0].zones, (std::vector<std::uint16_t>{0, 1}));
  EXPECT_EQ(options.groups[0].answer, policy::BlockAnswer::nodata);
  EXPECT_EQ(options.groups[1].name, "kitchen");
  // "allow" holds no name, so there is no such zone.
  EXPECT_EQ(options.groups[1].zones, (std::vector<std::uint16_t>{2, 0}));
  EXPECT_EQ(options.groups[1].answer, policy::BlockAnswer::refused);
  EXPECT_TRUE(options.groups[2].zones.empty());
}

TEST(Wiring, AFeedsOwnWordGoesBeforeThePolicys) {
  const config::Config config = config_of(R"(
policy: {block_answer: sinkhole, block_ttl_s: 60, sinkhole: {ipv4: 192.0.2.66}}
feeds:
  - {name: plain, format: domains, path: a}
  - {name: own, format: csv, path: b, answer: nodata, ttl_s: 5, ede: censored,
     log_only: true, scope: below,
     csv: {column: 2, separator: ;, header: false}, max_size: 2KiB, refresh_s: 61}
)");
  const feeds::Source plain = source_of(config.feeds[0], config);
  EXPECT_EQ(plain.zone.answer, policy::BlockAnswer::sinkhole);
  EXPECT_EQ(plain.zone.ttl_s, 60U);
  EXPECT_EQ(plain.zone.sinkhole_v4->to_text(), "192.0.2.66");
  EXPECT_EQ(plain.zone.ede, dns::EdeCode::blocked);
  EXPECT_FALSE(plain.zone.log_only);
  EXPECT_FALSE(plain.format.scope.has_value());
  EXPECT_FALSE(plain.format.origin.has_value());
  const feeds::Source own = source_of(config.feeds[1], config);
  EXPECT_EQ(own.zone.answer, policy::BlockAnswer::nodata);
  EXPECT_EQ(own.zone.ttl_s, 5U);
  EXPECT_EQ(own.zone.ede, dns::EdeCode::censored);
  EXPECT_TRUE(own.zone.log_only);
  EXPECT_EQ(own.format.scope, policy::Scope::below);
  EXPECT_EQ(own.format.csv.column, "2");
  EXPECT_EQ(own.format.csv.separator, ';');
  EXPECT_FALSE(own.format.csv.has_header);
  EXPECT_EQ(own.max_octets, 2048U);
  EXPECT_EQ(own.refresh, seconds(61));
}

// A group is told which packs it may name, and so has every one in force.
TEST(Wiring, EveryPackIsAListOfTheConfiguration) {
  for (const intel::Pack& pack : intel::built_in_packs()) {
    EXPECT_NE(std::ranges::find(config::kBuiltInLists, pack.name), std::end(config::kBuiltInLists))
        << pack.name;
  }
}

// Every format that the configuration takes is one that can be read.
TEST(Wiring, FormatsAreTheSameInConfigAndIntel) {
  for (const auto& option : config::feed_options()) {
    if (option.spec.path != "format") continue;
    const auto choices = config::choices_of(option.spec);
    EXPECT_EQ(choices.size(), 12U);
    for (const auto choice : choices)
      EXPECT_TRUE(intel::format_from_text(choice).has_value()) << choice;
  }
}

// Every name that the configuration takes for policy.block makes a rule: the reader skips none.
TEST(Wiring, PatternsAreTheSameInConfigAndIntel) {
  std::vector<std::string> texts = {"ok.com",       "*.ok.com",  "OK.com.",    "bücher.example",
                                    "||bad.com^",   "a,b",       "x;y",        "*.internal",
                                    "localhost",    "192.0.2.7", "good!x.com", "*.*.a",
                                    "a.example #x", ".a.com",    "//a.com",    "zip"};
  constexpr std::string_view kPieces[] = {"a",  "b.c", ".", "*.", "*",  "-", "_",         "com",
                                          "\\", "|",   "^", ",",  ";",  "#", "!",         "/",
                                          ":",  "@",   " ", "ü",  "\"", "7", "127.0.0.1", "local"};
  std::uint64_t state = 1;
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (int piece = 0; piece <= i % 4; ++piece) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      text += kPieces[(state >> 33) % std::size(kPieces)];
    }
    texts.push_back(text);
  }
  int taken = 0;
  for (const std::string& text : texts) {
    SCOPED_TRACE(text);
    const auto outcome = config::parse("policy: {block: ['" + text + "']}");
    if (!outcome.config) continue;
    ++taken;
    const feeds::Options options = feeds_options(*outcome.config, places(), 7);
    const feeds::Source& source = options.sources[0];
    ASSERT_EQ(source.zone.name, "block");
    const auto content = intel::read_feed(source.text, source.format);
    ASSERT_TRUE(content.has_value()) << content.error().text;
    EXPECT_EQ(content->rules.size(), 1U);
    EXPECT_EQ(content->lines_skipped, 0U);
  }
  EXPECT_GT(taken, 100);
}

// Every server that the configuration takes is one that can be asked.
TEST(Wiring, ServersAreTheSameInConfigAndResolve) {
  const config::Config config = config_of(R"(
resolver:
  forward:
    - zone: a.example
      trust_ad: true
      servers: [192.0.2.1, '2001:db8::1', 'udp://192.0.2.2:5353', 'tcp://[2001:db8::1]:53',
                'tls://192.0.2.3', 'tls://192.0.2.3:853#dns.example',
        'tls://192.0.2.3#dns.example&pin-sha256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=']
)");
  const auto options = forwarder_options(config.forward[0]);
  ASSERT_TRUE(options.has_value()) << options.error().text;
  EXPECT_EQ(options->servers.size(), 7U);
  EXPECT_TRUE(options->trust_ad);
}

TEST(Wiring, ZeroMeansOnePerCoreAndTheCacheIsShared) {
  const auto by_core = server_options(config_of("cache: {size: 64MiB}"), 4, {1, 2});
  EXPECT_EQ(by_core.workers, 4U);
  EXPECT_EQ(by_core.cache.max_octets, 16U << 20);
  EXPECT_EQ(by_core.seed, 1U);
  EXPECT_EQ(by_core.cache.hash_key, 2U);
  const auto fixed =
      server_options(config_of("server: {workers: 2}\ncache: {max_ttl_s: 60}"), 4, {1, 2});
  EXPECT_EQ(fixed.workers, 2U);
  EXPECT_EQ(fixed.cache.max_ttl_s, 60U);
  EXPECT_EQ(fixed.cache.max_negative_ttl_s, 60U);
  EXPECT_EQ(recursor_options(config_of(""), 3).threads, 3U);
  EXPECT_EQ(recursor_options(config_of("resolver: {threads: 1}"), 3).threads, 1U);
}

TEST(Wiring, TheJournalIsInTheStateFolder) {
  const auto options = journal_options(config_of("journal: {days: 3, max_size: 1GiB}"), places());
  EXPECT_EQ(options.path, "/state/journal.sqlite");
  EXPECT_EQ(options.days, 3U);
  EXPECT_EQ(options.max_octets, 1ULL << 30);
}

}  // namespace
}  // namespace postern::app
