#include "exchange/chain.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "exchange/rule_examples.h"

namespace postern::exchange {
namespace {

RuleSet built_in() {
  RuleBook book;
  EXPECT_TRUE(read_rule_pack(built_in_rule_pack(), "rows.rules", book));
  auto rules = RuleSet::compile(std::move(book));
  EXPECT_TRUE(rules);
  return *std::move(rules);
}

class ToChains final : public HitSink {
 public:
  explicit ToChains(Chains& chains) : chains_(chains) {}
  void on_hit(const Hit& hit) override { chains_.take(hit, "log"); }

 private:
  Chains& chains_;
};

/// The findings of these lines of HttpProxy.
std::vector<Finding> told(const std::vector<std::string>& lines) {
  static const RuleSet rules = built_in();
  Chains chains;
  ToChains sink(chains);
  const Surroundings surroundings;
  auto judge = RowJudge::make(rules, surroundings, sink);
  EXPECT_TRUE(judge);
  LogReader reader({LogFormat::csv, Source::httpproxy}, **judge);
  std::string text =
      "DateTime,UrlHost,UrlStem,AnchorMailbox,ClientIpAddress,HttpStatus,ResponseBytes\n";
  for (const std::string& line : lines) text += line + "\n";
  reader.feed(octets_of(text));
  reader.finish();
  return chains.findings();
}

std::string request(int second, std::string_view path, int status = 200, int octets = 100,
                    std::string_view client = "203.0.113.9") {
  return fmt::format("2021-03-03T04:{:02}:{:02}Z,mail.x,/ecp/y.js,ServerInfo~a]@ex:444{},{},{},{}",
                     second / 60, second % 60, path, client, status, octets);
}

constexpr std::string_view kAutodiscover = "/autodiscover/autodiscover.xml#";
constexpr std::string_view kMapi = "/mapi/emsmdb?MailboxId=AB-1@x.y#";
constexpr std::string_view kSession = "/ecp/proxyLogon.ecp#";
constexpr std::string_view kGet = "/ecp/DDI/DDIService.svc/GetObject?schema=OABVirtualDirectory#";
constexpr std::string_view kSetObject =
    "/ecp/DDI/DDIService.svc/SetObject?schema=OABVirtualDirectory#";
constexpr std::string_view kReset =
    "/ecp/DDI/DDIService.svc/SetObject?schema=ResetOABVirtualDirectory#";

TEST(Chains, TheHighestStageThatWasDoneIsTold) {
  std::vector<std::string> lines = {
      request(0, kAutodiscover), request(10, kMapi),  request(20, kSession, 241), request(30, kGet),
      request(40, kSetObject),   request(50, kReset), request(60, kSetObject)};
  const std::pair<std::size_t, std::string_view> cases[] = {{2, "2"}, {3, "3"}, {4, "4"},
                                                            {5, "5"}, {6, "6"}, {7, "7"}};
  for (const auto& [count, stage] : cases) {
    std::vector<std::string> some(lines.begin(), lines.begin() + static_cast<long>(count));
    std::ranges::reverse(some);  // Logs come in any order.
    const auto found = told(some);
    ASSERT_EQ(found.size(), 1U) << count;
    EXPECT_EQ(found[0].rule, "PL-08");
    EXPECT_EQ(found[0].details[0], (Detail{"stage", std::string(stage)}));
    EXPECT_EQ(found[0].actor, "203.0.113.9");
    EXPECT_EQ(found[0].confidence, count >= 6 ? 99 : count >= 3 ? 95 : 90);
  }
  EXPECT_EQ(told({lines[0]}).size(), 0U);
}

TEST(Chains, WhatTheServerRefusedIsNoStage) {
  const auto found =
      told({request(0, kMapi), request(10, kSession, 403), request(20, kReset, 500)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].details[0].value, "2");
  EXPECT_EQ(told({request(0, kMapi, 404), request(10, kSession, 200)}).size(), 0U);
}

TEST(Chains, ALongPauseAndAnotherAddressAreOtherChains) {
  EXPECT_EQ(told({request(0, kMapi), request(300, kSession, 241)}).size(), 1U);
  EXPECT_EQ(told({request(0, kMapi), request(301, kSession, 241)}).size(), 2U);
  EXPECT_EQ(told({request(0, kMapi), request(1, kSession, 241, 1, "203.0.113.8")}).size(), 2U);
}

TEST(Chains, MailThatIsTakenIsCounted) {
  const auto found = told({request(0, kMapi), request(1, "/EWS/Exchange.asmx?a=1#", 200, 700'000),
                           request(2, "/ews/exchange.asmx#", 200, 600'000)});
  const auto theft = std::ranges::find(found, "PL-07", &Finding::rule);
  ASSERT_NE(theft, found.end());
  EXPECT_EQ(theft->details,
            (std::vector<Detail>{
                {"octets", "1300000"}, {"most in an hour", "1300000"}, {"mailbox", "ab-1@x.y"}}));
  EXPECT_EQ(theft->place.line, 3U);
  EXPECT_TRUE(told({request(1, "/EWS/Exchange.asmx#", 200, 900'000)}).empty());
}

/// The findings of example rows, each with its rules, at these seconds.
std::vector<Finding> told_of(const std::vector<std::pair<Example, int>>& rows) {
  static const RuleSet rules = built_in();
  Chains chains;
  ToChains sink(chains);
  const Surroundings surroundings;
  auto judge = RowJudge::make(rules, surroundings, sink);
  EXPECT_TRUE(judge);
  for (const auto& [example, second] : rows) {
    (*judge)->begin_file();
    const Schema schema = schema_of(example);
    std::vector<std::string_view> values;
    for (const Detail& value : example.values) values.push_back(value.value);
    Row row;
    row.schema = &schema;
    row.values = values;
    row.event_time = WallTime(std::chrono::seconds(1'614'744'000 + second));
    std::string text;
    for (const std::string_view value : values) text.append(value).append(" ");
    row.text = text;
    (*judge)->on_text(text);
    (*judge)->on_row(row);
  }
  return chains.findings();
}

Example cmdlet(std::string_view name, std::string_view parameters) {
  Example example;
  example.source = Source::event;
  example.values = {{"Channel", "MSExchange Management"},
                    {"event_id", "1"},
                    {"Data[0]", std::string(name)},
                    {"Data[1]", std::string(parameters)}};
  return example;
}

TEST(Chains, ADirectoryMadeAnewSoonAfterItsAddressWasAPage) {
  const Example set =
      cmdlet("Set-OabVirtualDirectory", "-ExternalUrl \"http://f/<script runat=server>\"");
  const Example made = cmdlet("New-OabVirtualDirectory", "-Server x");
  const auto found = told_of({{set, 0}, {made, 5}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].rule, "PL-15");
  EXPECT_EQ(found[0].confidence, 99);
  EXPECT_TRUE(told_of({{set, 0}, {made, 61}}).empty());
  EXPECT_TRUE(told_of({{made, 0}, {set, 5}}).empty());
}

TEST(Chains, ARightGivenAndUsed) {
  const Example right =
      cmdlet("New-ManagementRoleAssignment", "-Role \"Mailbox Import Export\" -User \"a\"");
  const Example used =
      cmdlet("New-MailboxExportRequest", "-FilePath \"\\\\127.0.0.1\\c$\\a.aspx\"");
  const auto found = told_of({{right, 0}, {used, 3600}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].rule, "PS-05");
  EXPECT_EQ(found[0].tier, Tier::exploited);
  EXPECT_TRUE(told_of({{right, 0}, {used, 3601}}).empty());
}

TEST(Chains, AScriptAskedForByWhoSentRequestsOn) {
  Example script;
  script.source = Source::iis;
  script.values = {{"method", "GET"}, {"stem", "/ecp/y.js"}, {"client", "203.0.113.9"}};
  Example sent;
  sent.source = Source::httpproxy;
  sent.values = {{"anchor", "ServerInfo~a/x"}, {"client", "203.0.113.9"}, {"status", "200"}};
  const auto found = told_of({{script, 0}, {sent, 5}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].rule, "PL-06");
  EXPECT_EQ(found[0].tier, Tier::exploited);
  EXPECT_TRUE(told_of({{script, 0}, {sent, 6}}).empty());
}

}  // namespace
}  // namespace postern::exchange
