#include "exposure/report.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "exposure/testing.h"

namespace postern::exposure {
namespace {

using testing::name;

Entry entry(std::string_view zone) {
  static const Pack pack = testing::built_in();
  testing::FakeDns dns(zone, name("v.example"));
  Inquiry inquiry(name("v.example"), pack, {"xone", "xtwo"});
  testing::bring_to_end(inquiry, dns);
  return entry_of(inquiry, judge(inquiry, pack));
}

Report report_of(std::vector<Entry> entries) {
  Report report;
  report.program = "postern test";
  report.resolver = "recursion";
  report.entries = std::move(entries);
  return report;
}

constexpr const char* kCloud =
    "@ MX 0 v-example.mail.protection.outlook.com.\nautodiscover CNAME autodiscover.outlook.com.\n";
constexpr const char* kOwn = "@ MX 10 mail\nmail A 203.0.113.25\nautodiscover A 203.0.113.26\n";

TEST(Report, ExitCodesSayWhatIsFound) {
  EXPECT_EQ(exit_code_of(report_of({entry(kCloud)})), 0);
  EXPECT_EQ(exit_code_of(report_of({entry(kCloud), entry(kOwn)})), 1);
  EXPECT_EQ(exit_code_of(report_of({entry(kOwn), entry("!fail v.example\n")})), 2);
  EXPECT_EQ(exit_code_of(report_of({})), 2);
  Report with_bad = report_of({entry(kCloud)});
  with_bad.bad.push_back({3, "no domain"});
  EXPECT_EQ(exit_code_of(with_bad), 2);
  Report stopped = report_of({entry(kCloud)});
  stopped.is_complete = false;
  EXPECT_EQ(exit_code_of(stopped), 2);
}

TEST(Report, OnlyChangesAreFindingsWhereOnlyTheyAreAskedFor) {
  Report report = report_of({entry(kOwn), entry(kCloud)});
  report.only_changes = true;
  for (Entry& each : report.entries) each.drift = Drift{.change = Change::same};
  EXPECT_EQ(exit_code_of(report), 0);
  EXPECT_EQ(to_text(report, {}).find("on-premises"), std::string::npos);
  report.entries[1].drift->change = Change::changed;
  report.entries[1].drift->added = {"v.example A 192.0.2.1"};
  EXPECT_EQ(exit_code_of(report), 1);
  EXPECT_NE(to_text(report, {}).find("+ v.example A 192.0.2.1"), std::string::npos);
  EXPECT_EQ(std::ranges::count(to_csv(report), '\n'), 2);  // The header and one row.
}

TEST(Report, TheTableSaysWhoAndWhy) {
  Report report = report_of({entry(kOwn)});
  report.header = {"Vendor", "Domain"};
  report.domain_column = 1;
  report.entries[0].line = 2;
  report.entries[0].fields = {"Acme", "v.example"};
  const std::string text = to_text(report, {});
  EXPECT_NE(text.find("v.example  Acme  likely"), std::string::npos) << text;
  EXPECT_NE(text.find("on-premises Exchange likely"), std::string::npos);
  EXPECT_NE(
      text.find("autodiscover is at an address of its own: autodiscover.v.example A 203.0.113.26"),
      std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(to_text(report, {.in_colour = true}).find("\x1b[31m"), std::string::npos);
  const std::string records = to_text(report, {.with_records = true});
  EXPECT_NE(records.find("[own-autodiscover 60] autodiscover.v.example 300 A 203.0.113.26"),
            std::string::npos)
      << records;
}

TEST(Report, HostileTextsStayTexts) {
  Report report = report_of(
      {entry("@ MX 10 m\\027\\091\\050J.evil.example.\n@ TXT \"v=spf1 include:\\027[2J -all\"\n"
             "_dmarc TXT \"v=DMARC1; p=\\027[31m\"\n")});
  report.header = {"=cmd()", "Domain"};
  report.domain_column = 1;
  report.entries[0].line = 2;
  report.entries[0].fields = {"=HYPERLINK(\"http://evil.example\",\"x\")\n\x1b[2J", "v.example"};
  report.bad.push_back({3, "\x1b[2J"});
  for (const std::string& text :
       {to_text(report, {.with_records = true}), to_csv(report), to_json(report)}) {
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
  }
  const std::string csv = to_csv(report);
  EXPECT_TRUE(csv.starts_with("domain,'=cmd(),class,")) << csv;
  EXPECT_NE(csv.find("\"'=HYPERLINK("), std::string::npos) << csv;
  EXPECT_NE(to_json(report).find(R"("\u001b[2J")"), std::string::npos);
}

TEST(Report, JsonHasTheRecordsWithTheirRules) {
  Report report = report_of({entry(kCloud)});
  report.packs = {"exposure-mail 2026-11-22"};
  const std::string json = to_json(report);
  EXPECT_NE(json.find(R"("class":"exchange-online")"), std::string::npos);
  EXPECT_NE(json.find(R"("rule":"m365-mx","provider":"Microsoft 365","role":"exchange-online",)"
                      R"("looks_at":"mx","weight":95)"),
            std::string::npos)
      << json;
  EXPECT_NE(json.find(R"("name":"v.example","type":"MX","ttl":300,)"
                      R"("data":"0 v-example.mail.protection.outlook.com.")"),
            std::string::npos);
  EXPECT_NE(json.find(R"("exit_code":0)"), std::string::npos);
}

}  // namespace
}  // namespace postern::exposure
