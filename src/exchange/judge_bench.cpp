// How fast logs are judged: all rules over IIS and HttpProxy logs, alone and with the fold of their
// traffic, beside a bare split of the same text and the reader without rules. POSTERN_BENCH_LOG
// names a file to write the IIS log to, so that other programs can be timed on it.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/assert.h"
#include "exchange/judge.h"
#include "exchange/log_split.h"
#include "exchange/rule_pack.h"
#include "exchange/sigma.h"
#include "exchange/traffic_fold.h"

namespace postern::exchange {
namespace {

constexpr std::size_t kLogOctets = 64U << 20;
constexpr std::size_t kBlockOctets = 256U << 10;

constexpr std::string_view kAgents[] = {
    "Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64)+AppleWebKit/537.36+(KHTML,+like+Gecko)+Chrome/88.0."
    "4324.190+Safari/537.36",
    "Microsoft+Office/16.0+(Windows+NT+10.0;+Microsoft+Outlook+16.0.13628;+Pro)",
    "Apple-iPhone12C1/1804.52",
    "Android-SAMSUNG-SM-G981B/101.10",
    "MacOutlook/16.46.21021202+(Intelx64+Mac+OS+X+Version+11.2.1+(Build+20D74))",
    "AMProbe/Local/ClientAccess",
    "ExchangeServicesClient/15.01.2176.002",
};

struct Request {
  std::string_view method, stem, query;
  int weight;
};
constexpr Request kRequests[] = {
    {"POST", "/Microsoft-Server-ActiveSync/default.eas",
     "Cmd=Sync&User=CONTOSO%5Cuser{}&DeviceId=ApplDNPX{}&DeviceType=iPhone&CorrelationID=<empty>;"
     "&cafeReqId=6f1a3c7e-0b1d-4f6e-9d0a-{};",
     30},
    {"POST", "/mapi/emsmdb/",
     "mailboxId=8f3c7b1a-0000-4000-8000-{}@contoso.com&CorrelationID=<empty>;&cafeReqId=7d2b-{};{}",
     25},
    {"POST", "/EWS/Exchange.asmx", "&CorrelationID=<empty>;&cafeReqId=aa-{};&encoding=;{}{}", 15},
    {"GET", "/owa/service.svc",
     "action=GetConversationItems&EP=1&UA=0&ID=-{}&AC=1&CorrelationID={};&ClientId=AB{}", 8},
    {"POST", "/owa/service.svc",
     "action=FindItem&UA=0&app=Mail&n={}&CorrelationID={};&ClientId=CD{}", 6},
    {"GET", "/owa/prem/15.1.2176.9/scripts/boot.worldwide.0.mouse.js", "v={}{}{}", 4},
    {"POST", "/Autodiscover/Autodiscover.xml", "&CorrelationID=<empty>;&cafeReqId=c-{};{}{}", 4},
    {"GET", "/autodiscover/autodiscover.json",
     "Email=user{}%40contoso.com&Protocol=ActiveSync&RedirectCount=1&x={}{}", 2},
    {"GET", "/owa/auth/logon.aspx", "url=https%3a%2f%2fmail.contoso.com%2fowa%2f&reason=0&n={}{}{}",
     2},
    {"GET", "/ecp/", "rfr=owa&p=PersonalSettings&n={}{}{}", 1},
    {"POST", "/ecp/DDI/DDIService.svc/GetList", "msExchEcpCanary=x{}&schema=MailboxService{}{}", 1},
    {"GET", "/OAB/8f3c7b1a/oab.xml", "{}{}{}", 2},
};

const Request& pick(std::mt19937& random) {
  static const std::vector<std::size_t> wheel = [] {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < std::size(kRequests); ++i) {
      out.insert(out.end(), static_cast<std::size_t>(kRequests[i].weight), i);
    }
    return out;
  }();
  return kRequests[wheel[random() % wheel.size()]];
}

std::string filled(std::string_view pattern, std::mt19937& random) {
  return fmt::format(fmt::runtime(pattern), random() % 5000, random() % 100'000'000,
                     random() % 1'000'000);
}

std::string iis_log() {
  std::mt19937 random(4);
  std::string out =
      "#Software: Microsoft Internet Information Services 10.0\r\n"
      "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
      "cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n";
  for (std::uint32_t i = 0; out.size() < kLogOctets; ++i) {
    const Request& request = pick(random);
    out += fmt::format(
        "2021-03-03 {:02}:{:02}:{:02} 10.0.0.20 {} {} {} 443 CONTOSO\\user{} 198.51.{}.{} {} - {} "
        "0 "
        "0 {}\r\n",
        i / 36000 % 24, i / 600 % 60, i / 10 % 60, request.method, request.stem,
        filled(request.query, random), random() % 5000, random() % 100, random() % 250,
        kAgents[random() % std::size(kAgents)], random() % 20 == 0 ? 401 : 200, random() % 900);
  }
  return out;
}

std::string proxy_log() {
  std::mt19937 random(5);
  std::string out =
      "DateTime,RequestId,MajorVersion,MinorVersion,Protocol,UrlHost,UrlStem,ProtocolAction,"
      "AuthenticationType,IsAuthenticated,AuthenticatedUser,Organization,AnchorMailbox,UserAgent,"
      "ClientIpAddress,ServerHostName,HttpStatus,BackEndStatus,ErrorCode,Method,TargetServer,"
      "TargetServerVersion,RoutingHint,BackEndCookie,RequestBytes,ResponseBytes,UrlQuery,"
      "GenericInfo,GenericErrors\r\n#Software: Microsoft Exchange Server\r\n"
      "#Log-type: HttpProxy Logs\r\n";
  for (std::uint32_t i = 0; out.size() < kLogOctets; ++i) {
    const Request& request = pick(random);
    const auto user = random() % 5000;
    std::string agent(kAgents[random() % std::size(kAgents)]);
    for (char& c : agent) {
      if (c == '+' || c == ',') c = ' ';
    }
    out += fmt::format(
        "2021-03-03T{:02}:{:02}:{:02}.{:03}Z,6f1a3c7e-0b1d-4f6e-9d0a-{:012x},15,1,Owa,"
        "mail.contoso.com,{},,Basic,True,CONTOSO\\user{},,Sid~S-1-5-21-1-2-3-{},{},198.51.{}.{},"
        "EX01,{},200,,{},ex01.contoso.com,15.01.2176.000,WindowsIdentity,"
        "Server~ex01.contoso.com~1941997017~2021-03-03T10:00:00,{},{},?{},"
        "BeginRequest=2021-03-03T04:05:06.123Z;CorrelationID=<empty>;ProxyState-Run=None;"
        "DownLevelTargetHash=0/0/1;ClientAccessServer=EX01.contoso.com;OnEndRequest={};,\r\n",
        i / 36000 % 24, i / 600 % 60, i / 10 % 60, i % 1000, i, request.stem, user, user, agent,
        random() % 100, random() % 250, random() % 20 == 0 ? 401 : 200, request.method,
        random() % 5000, random() % 90000, filled(request.query, random), random() % 900);
  }
  return out;
}

const std::string& log_text(Source source) {
  static const std::string iis = [] {
    std::string text = iis_log();
    const char* const path = std::getenv("POSTERN_BENCH_LOG");
    if (path == nullptr) return text;
    if (std::FILE* const file = std::fopen(path, "wb")) {
      static_cast<void>(std::fwrite(text.data(), 1, text.size(), file));
      static_cast<void>(std::fclose(file));
    }
    return text;
  }();
  static const std::string proxy = proxy_log();
  return source == Source::iis ? iis : proxy;
}

LogKind kind_of(Source source) {
  return {source == Source::iis ? LogFormat::w3c : LogFormat::csv, source};
}

void read_all(Source source, RowSink& sink) {
  const std::string& text = log_text(source);
  LogReader reader(kind_of(source), sink);
  for (std::size_t at = 0; at < text.size(); at += kBlockOctets) {
    reader.feed(octets_of(std::string_view(text).substr(at, kBlockOctets)));
  }
  reader.finish();
  POSTERN_ASSERT(reader.stats().unread == 0);
}

void note_speed(benchmark::State& state, Source source) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(log_text(source).size()));
}

