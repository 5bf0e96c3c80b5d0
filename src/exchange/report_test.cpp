#include "exchange/report.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "intel/format.h"

namespace postern::exchange {
namespace {

using std::chrono::days;

const Day kDay = std::chrono::year(2021) / 3 / 3;
/// What is bad in a terminal, a page, a sheet and a JSON text alike.
const std::string kHostile = "=\x1b]0;x\x07<script>alert(1)</script>\"',\r\n\xff";

Finding finding(std::string_view rule, Tier tier, int confidence, std::string_view actor) {
  Finding made;
  made.rule = rule;
  made.title = "a title";
  made.tier = tier;
  made.confidence = confidence;
  made.actor = actor;
  made.at = WallTime(kDay);
  made.attack = {"T1190"};
  made.cve = {"CVE-2021-26855"};
  made.place = {.path = "logs/x.log", .line = 12};
  return made;
}

Report report_of(std::vector<Finding> findings) {
  Report report;
  report.case_id = "2021-7";
  report.program = "postern test";
  report.began = WallTime(kDay + days(20));
  report.ended = report.began + seconds(9);
  report.roots = {"/mnt"};
  ServerReport& server = report.servers.emplace_back();
  server.name = "EX01";
  server.findings = std::move(findings);
  server.coverage.of("IIS").add(WallTime(kDay));
  Evidence evidence;
  evidence.findings = server.findings;
  evidence.coverage = &server.coverage;
  evidence.files = 5;
  evidence.today = kDay + days(20);
  server.verdict = judge(evidence);
  return report;
}

Report hostile_report() {
  Finding hostile = finding(kHostile, Tier::exploited, 90, kHostile);
  hostile.title = hostile.place.path = hostile.author = kHostile;
  hostile.attack = hostile.cve = {kHostile};
  hostile.details = {{kHostile, kHostile}, {std::string(kMailboxDetail), kHostile}};
  Report report = report_of({hostile});
  ServerReport& server = report.servers[0];
  server.name = report.case_id = kHostile;
  server.skipped = {{kHostile, kHostile}};
  server.logs = {{kHostile, kHostile, 1, 1, {kHostile}}};
  server.coverage.of(kHostile).add(WallTime(kDay));
  server.patch.emplace();
  server.patch->text = kHostile;
  CvePatch& cve = server.patch->cves.emplace_back();
  cve.cve = cve.note = cve.fixed_in = kHostile;
  Evidence evidence;
  evidence.findings = server.findings;
  evidence.patch = &*server.patch;
  evidence.coverage = &server.coverage;
  evidence.skipped = server.skipped;
  evidence.today = kDay;
  server.verdict = judge(evidence);
  report.left_out = {{kHostile, kHostile, kHostile}};
  report.left_out_count = 1;
  report.rules_not_supported = {kHostile};
  return report;
}

TEST(Report, ExitCodes) {
  EXPECT_EQ(exit_code_of(report_of({})), 0);
  EXPECT_EQ(exit_code_of(report_of({finding("PL-03", Tier::probe, 50, "")})), 0);
  EXPECT_EQ(exit_code_of(report_of({finding("PL-02", Tier::attempt, 70, "")})), 1);
  Report report = report_of({finding("PL-01", Tier::exploited, 90, "")});
  EXPECT_EQ(exit_code_of(report), 1);
  report.complete = false;
  EXPECT_EQ(exit_code_of(report), 2);
  EXPECT_EQ(exit_code_of(Report()), 2);
}

FindingChange became(Change change, std::string why = "", bool is_news = false) {
  FindingChange out;
  out.change = change;
  out.why = std::move(why);
  out.is_news = is_news;
  return out;
}

/// A report whose findings are these, with what became of them.
Report compared(std::vector<std::pair<Finding, FindingChange>> findings) {
  std::vector<Finding> plain;
  Since since;
  since.case_id = "yesterday";
  for (auto& [one, change] : findings) {
    plain.push_back(one);
    since.changes.push_back(change);
  }
  Report report = report_of(std::move(plain));
  report.servers[0].since = std::move(since);
  return report;
}

TEST(Report, AgainstASweepBeforeOnlyWhatIsNewCounts) {
  const Finding proof = finding("PL-01", Tier::exploited, 90, "");
  EXPECT_EQ(exit_code_of(compared({{proof, became(Change::same)}})), 0);
  EXPECT_EQ(exit_code_of(compared({{proof, became(Change::gone)}})), 0);
  EXPECT_EQ(exit_code_of(compared({{proof, became(Change::gone, "", true)}})), 1);
  EXPECT_EQ(exit_code_of(compared({{proof, became(Change::fresh, "", true)}})), 1);
  EXPECT_EQ(exit_code_of(compared({{proof, became(Change::changed, "", true)}})), 1);
  EXPECT_EQ(exit_code_of(compared({{proof, became(Change::changed)}})), 0);
  EXPECT_EQ(exit_code_of(compared({{finding("PL-03", Tier::probe, 50, ""), {}}})), 0);
}

TEST(Report, EachFormSaysWhatBecameOfFindings) {
  const Finding proof = finding("PL-01", Tier::exploited, 90, "192.0.2.1");
  Report report =
      compared({{proof, became(Change::same)}, {proof, became(Change::gone, "its log is <gone>")}});
  Since& since = *report.servers[0].since;
  since.dropped.push_back({finding("F-14", Tier::exploited, 80, ""), {}, {}});
  since.dropped_why.emplace_back("the file was changed");
  report.changed_files.push_back({"/mnt", false, 1, 0, 2, 40, {{"x.aspx", Change::fresh}}});
  const std::string text = to_text(report, false);
  for (const char* part :
       {"(case yesterday): 0 new, 0 changed, 1 still there, 2 gone, 0 gone before.",
        "Still there (1):", "Gone (1):", "its log is <gone> (last found 1970-01-01)",
        "gone: F-14 a title, logs/x.log: the file was changed", "new: x.aspx",
        "Files of /mnt that are looked at: 1 new, 0 changed, 2 gone, 40 still there."}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  const std::string html = to_html(report);
  for (const char* part : {"<td>gone: its log is &lt;gone&gt;</td>", "<td>still there</td>",
                           "the file was changed", "new: <code>x.aspx</code>"}) {
    EXPECT_NE(html.find(part), std::string::npos) << part;
  }
  const std::string csv = to_csv(report);
  EXPECT_NE(csv.find(",gone,its log is <gone>\r\n"), std::string::npos) << csv;
  const std::string json = to_json(report);
  for (const char* part :
       {R"("since":"gone","why":"its log is <gone>")", R"("since":"still there")",
        R"("counts":{"new":0,"changed":0,"still there":1,"gone":2,"gone before":0})",
        R"("changed_files":[{"root":"/mnt","is_first":false,"new":1)"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << "\n" << json;
  }
  // What is gone is no file to be taken away.
  EXPECT_EQ(json.find(R"("items":[{)"), std::string::npos);
}

TEST(Report, TheWorstServerCounts) {
  Report report = report_of({});
  report.servers.push_back(
      report_of({finding("PL-01", Tier::exploited, 90, "192.0.2.1")}).servers[0]);
  EXPECT_EQ(outcome_of(report), Outcome::compromised);
}

TEST(Report, ATerminalIsToldTheVerdictFirst) {
  const Report report = report_of({finding("PL-02", Tier::attempt, 70, "192.0.2.2"),
                                   finding("PL-01", Tier::exploited, 90, "192.0.2.1")});
  const std::string text = to_text(report, false);
  EXPECT_TRUE(text.starts_with("EX01: compromised\nCompromised, first seen 2021-03-03 00:00 UTC"))
      << text;
  EXPECT_LT(text.find("exploited  90"), text.find("attempt    70"));
  EXPECT_NE(text.find("logs/x.log:12"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(to_text(report, true).find("\x1b[31;1m"), std::string::npos);
}

TEST(Report, NothingHostileReachesATerminal) {
  const std::string text = to_text(hostile_report(), false);
  for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  EXPECT_EQ(text.find('\xff'), std::string::npos);
}

TEST(Report, NothingHostileIsMarkup) {
  const std::string html = to_html(hostile_report());
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;"), std::string::npos);
  EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
  for (const char* other : {"src=", "href=", "url(", "@import", "\x1b", "\xff"}) {
    EXPECT_EQ(html.find(other), std::string::npos) << other;
  }
}

TEST(Report, NoCellIsAFormulaAndNoRowIsSplit) {
  const std::string csv = to_csv(hostile_report());
  EXPECT_EQ(std::ranges::count(csv, '\n'), 2);
  for (std::size_t at = csv.find("\r\n") + 2; at < csv.size();) {
    const bool is_quoted = csv[at] == '"';
    const char first = csv[at + (is_quoted ? 1 : 0)];
    EXPECT_EQ(std::string_view("=+-@").find(first), std::string_view::npos) << &csv[at];
    if (is_quoted) {
      for (++at; csv[at] != '"' || csv[at + 1] == '"'; ++at) at += csv[at] == '"' ? 1 : 0;
    }
    at = csv.find_first_of(",\n", at);
    at = at == std::string::npos ? csv.size() : at + 1;
  }
}

TEST(Report, JsonHasItAll) {
  const std::string json = to_json(hostile_report());
  EXPECT_NE(json.find("\\u001b]0;x\\u0007<script>"), std::string::npos);
  EXPECT_EQ(json.find('\n'), std::string::npos);
  const std::string plain =
      to_json(report_of({finding("PL-01", Tier::exploited, 90, "192.0.2.1")}));
  for (const char* part :
       {R"("case":"2021-7")", R"("outcome":"compromised")", R"("rule":"PL-01")", R"("line":12)",
        R"("first":"2021-03-03","last":"2021-03-03","days":1)", R"("attack":["T1190"])"}) {
    EXPECT_NE(plain.find(part), std::string::npos) << part << "\n" << plain;
  }
}

/// What a resolver makes of a bundle: its rules, as text.
std::string rules_of(const std::string& stix, WallTime now) {
  intel::FeedOptions options;
  options.format = intel::Format::stix;
  options.now = now;
  const auto read = intel::read_feed(stix, options);
  if (!read) return read.error().text;
  std::string rules;
  for (std::size_t i = 0; i < read->rules.size(); ++i) {
    const policy::Rule rule = read->rules.at(i);
    const bool has_prefix = policy::has_prefix(rule.trigger);
    rules += (has_prefix ? rule.prefix.to_text() : rule.name.to_display()) + " ";
  }
  return rules;
}

TEST(Report, AResolverLoadsWhatIsPublished) {
  Finding proof = finding("PL-01", Tier::exploited, 90, "203.0.113.7");
  proof.actor = "198.18.7.7";
  proof.details = {{"domain", "evil.example.org"},  {"domain", "co.uk"},
                   {"domain", "localhost"},         {"domain", "not a name"},
                   {"address", "10.0.0.1"},         {"address", "8.8.4.4"},
                   {"sha256", std::string(64, 'a')}};
  const Finding weak = finding("PL-02", Tier::attempt, 70, "9.9.9.9");
  const Report report = report_of({proof, weak});
  PublishPlan plan;
  plan.with_hashes = false;
  const std::string stix = to_stix(report, plan);
  EXPECT_EQ(stix, to_stix(report, plan)) << "the same at each call";
  EXPECT_EQ(stix.find("SHA-256"), std::string::npos);
  EXPECT_NE(to_stix(report).find("SHA-256"), std::string::npos);
  const std::string rules = rules_of(stix, report.ended);
  EXPECT_NE(rules.find("evil.example.org"), std::string::npos) << rules;
  EXPECT_NE(rules.find("8.8.4.4"), std::string::npos) << rules;
  for (const char* not_that : {"9.9.9.9", "10.0.0.1", "co.uk", "localhost"}) {
    EXPECT_EQ(rules.find(not_that), std::string::npos) << not_that;
  }
  EXPECT_NE(stix.find(R"("confidence":50)"), std::string::npos);
  EXPECT_NE(stix.find(R"("valid_until":"2021-06-01T00:00:00.000000Z")"), std::string::npos);
  EXPECT_NE(stix.find("case:2021-7"), std::string::npos);
}

TEST(Report, ACaseNamesItsFeed) {
  EXPECT_EQ(feed_name_of("2021-7"), "2021-7");
  EXPECT_EQ(feed_name_of("EX/2021 17"), "ex-2021-17");
  EXPECT_EQ(feed_name_of("--"), "case");
  EXPECT_EQ(feed_name_of(std::string(50, 'A')), std::string(32, 'a'));
}

TEST(Report, NothingIsPublishedOfWhatIsNotProved) {
  const Report report = report_of({finding("PL-02", Tier::attempt, 99, "8.8.4.4")});
  EXPECT_EQ(to_stix(report).find("indicator"), std::string::npos);
}

}  // namespace
}  // namespace postern::exchange
