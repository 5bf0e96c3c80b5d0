#include "exchange/traffic.h"

#include <algorithm>
#include <random>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "exchange/log_reader.h"
#include "exchange/text_index.h"
#include "exchange/traffic_findings.h"
#include "exchange/traffic_fold.h"

namespace postern::exchange {
namespace {

constexpr std::string_view kHeader =
    "#Fields: date time cs-method cs-uri-stem s-port cs-username c-ip cs(User-Agent) cs(Referer) "
    "sc-status sc-bytes cs-bytes\n";
constexpr std::string_view kThief = "203.0.113.9";
constexpr std::string_view kOther = "203.0.113.50";

/// One request; what a case does not say is that of an ordinary one.
struct Asked {
  int day = 1;
  int second = 43'200;  ///< Of the day.
  std::string method = "GET";
  std::string stem = "/owa/";
  std::string user = "-";
  std::string client = "198.51.100.1";
  std::string agent = "Mozilla/5.0";
  std::string referer = "-";
  int status = 200;
  std::uint64_t out = 5'000, in = 700;
  int port = 443;
};

std::string line_of(const Asked& asked) {
  return fmt::format("2021-03-{:02} {:02}:{:02}:{:02} {} {} {} {} {} {} {} {} {} {}\n", asked.day,
                     asked.second / 3600, asked.second / 60 % 60, asked.second % 60, asked.method,
                     asked.stem, asked.port, asked.user, asked.client, asked.agent, asked.referer,
                     asked.status, asked.out, asked.in);
}

TrafficFacts facts_of_text(std::string_view text, std::string_view path,
                           LogKind kind = {LogFormat::w3c, Source::iis}) {
  TrafficFold fold;
  fold.begin(path);
  LogReader reader(kind, fold);
  reader.feed(octets_of(text));
  reader.finish();
  // As the next sweep has them.
  const auto kept = traffic_of_octets(octets_of_traffic(fold.finish()), path);
  EXPECT_TRUE(kept.has_value());
  return *kept;
}

/// Requests of `days` days by ten people, so that there is something to compare with.
std::vector<Asked> quiet(int days) {
  std::vector<Asked> out;
  for (int day = 1; day <= days; ++day) {
    for (int person = 0; person < 10; ++person) {
      for (int i = 0; i < 8; ++i) {
        Asked asked;
        asked.day = day;
        asked.second = 28'800 + person * 60 + i * 1'000;
        asked.client = fmt::format("198.51.100.{}", person + 1);
        asked.user = fmt::format("CORP\\user{}", person);
        asked.out = 100'000 + static_cast<std::uint64_t>(person) * 10'000;
        out.push_back(asked);
      }
    }
  }
  return out;
}

/// A log for each day, as IIS writes them.
std::vector<TrafficFacts> logs_of(std::vector<Asked> all) {
  std::ranges::stable_sort(all, {},
                           [](const Asked& one) { return std::pair(one.day, one.second); });
  std::map<int, std::string> texts;
  for (const Asked& asked : all) {
    auto [at, is_new] = texts.try_emplace(asked.day, kHeader);
    at->second += line_of(asked);
  }
  std::vector<TrafficFacts> out;
  for (const auto& [day, text] : texts) {
    out.push_back(facts_of_text(text, fmt::format("u_ex2103{:02}.log", day)));
  }
  return out;
}

std::vector<Finding> findings_of(const std::vector<Asked>& all, const PageOnDisk& on_disk = {},
                                 const TrafficLimits& limits = {}) {
  TrafficFacts sum;
  for (const TrafficFacts& log : logs_of(all)) sum.add(log);
  return traffic_findings(sum, on_disk, limits);
}

/// "W-03 203.0.113.9; …".
std::string told(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& one : findings) {
    EXPECT_EQ(one.tier, Tier::hunt);
    if (!out.empty()) out += "; ";
    out += fmt::format("{} {}", one.rule, one.actor);
  }
  return out;
}

std::string detail(const Finding& finding, std::string_view name) {
  const auto found = std::ranges::find(finding.details, name, &Detail::name);
  return found == finding.details.end() ? "" : found->value;
}

Asked by(std::string_view client, int day, int second) {
  Asked asked;
  asked.client = client;
  asked.day = day;
  asked.second = second;
  return asked;
}

Asked page(std::string_view stem, std::string_view client, int day, int second) {
  Asked asked = by(client, day, second);
  asked.stem = stem;
  return asked;
}

TEST(Traffic, QuietDaysSayNothing) {
  EXPECT_EQ(told(findings_of(quiet(10))), "");
}

TEST(Traffic, MailThatIsTakenInADayIsOdd) {
  auto all = quiet(6);
  for (int i = 0; i < 100; ++i) {
    Asked asked = page("/EWS/Exchange.asmx", kThief, 4, 10'000 + i * 20);
    asked.out = 700'000;
    all.push_back(asked);
  }
  const auto findings = findings_of(all);
  ASSERT_EQ(told(findings), "W-01 203.0.113.9");
  EXPECT_EQ(detail(findings[0], "octets"), "70000000");
  EXPECT_EQ(detail(findings[0], "page of it"), "/EWS/Exchange.asmx");
  EXPECT_EQ(findings[0].place.path, "u_ex210304.log");
  EXPECT_EQ(findings[0].place.line, 2U);  // The first of them, behind the header.
}

TEST(Traffic, ABackupThatAlwaysTakesMuchIsNotOdd) {
  auto all = quiet(6);
  for (int day = 1; day <= 6; ++day) {
    Asked asked = page("/EWS/Exchange.asmx", "198.51.100.77", day, 7'200);
    asked.out = 300'000'000 + static_cast<std::uint64_t>(day) * 1'000'000;
    all.push_back(asked);
  }
  EXPECT_EQ(told(findings_of(all)), "");
  EXPECT_EQ(findings_of(all, {}, {.habit_days = 100}).size(), 6U);
}

TEST(Traffic, ADayOnWhichManyAreSentMuchIsNotOdd) {
  auto all = quiet(6);
  for (int phone = 0; phone < 8; ++phone) {
    Asked asked = by(fmt::format("192.0.2.{}", phone + 1), 3, 36'000 + phone);
    asked.stem = "/Microsoft-Server-ActiveSync/default.eas";
    asked.out = 80'000'000;
    all.push_back(asked);
  }
  EXPECT_EQ(told(findings_of(all)), "");
  EXPECT_EQ(findings_of(all, {}, {.crowd = 100}).size(), 8U);
}

TEST(Traffic, AnAddressThatManyShareIsWeighedByPerson) {
  auto all = quiet(6);
  for (int person = 0; person < 30; ++person) {
    Asked asked = by("192.0.2.200", 3, 36'000 + person);
    asked.user = fmt::format("CORP\\office{}", person);
    asked.out = 4'000'000;  // 120 MB in all.
    all.push_back(asked);
  }
  EXPECT_EQ(told(findings_of(all)), "");
  for (Asked& asked : all) asked.user = "-";
  EXPECT_EQ(told(findings_of(all)), "W-01 192.0.2.200");
}

TEST(Traffic, RowsOfTheBackEndAreNotCountedAgain) {
  auto all = quiet(6);
  Asked asked = by(kThief, 3, 100);
  asked.out = 400'000'000;
  asked.port = 444;
  all.push_back(asked);
  EXPECT_EQ(told(findings_of(all)), "");
  all.back().port = 443;
  EXPECT_EQ(told(findings_of(all)), "W-01 203.0.113.9");
}

TEST(Traffic, AShellsFirstTouchAndItsFewCallersAreTold) {
  auto all = quiet(4);
  for (int i = 0; i < 5; ++i) {
    Asked asked = page("/aspnet_client/Discover.ASPX/x", kThief, 3, 7'200 + i * 30);
    asked.method = "POST";
    asked.agent = "antSword/v2.1";
    all.push_back(asked);
  }
  const auto gone = [](std::string_view which) {
    EXPECT_EQ(which, "/aspnet_client/discover.aspx");
    return OnDisk::missing;
  };
  const auto findings = findings_of(all, gone);
  EXPECT_EQ(told(findings), "W-03 203.0.113.9; W-04 203.0.113.9; W-08 203.0.113.9");
  EXPECT_EQ(told(findings_of(all, [](std::string_view) { return OnDisk::there; })),
            "W-03 203.0.113.9; W-08 203.0.113.9");
  EXPECT_EQ(told(findings_of(all, [](std::string_view) { return OnDisk::unknown; })),
            "W-03 203.0.113.9; W-08 203.0.113.9");
}

TEST(Traffic, AFirstTouchNeedsAPostWithoutRefererByAProgramThatIsNew) {
  struct Case {
    const char* what;
    Asked asked;
  };
  Asked base = page("/aspnet_client/a.aspx", kThief, 3, 7'200);
  base.method = "POST";
  base.agent = "antSword/v2.1";
  std::vector<Case> cases;
  cases.push_back({"read", base});
  cases.back().asked.method = "GET";
  cases.push_back({"with a referer", base});
  cases.back().asked.referer = "https://mail.example/owa/";
  cases.push_back({"by a browser that is known", base});
  cases.back().asked.agent = "Mozilla/5.0";
  cases.push_back({"on the first day of the logs", base});
  cases.back().asked.day = 1;
  cases.push_back({"refused", base});
  cases.back().asked.status = 302;
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    auto all = quiet(4);
    all.push_back(one.asked);
    EXPECT_EQ(told(findings_of(all)).find("W-08"), std::string::npos);
  }
}

TEST(Traffic, PagesOfExchangeAndOfManyAreNotRare) {
  auto all = quiet(4);
  all.push_back(page("/owa/auth/errorFE.aspx", kThief, 3, 100));
  all.push_back(page("/ecp/DDI/DDIService.svc/GetList", kThief, 3, 200));
  all.push_back(page("/ScriptResource.axd", kThief, 3, 250));
  for (int i = 0; i < 3; ++i) {
    all.push_back(page("/company/phonebook.aspx", fmt::format("198.51.100.{}", i + 1), 3, 300 + i));
  }
  // A probe that was there when the logs begin.
  for (int day = 1; day <= 4; ++day) all.push_back(page("/probe/alive.aspx", kOther, day, 0));
  EXPECT_EQ(told(findings_of(all)), "");
}

TEST(Traffic, WhoLooksForManyPagesInAMinuteHunts) {
  for (const int apart : {1, 10, 14, 16}) {
    SCOPED_TRACE(apart);
    auto all = quiet(3);
    for (int i = 0; i < 5; ++i) {
      all.push_back(page(fmt::format("/aspnet_client/s{}.aspx", i), kThief, 2, 100 + i * apart));
      all.back().status = 404;
    }
    EXPECT_EQ(told(findings_of(all)), apart <= 15 ? "W-05 203.0.113.9" : "");
  }
  auto all = quiet(3);
  for (int i = 0; i < 20; ++i) {  // The same four again and again: a broken link.
    all.push_back(page(fmt::format("/help/s{}.aspx", i % 4), kThief, 2, 100 + i));
    all.back().status = 404;
  }
  EXPECT_EQ(told(findings_of(all)), "");
}

TEST(Traffic, WhatAHunterWasAnsweredIsTold) {
  auto all = quiet(3);
  for (int i = 0; i < 8; ++i) {
    all.push_back(page(fmt::format("/owa/auth/s{}.aspx", i), kThief, 2, 100 + i));
    all.back().status = i == 6 ? 200 : 404;
  }
  const auto findings = findings_of(all);
  ASSERT_EQ(told(findings), "W-03 203.0.113.9; W-05 203.0.113.9");
  EXPECT_EQ(detail(findings[1], "label"), "shell scavenger");
  EXPECT_EQ(detail(findings[1], "names"), "7");
  EXPECT_EQ(detail(findings[1], "answered 200"), "/owa/auth/s6.aspx");
}

/// 260 posts in some seven minutes; `sizes` says of each what is sent back.
std::vector<Asked> posts(const std::function<std::uint64_t(int)>& sizes, std::uint64_t in = 150) {
  auto all = quiet(3);
  for (int i = 0; i < 260; ++i) {
    Asked asked = page("/aspnet_client/t.aspx", kThief, 1, 7'130 + i * 17 / 10);
    asked.method = "POST";
    asked.out = sizes(i);
    asked.in = in;
    all.push_back(asked);
  }
  return all;
}

TEST(Traffic, PostsInTurnsOfSmallAndLargeAreATunnel) {
  const auto turns = [](int i) { return std::uint64_t{i % 2 == 0 ? 120U : 20'000U}; };
  const auto findings = findings_of(posts(turns));
  ASSERT_EQ(told(findings), "W-09 203.0.113.9");
  EXPECT_EQ(findings[0].confidence, 65);
  // What always answers alike is asked often, and no tunnel; nor are uploads.
  EXPECT_EQ(told(findings_of(posts([](int) { return std::uint64_t{300}; }))), "");
  EXPECT_EQ(told(findings_of(posts(turns, 60'000))), "");
}

TEST(Traffic, WithoutSizesTheRateSpeaksOfStrangersAlone) {
  for (const std::string_view client : {kThief, std::string_view("10.1.0.7")}) {
    std::string text = "#Fields: date time cs-method cs-uri-stem c-ip sc-status\n";
    for (int i = 0; i < 260; ++i) {
      text += fmt::format("2021-03-01 02:{:02}:{:02} POST /aspnet_client/t.aspx {} 200\n", i / 60,
                          i % 60, client);
    }
    const auto findings = traffic_findings(facts_of_text(text, "a.log"), {});
    EXPECT_EQ(told(findings), client == kThief ? "W-09 203.0.113.9" : "");
  }
}

TEST(Traffic, APageThatWasNotThereAndThenIsForFewIsTold) {
  auto all = quiet(4);
  all.push_back(page("/aspnet_client/x.aspx", kOther, 1, 100));
  all.back().status = 404;
  all.push_back(page("/aspnet_client/x.aspx", kThief, 2, 100));
  const auto findings = findings_of(all);
  ASSERT_EQ(told(findings), "W-11 203.0.113.9");
  EXPECT_EQ(detail(findings[0], "not there at"), "2021-03-01T00:01:40Z");
  // One that an administrator adds is soon asked for by many.
  for (int i = 0; i < 4; ++i) {
    all.push_back(page("/aspnet_client/x.aspx", fmt::format("198.51.100.{}", i + 1), 3, i));
  }
  EXPECT_EQ(told(findings_of(all)), "");
}

std::vector<Asked> failures(int day, int count) {
  std::vector<Asked> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(page("/ecp/default.aspx", kThief, day, 3'590 + i * 10));
    all.back().status = 500;
  }
  return all;
}

TEST(Traffic, TheControlPanelFailingSuddenlyIsTold) {
  auto all = quiet(5);
  std::ranges::copy(failures(4, 30), std::back_inserter(all));
  const auto findings = findings_of(all);
  ASSERT_EQ(told(findings), "W-11 203.0.113.9");
  EXPECT_EQ(detail(findings[0], "in all"), "30");
  all = quiet(5);
  std::ranges::copy(failures(4, 15), std::back_inserter(all));
  EXPECT_EQ(told(findings_of(all)), "");
  // Where it does so every day, it is not sudden.
  all = quiet(5);
  for (int day = 1; day <= 5; ++day) std::ranges::copy(failures(day, 30), std::back_inserter(all));
  EXPECT_EQ(told(findings_of(all)), "");
}

/// Everything at once.
std::vector<Asked> everything() {
  auto all = posts([](int i) { return std::uint64_t{i % 2 == 0 ? 120U : 20'000U}; });
  std::ranges::copy(failures(3, 30), std::back_inserter(all));
  for (int i = 0; i < 12; ++i) {
    all.push_back(page(fmt::format("/owa/auth/s{}.aspx", i), kOther, 2, 86'380 + i));
    all.back().status = i == 6 ? 200 : 404;
    if (all.back().second >= 86'400) {
      all.back().day += 1;
      all.back().second -= 86'400;
    }
  }
  for (int i = 0; i < 100; ++i) {
    Asked asked = page("/EWS/Exchange.asmx", kThief, 3, 10'000 + i * 20);
    asked.out = 700'000;
    all.push_back(asked);
  }
  return all;
}

TEST(Traffic, WhatIsFoundDoesNotDependOnTheOrderOfLogs) {
  std::vector<TrafficFacts> logs = logs_of(everything());
  TrafficFacts sum;
  for (const TrafficFacts& log : logs) sum.add(log);
  const auto findings = traffic_findings(sum, {});
  EXPECT_EQ(told(findings),
            "W-01 203.0.113.9; W-03 203.0.113.50; W-05 203.0.113.50; W-09 203.0.113.9; "
            "W-11 203.0.113.9");
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::ranges::shuffle(logs, random);
    // In two heaps, as two readers would have them.
    TrafficFacts one;
    TrafficFacts other;
    for (const TrafficFacts& log : logs) (random() % 2 == 0 ? one : other).add(log);
    one.add(other);
    EXPECT_EQ(traffic_findings(one, {}), findings);
  }
}

TEST(Traffic, RequestsInTwoKindsOfLogsAreToldOnce) {
  const std::string proxy =
      "DateTime,UrlStem,Protocol,AuthenticatedUser,ClientIpAddress,UserAgent,HttpStatus,Method,"
      "RequestBytes,ResponseBytes\n";
  auto all = quiet(4);
  std::string text = proxy;
  for (const Asked& asked : all) {
    text += fmt::format("2021-03-{:02}T10:00:00.1Z,{},Owa,{},{},{},200,GET,700,{}\n", asked.day,
                        asked.stem, asked.user, asked.client, asked.agent, asked.out);
  }
  for (int i = 0; i < 100; ++i) {
    Asked asked = page("/owa/auth/x.aspx", kThief, 3, 36'000 + i * 20);
    asked.out = 700'000;
    all.push_back(asked);
    text += fmt::format("2021-03-03T10:{:02}:{:02}.5Z,{},Owa,,{},{},200,GET,700,700000\n", i / 60,
                        i % 60, asked.stem, asked.client, asked.agent);
  }
  TrafficFacts sum = facts_of_text(text, "HttpProxy.LOG", {LogFormat::csv, Source::httpproxy});
  EXPECT_EQ(told(traffic_findings(sum, {})), "W-01 203.0.113.9; W-03 203.0.113.9");
  for (const TrafficFacts& log : logs_of(all)) sum.add(log);
  const auto findings = traffic_findings(sum, {});
  EXPECT_EQ(told(findings), "W-01 203.0.113.9; W-03 203.0.113.9");
  EXPECT_EQ(findings[1].place.path, "u_ex210303.log");
}

TEST(Traffic, AFloodOfNamesDoesNotPushOutWhatIsAnswered) {
  std::string text(kHeader);
  for (int i = 0; i < 3'000; ++i) {
    Asked asked = page(fmt::format("/s{}.aspx", i), fmt::format("192.0.2.{}", i % 250), 2, i);
    asked.status = 404;
    text += line_of(asked);
  }
  text += line_of(page("/aspnet_client/x.aspx", kThief, 2, 40'000));
  TrafficFold fold;
  fold.begin("a.log");
  LogReader reader({LogFormat::w3c, Source::iis}, fold);
  reader.feed(octets_of(text));
  reader.finish();
  const TrafficFacts facts = fold.finish();
  EXPECT_EQ(facts.iis.misses.size(), 3'000U);
  EXPECT_NE(facts.iis.visits.find(traffic_key("/aspnet_client/x.aspx", kThief)), nullptr);
  EXPECT_EQ(facts.iis.left_out, 0U);
}

TEST(Traffic, WhatThereIsNoRoomForIsSaid) {
  TrafficFacts facts;
  for (std::size_t i = 0; i < SourceTraffic::kMaxVisits; ++i) {
    facts.iis.visits.of(traffic_key("/x.aspx", std::to_string(i)))->count = 1;
  }
  EXPECT_FALSE(facts.is_cut());
  TrafficFacts more;
  more.iis.visits.of(traffic_key("/y.aspx", "1"))->count = 1;
  facts.add(more);
  EXPECT_TRUE(facts.is_cut());
}

TEST(Traffic, WhatIsKeptIsWhatWasThere) {
  const Octets octets = octets_of_traffic(facts_of_text(line_of({}), "a.log"));
  EXPECT_TRUE(traffic_of_octets(octets, "a.log").has_value());
  TrafficFold fold;
  fold.begin("a.log");
  std::string text(kHeader);
  for (const Asked& asked : everything()) text += line_of(asked);
  LogReader reader({LogFormat::w3c, Source::iis}, fold);
  reader.feed(octets_of(text));
  reader.finish();
  const TrafficFacts facts = fold.finish();
  const Octets all = octets_of_traffic(facts);
  const auto read = traffic_of_octets(all, "a.log");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(octets_of_traffic(*read), all);
  EXPECT_EQ(traffic_findings(*read, {}), traffic_findings(facts, {}));
  for (std::size_t size = 0; size < all.size(); size += 1 + size / 8) {
    EXPECT_FALSE(traffic_of_octets(OctetView(all).first(size), "a.log").has_value()) << size;
  }
}

TEST(RankedMap, KeepsTheSameKeysInWhateverOrderTheyCome) {
  std::vector<std::string> keys;
  for (int i = 0; i < 500; ++i) keys.push_back(fmt::format("key{}", i % 250));
  std::mt19937 random(3);
  std::optional<std::map<std::string, int>> first;
  for (int round = 0; round < 10; ++round) {
    std::ranges::shuffle(keys, random);
    RankedMap<int> map(40);
    for (const std::string& key : keys) {
      if (int* const value = map.of(key)) ++*value;
    }
    std::map<std::string, int> kept;
    for (const auto& item : map.items()) kept[*item.key] = *item.value;
    EXPECT_EQ(kept.size(), 40U);
    for (const auto& [key, value] : kept) EXPECT_EQ(value, 2) << key;
    if (!first) first = kept;
    EXPECT_EQ(kept, *first);
    EXPECT_GT(map.left_out(), 0U);
  }
}

TEST(TextIndex, IsWhatAMapWouldBe) {
  std::mt19937 random(5);
  TextIndex index(2'000);
  std::map<std::string, std::uint32_t> twin;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text(random() % 40, static_cast<char>('a' + random() % 26));
    const std::string key = text + std::to_string(random() % 100);
    const std::uint32_t number = index.number(key);
    const auto known = twin.find(key);
    if (known != twin.end()) {
      ASSERT_EQ(number, known->second);
    } else if (twin.size() == 2'000) {
      ASSERT_EQ(number, TextIndex::kNone);
    } else {
      ASSERT_EQ(number, twin.size());
      ASSERT_EQ(index.text(number), key);
      twin.emplace(key, number);
    }
  }
  EXPECT_EQ(twin.size(), 2'000U);
}

}  // namespace
}  // namespace postern::exchange
