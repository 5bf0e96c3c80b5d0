#include "evidence/plan.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "evidence/references.h"
#include "evidence/sha256.h"
#include "evidence/testing.h"

namespace postern::evidence {
namespace {

using testing::kShell;
using testing::Server;

Findings findings_of(const Server& server, std::vector<Findings::Item> items) {
  return {server.root(), "case 1", true, std::move(items)};
}

std::string utf16(std::string_view text) {
  std::string octets = "\xff\xfe";
  for (const char c : text) octets += std::string{c, '\0'};
  return octets;
}

TEST(Findings, AreReadAsTheSweepWritesThem) {
  const auto findings = findings_from_json(
      R"({"root":"/mnt","case":"c","complete":true,"items":[{"path":"a/b","rule":"F-01",)"
      R"("why":"odd","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},)"
      R"({"path":"x\ufffd","path_hex":"78ff","rule":"F-02"}]})");
  ASSERT_TRUE(findings) << findings.error().text;
  EXPECT_EQ(findings->root, "/mnt");
  EXPECT_TRUE(findings->complete);
  ASSERT_EQ(findings->items.size(), 2U);
  EXPECT_EQ(findings->items[0].rule, "F-01");
  EXPECT_EQ(findings->items[1].path, "x\xff");
}

TEST(Findings, OfAnotherShapeAreRefused) {
  for (const std::string text :
       {"", "{}", R"({"root":"","items":[]})", R"({"root":"/m","items":[{}]})",
        R"({"root":"/m","items":[{"path":"../x"}]})", R"({"root":"/m","items":[{"path":"/x"}]})",
        R"({"root":"/m","items":[{"path":"x","sha256":"no"}]})"}) {
    EXPECT_FALSE(findings_from_json(text)) << text;
  }
  EXPECT_FALSE(findings_from_json(R"({"root":"/m","items":[]})")->complete)
      << "silence is not success";
}

TEST(Plan, SaysWhatWillBeDoneAndWhy) {
  const Server server;
  std::filesystem::create_hard_link(server.at("Windows/win.ini"), server.at("Windows/second"));
  const auto plan = make_plan(
      findings_of(server, {{kShell, "F-01", "not one of Microsoft's", ""},
                           {kShell, "yara:jscript", "eval", ""},
                           {"gone", "F-02", "", ""},
                           {"inetpub", "F-03", "", ""},
                           {"Windows/win.ini", "F-04", "", ""},
                           {"inetpub/wwwroot/web.config", "F-05", "", std::string(64, '0')}}),
      testing::witness());
  ASSERT_TRUE(plan) << plan.error().text;
  ASSERT_EQ(plan->items.size(), 5U);
  EXPECT_NE(plan->items[0].left_alone.find("2 names"), std::string::npos);
  EXPECT_NE(plan->items[1].left_alone, "") << plan->items[1].path;
  EXPECT_NE(plan->items[2].left_alone.find("folder"), std::string::npos);
  EXPECT_EQ(plan->items[3].path, kShell);
  EXPECT_EQ(plan->items[3].left_alone, "");
  EXPECT_EQ(plan->items[3].rules, (std::vector<std::string>{"F-01", "yara:jscript"}));
  EXPECT_EQ(plan->items[3].content.sha256, sha256_hex(server.read(kShell)));
  EXPECT_NE(plan->items[4].left_alone.find("changed since the sweep"), std::string::npos);
  const std::string text = to_text(*plan);
  for (const std::string part : {"case \"case 1\"", "F-01: not one of Microsoft's", "2021-03-02",
                                 "taken into quarantine", "LEFT ALONE", "1 of 5 files"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(Plan, ReadsBackAsItWas) {
  const Server server;
  server.write("odd \xff\x1b[31m", "x");
  const auto plan = make_plan(findings_of(server, {{kShell, "F-01", "w", ""},
                                                   {"odd \xff\x1b[31m", "F-01", "\x1b[2J", ""},
                                                   {"gone", "F-02", "", ""}}),
                              testing::witness());
  ASSERT_TRUE(plan);
  const std::string text = to_json(*plan);
  const auto back = plan_from_json(text);
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(*back, *plan);
  EXPECT_EQ(to_text(*plan).find('\x1b'), std::string::npos) << "it would steer a terminal";
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    EXPECT_FALSE(plan_from_json(text.substr(0, size))) << size;
  }
}

TEST(Plan, SaysWhatNamesTheFile) {
  const Server server;
  server.write("inetpub/wwwroot/Web.Config",
               "<configuration>\n<add path=\"SHELL.aspx\"/>\n<add path=\"xshell.aspx\"/>\n");
  server.write("windows/system32/INETSRV/config/applicationHost.config",
               "\n\n<document value='shell.ASPX'/>");
  server.write("Windows/System32/Tasks/Microsoft/Update", utf16("<Command>\ncurl shell.aspx\n"));
  const auto plan = make_plan(
      findings_of(server, {{kShell, "F-01", "", ""}, {"inetpub/wwwroot/Web.Config", "F", "", ""}}),
      testing::witness());
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->items[1].path, kShell);
  EXPECT_EQ(plan->items[1].breaks,
            (std::vector<std::string>{
                "windows/system32/INETSRV/config/applicationHost.config, line 3, names it",
                "Windows/System32/Tasks/Microsoft/Update, line 2, names it",
                "inetpub/wwwroot/Web.Config, line 2, names it"}));
  ASSERT_EQ(plan->items[0].breaks.size(), 1U);
  EXPECT_NE(plan->items[0].breaks[0].find("configuration itself"), std::string::npos);
}

TEST(References, ANameInsideAnotherIsNoReference) {
  EXPECT_EQ(lines_naming("a\nx.aspx\nyx.aspx x.aspx2 x.aspx-old\n'x.aspx'", "x.aspx"),
            (std::vector<std::size_t>{2, 4}));
  EXPECT_TRUE(lines_naming("abc", "").empty());
  std::string many;
  for (int i = 0; i < 100; ++i) many += "x.aspx\n";
  EXPECT_EQ(lines_naming(many, "x.aspx").size(), 10U);
}

}  // namespace
}  // namespace postern::evidence
