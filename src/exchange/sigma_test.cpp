#include "exchange/sigma.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "exchange/rule_examples.h"
#include "exchange/sigma_value.h"
#include "exchange/yaml_tree.h"

namespace postern::exchange {
namespace {

namespace fs = std::filesystem;

Result<RuleSet> compiled(std::string_view text, SigmaOptions options = {}) {
  RuleBook book;
  POSTERN_CHECK(read_sigma(text, "r.yml", options, book));
  return RuleSet::compile(std::move(book));
}

std::string rule_of(std::string_view logsource, std::string_view detection) {
  return fmt::format(
      "title: T\nid: i-1\nauthor: Ann, Bob\nlevel: high\ntags: [attack.t1505.003, "
      "cve.2021-26855, attack.initial-access]\nlogsource: {}\ndetection:\n{}",
      logsource, detection);
}

Example example_of(Source source, std::vector<Detail> values) {
  Example example;
  example.source = source;
  example.values = std::move(values);
  return example;
}

bool hits(const std::string& text, const Example& example, SigmaOptions options = {}) {
  const auto rules = compiled(text, options);
  EXPECT_TRUE(rules) << (rules ? "" : rules.error().text) << "\n" << text;
  return rules && !found_in(*rules, example).empty();
}

constexpr std::string_view kWeb = "{category: webserver}";
constexpr std::string_view kProcess = "{category: process_creation, product: windows}";

Example web(std::string_view stem, std::string_view query, std::string_view status = "200") {
  return example_of(Source::iis, {{"method", "POST"},
                                  {"stem", std::string(stem)},
                                  {"query", std::string(query)},
                                  {"agent", "Mozilla/5.0 (compatible; x)"},
                                  {"status", std::string(status)}});
}

Example process(std::string_view image, std::string_view command) {
  return example_of(Source::event, {{"Channel", "Microsoft-Windows-Sysmon/Operational"},
                                    {"event_id", "1"},
                                    {"Image", std::string(image)},
                                    {"CommandLine", std::string(command)}});
}

TEST(Sigma, ThePathOfWebRulesIsInTheirQuery) {
  const std::string text = rule_of(kWeb,
                                   "  s:\n    cs-uri-query|contains|all: ['/ecp/', 'a=1']\n"
                                   "    sc-status: [200, 301]\n  condition: s\n");
  EXPECT_TRUE(hits(text, web("/ecp/x", "a=1")));
  EXPECT_FALSE(hits(text, web("/ecp/x", "a=1", "404")));
  EXPECT_FALSE(hits(text, web("/owa/x", "a=1")));
  EXPECT_FALSE(hits(text, web("/ecp/x", "a=1"), {.query_is_url = false}));
  EXPECT_TRUE(hits(text, web("/owa/x", "a=1/ecp/"), {.query_is_url = false}));
}

TEST(Sigma, AFindingNamesItsAuthor) {
  const auto rules = compiled(rule_of(kWeb, "  s:\n    cs-uri-stem: /x/y.aspx\n  condition: s\n"));
  ASSERT_TRUE(rules);
  const auto found = found_in(*rules, web("/x/y.aspx", ""));
  ASSERT_EQ(found.size(), 1U);
  const Finding& finding = found[0].finding;
  EXPECT_EQ(finding.rule, "i-1");
  EXPECT_EQ(finding.author, "Ann, Bob");
  EXPECT_EQ(finding.tier, Tier::attempt);
  EXPECT_EQ(finding.confidence, 60);
  EXPECT_EQ(finding.attack, (std::vector<std::string>{"T1505.003"}));
  EXPECT_EQ(finding.cve, (std::vector<std::string>{"CVE-2021-26855"}));
}

TEST(Sigma, DetectionsMeanWhatTheySay) {
  const std::tuple<std::string_view, std::string_view, std::string_view, bool> cases[] = {
      {"  s:\n    Image|endswith: '\\CMD.exe'\n  condition: s", "c:\\cmd.exe", "x", true},
      {"  s:\n    Image: '*\\cmd.exe'\n  condition: s", "c:\\cmd.exe", "x", true},
      {"  s:\n    Image: 'c:\\\\*\\cmd.exe'\n  condition: s", "c:\\a\\b\\cmd.exe", "x", true},
      {"  s:\n    Image: 'c:\\*\\cmd.exe'\n  condition: s", "c:\\a\\cmd.exe", "x", false},
      {"  s:\n    Image: 'c:\\c?d.exe'\n  condition: s", "c:\\cmd.exe", "x", true},
      {"  s:\n    Image: 'c:\\c?d.exe'\n  condition: s", "c:\\cmmd.exe", "x", false},
      {"  s:\n    Image|contains|cased: CMD\n  condition: s", "c:\\cmd.exe", "x", false},
      {"  s:\n    - Image|contains: zzz\n    - CommandLine|contains: abc\n  condition: s", "c:\\x",
       "1abc2", true},
      {"  s:\n    CommandLine|contains|all: [a b, c d]\n  condition: s", "x", "c d a b", true},
      {"  s:\n    CommandLine|contains|all: [a b, c d]\n  condition: s", "x", "c d", false},
      {"  s:\n    CommandLine|re: 'a[0-9]+b'\n  condition: s", "x", "-a12b-", true},
      {"  s:\n    CommandLine|re: 'a[0-9]+b'\n  condition: s", "x", "-A12b-", false},
      {"  s:\n    CommandLine|re|i: 'a[0-9]+b'\n  condition: s", "x", "-A12b-", true},
      {"  s:\n    CommandLine|windash|contains: ' -enc '\n  condition: s", "x", "p /enc y", true},
      {"  s:\n    CommandLine|base64offset|contains: whoami\n  condition: s", "x",
       "echo eHh3aG9hbWl5 ", true},
      {"  s:\n    CommandLine|wide|base64offset|contains: IEX\n  condition: s", "x",
       "-e SQBFAFgAIAAoAE4A", true},
      {"  s:\n    CommandLine: null\n  condition: s", "x", "", true},
      {"  s:\n    CommandLine: ''\n  condition: s", "x", "y", false},
      {"  s:\n    CommandLine: 'null'\n  condition: s", "x", "null", true},
      {"  s:\n    CommandLine: '*'\n  condition: s", "x", "y", true},
      {"  s:\n    Nothing|exists: false\n    Image|exists: true\n  condition: s", "x", "y", true},
      {"  k: [whoami, 'net user']\n  condition: k", "x", "cmd /c Net User", true},
      {"  k:\n    '|all': [whoami, priv]\n  condition: k", "x", "whoami /priv", true},
      {"  k:\n    '|all': [whoami, priv]\n  condition: k", "x", "whoami", false},
      {"  a_1:\n    Image: x\n  a_2:\n    CommandLine: y\n  f:\n    Image: q\n"
       "  condition: all of a_* and not 1 of f*",
       "x", "y", true},
      {"  a_1:\n    Image: x\n  a_2:\n    CommandLine: z\n  condition: 1 of them", "x", "y", true},
      {"  a_1:\n    Image: x\n  a_2:\n    CommandLine: z\n  condition: all of them", "x", "y",
       false},
      {"  a:\n    Image: x\n  b:\n    Image: q\n  c:\n    Image: x\n"
       "  condition: (a or b) and not (b or not c)",
       "x", "y", true},
      {"  a:\n    EventID: 1\n  condition: a", "x", "y", true},
      {"  a:\n    EventID|gte: 2\n  condition: a", "x", "y", false},
  };
  for (const auto& [detection, image, command, expected] : cases) {
    const std::string text = rule_of(kProcess, std::string(detection) + "\n");
    EXPECT_EQ(hits(text, process(image, command)), expected) << detection;
  }
}

TEST(Sigma, ProcessesStartInTwoLogs) {
  const std::string text =
      rule_of(kProcess, "  s:\n    ParentImage|endswith: '\\w3wp.exe'\n  condition: s\n");
  EXPECT_TRUE(hits(text, example_of(Source::event, {{"Channel", "Security"},
                                                    {"event_id", "4688"},
                                                    {"ParentProcessName", "C:\\w3wp.exe"}})));
  EXPECT_FALSE(hits(text, example_of(Source::event, {{"Channel", "Security"},
                                                     {"event_id", "4689"},
                                                     {"ParentProcessName", "C:\\w3wp.exe"}})));
}

TEST(Sigma, LevelsAndDataAreWhatEventsCallThem) {
  const std::string text = rule_of("{product: windows, service: application}",
                                   "  s:\n    Provider_Name: P\n    Level: Error\n"
                                   "    Data|contains: view\n  condition: s\n");
  const auto event = [](std::string_view level) {
    return example_of(Source::event, {{"Channel", "Application"},
                                      {"Provider_Name", "P"},
                                      {"Level", std::string(level)},
                                      {"Data[0]", "a viewstate"}});
  };
  EXPECT_TRUE(hits(text, event("2")));
  EXPECT_FALSE(hits(text, event("4")));
}

TEST(Sigma, WhatIsNotSupportedIsSaid) {
  const std::string_view web_fields = "  s:\n    a: b\n  condition: s\n";
  const std::pair<std::string, std::string_view> cases[] = {
      {rule_of("{product: linux, service: auth}", web_fields),
       "r.yml:6: the logsource is not one that is read (product linux, service auth)"},
      {rule_of(kWeb, "  s:\n    a|expand: '%x%'\n  condition: s\n"),
       "r.yml:9: the modifier \"expand\" is not known here"},
      {rule_of(kWeb, "  s:\n    a: b\n  condition: s | count() > 5\n"),
       "r.yml:10: the condition counts or joins events (\"|\")"},
      {rule_of(kWeb, "  s:\n    a: b\n  condition: s and t\n"),
       "r.yml:10: there is no selection \"t\""},
      {rule_of(kWeb, "  s:\n    a: b\n  condition: 1 of t*\n"),
       "r.yml:10: there is no selection \"t*\""},
      {rule_of(kWeb, "  s:\n    a: b\n  condition: (s\n"), "r.yml:10: the condition lacks a \")\""},
      {rule_of(kWeb, "  s:\n    a|re: '(?=x)'\n  condition: s\n"),
       "r.yml:9: the regular expression cannot be read: invalid perl operator: (?="},
      {rule_of(kWeb, "  s:\n    a: b\n"), "r.yml:8: the detection has no condition"},
      {rule_of(kWeb, "  s: []\n  condition: s\n"), "r.yml:8: a selection is empty"},
      {"a: b\n", "r.yml:1: this is no rule: it has no title, logsource or detection"},
      {"a: *b\n", "r.yml:1: the referenced anchor is not defined"},
      {"a: [\n", ""},
      {"", "r.yml:1: is empty"},
  };
  for (const auto& [text, expected] : cases) {
    const auto rules = compiled(text);
    ASSERT_FALSE(rules) << text;
    if (!expected.empty()) {
      EXPECT_EQ(rules.error().text, expected) << text;
    }
  }
  std::string deep = "a: ";
  deep.append(100, '[');
  EXPECT_FALSE(read_yaml_tree(deep + std::string(100, ']')));
}

TEST(Sigma, WildcardsMayBeEscaped) {
  const auto of = [](std::string_view value) {
    const SigmaTest test = test_of(sigma_text(value));
    return std::pair(test.op, test.text);
  };
  using P = std::pair<Op, std::string>;
  EXPECT_EQ(of("a*"), (P{Op::starts, "a"}));
  EXPECT_EQ(of("*a"), (P{Op::ends, "a"}));
  EXPECT_EQ(of("**a**"), (P{Op::contains, "a"}));
  EXPECT_EQ(of("a\\*"), (P{Op::equals, "a*"}));
  EXPECT_EQ(of("a\\\\*"), (P{Op::starts, "a\\"}));
  EXPECT_EQ(of("a\\b"), (P{Op::equals, "a\\b"}));
  EXPECT_EQ(of("a\\"), (P{Op::equals, "a\\"}));
  EXPECT_EQ(of("a*b"), (P{Op::matches, "^a(.|\\n)*b$"}));
  EXPECT_EQ(of("*"), (P{Op::is_empty, ""}));
  EXPECT_EQ(base64_of("Man"), "TWFu");
  EXPECT_EQ(base64_of("Ma"), "TWE=");
  EXPECT_EQ(base64_of("M"), "TQ==");
  EXPECT_EQ(base64_anywhere("http://"),
            (std::vector<std::string>{"aHR0cDovL", "h0dHA6Ly", "odHRwOi8v"}));
}

fs::path data_folder() {
  if (const char* folder = std::getenv("POSTERN_SHARED_DATA")) return folder;
  return fs::path(POSTERN_SOURCE_DIR).parent_path() / "shared" / "data";
}

TEST(Sigma, PublishedRulesAreRead) {
  const fs::path folder = data_folder() / "exchange" / "sigma";
  if (!fs::exists(folder))
    GTEST_SKIP() << "SKIPPED: no published rules at " << folder << ": set POSTERN_SHARED_DATA";
  RuleBook book;
  std::map<std::string, std::string> refused;
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".yml" || entry.path().filename() == "info.yml") continue;
    ++files;
    std::ifstream file(entry.path());
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    const auto read = read_sigma(text, entry.path().filename().string(), {}, book);
    if (!read) refused[entry.path().filename().string()] = read.error().text;
  }
  for (const auto& [name, why] : refused) std::printf("refused: %s\n", why.c_str());
  EXPECT_EQ(book.rules.size() + refused.size(), files);
  EXPECT_EQ(refused.size(), 0U);
  const auto rules = RuleSet::compile(std::move(book));
  ASSERT_TRUE(rules) << rules.error().text;
  for (const std::size_t index : rules->unfiltered()) {
    const RowRule& rule = rules->book().rules[index];
    std::printf("each row is asked: %s\n", rule.title.c_str());
    EXPECT_FALSE(has(rule.sources, Source::iis)) << rule.title;
  }
  std::printf("%zu of %zu published rules\n", rules->book().rules.size(), files);
}

}  // namespace
}  // namespace postern::exchange