void bare_split(benchmark::State& state, Source source) {
  const std::string_view text = log_text(source);
  std::vector<std::string_view> values;
  for (auto _ : state) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      values.clear();
      std::string_view line = text.substr(at, end - at);
      while (!line.empty()) {
        const std::size_t stop =
            std::min(line.find(source == Source::iis ? ' ' : ','), line.size());
        values.push_back(line.substr(0, stop));
        line.remove_prefix(std::min(stop + 1, line.size()));
      }
      count += values.size();
      at = end + 1;
    }
    benchmark::DoNotOptimize(count);
  }
  note_speed(state, source);
}

class Counter final : public RowSink {
 public:
  void on_row(const Row& row) override {
    octets += row.value(Common::status).size() + row.value(Common::client).size();
  }
  std::size_t octets = 0;
};

void read_rows(benchmark::State& state, Source source) {
  for (auto _ : state) {
    Counter counter;
    read_all(source, counter);
    benchmark::DoNotOptimize(counter.octets);
  }
  note_speed(state, source);
}

class NoHits final : public HitSink {
 public:
  void on_hit(const Hit&) override { ++hits; }
  std::size_t hits = 0;
};

std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The built-in pack, and the Sigma rules of the folder that POSTERN_BENCH_SIGMA names.
RuleBook all_rules() {
  RuleBook book;
  POSTERN_ASSERT(read_rule_pack(built_in_rule_pack(), "rows.rules", book));
  const char* const folder = std::getenv("POSTERN_BENCH_SIGMA");
  if (folder == nullptr) return book;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".yml") continue;
    static_cast<void>(read_sigma(text_of_file(entry.path()), entry.path().string(), {}, book));
  }
  return book;
}

void judge_rows(benchmark::State& state, Source source) {
  RuleBook book = all_rules();
  state.counters["rules"] = static_cast<double>(book.rules.size());
  const auto rules = RuleSet::compile(std::move(book));
  POSTERN_ASSERT(rules);
  const Surroundings surroundings;
  NoHits hits;
  const auto judge = RowJudge::make(*rules, surroundings, hits);
  POSTERN_ASSERT(judge);
  for (auto _ : state) {
    (*judge)->begin_file();
    read_all(source, **judge);
  }
  const JudgeStats& stats = (*judge)->stats();
  state.counters["asked"] = static_cast<double>(stats.asked) / static_cast<double>(stats.rows);
  state.counters["hits"] = static_cast<double>(hits.hits);
  note_speed(state, source);
}

/// All that a sweep does with a row.
void judge_and_fold(benchmark::State& state, Source source) {
  const auto rules = RuleSet::compile(all_rules());
  POSTERN_ASSERT(rules);
  const Surroundings surroundings;
  NoHits hits;
  const auto judge = RowJudge::make(*rules, surroundings, hits);
  POSTERN_ASSERT(judge);
  TrafficFold fold;
  RowFan fan({judge->get(), &fold});
  std::size_t kept = 0;
  for (auto _ : state) {
    (*judge)->begin_file();
    fold.begin("a.log");
    read_all(source, fan);
    kept = octets_of_traffic(fold.finish()).size();
  }
  state.counters["kept"] = static_cast<double>(kept);
  note_speed(state, source);
}

BENCHMARK_CAPTURE(bare_split, iis, Source::iis)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_rows, iis, Source::iis)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(judge_rows, iis, Source::iis)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(judge_and_fold, iis, Source::iis)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(bare_split, httpproxy, Source::httpproxy)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_rows, httpproxy, Source::httpproxy)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(judge_rows, httpproxy, Source::httpproxy)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(judge_and_fold, httpproxy, Source::httpproxy)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace postern::exchange
