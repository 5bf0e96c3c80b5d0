#include "exchange/file_check.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "exchange/archive_check.h"
#include "exchange/dump_check.h"
#include "exchange/server_place.h"

namespace postern::exchange {
namespace {

constexpr std::string_view kAuth =
    "Program Files/Microsoft/Exchange Server/V15/FrontEnd/HttpProxy/owa/auth/";
constexpr std::string_view kPlain = "<%@ Page Language=\"C#\" Inherits=\"X\" %><p>Hello</p>";

const std::string kGood(64, 'a');

// Logon.aspx of one build, and a page beneath ClientAccess.
Octets table_octets() {
  KnownGoodBuilder builder;
  EXPECT_TRUE(builder.add_builds("build_idx,build\n0,15.1.2176.2\n"));
  EXPECT_TRUE(builder.add_files(
      "sha256,path,build_idx\n" + kGood + ",FrontEnd/HttpProxy/owa/auth/logon.aspx,0\n" +
      std::string(64, 'b') + ",ClientAccess/ecp/default.aspx,0\n" + std::string(64, 'c') +
      ",ClientAccess/owa/InitSuiteServiceProxy.aspx,0\n"));
  return builder.finish().value();
}

struct Look {
  std::string path;
  std::string_view content = kPlain;
  std::optional<Sha256> hash = std::nullopt;
  std::uint32_t attributes = 0;
};

std::vector<Finding> look(const Look& look, const ServerFacts& server = {}) {
  FileFacts file;
  file.path = look.path;
  file.placed = look.path;
  file.size = look.content.size();
  file.content = octets_of(look.content);
  file.hash = look.hash;
  file.attributes = look.attributes;
  return check_file(file, server);
}

std::string text_of_findings(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    if (!out.empty()) out += ", ";
    out += finding.rule + " " + std::string(to_string(finding.tier)) + " " +
           std::to_string(finding.confidence);
  }
  return out;
}

TEST(FileCheck, APageInAspnetClientIsAShellWhateverTheCaseAndDrive) {
  for (const char* path :
       {"inetpub/wwwroot/aspnet_client/a.aspx",
        "INETPUB/WWWROOT/ASPNET_CLIENT/System_Web/4_0_30319/A.ASPX",
        "D/web/wwwroot/aspnet_client/a.ashx", "inetpub\\wwwroot\\aspnet_client\\b.asmx",
        "inetpub/wwwroot/aspnet_client/a.aspx.", "inetpub/wwwroot/aspnet_client/a.cer"}) {
    SCOPED_TRACE(path);
    const auto findings = look({.path = path});
    ASSERT_FALSE(findings.empty());
    EXPECT_EQ(findings.front().rule, "F-01");
    EXPECT_EQ(findings.front().tier, Tier::exploited);
  }
  EXPECT_TRUE(look({.path = "inetpub/wwwroot/aspnet_client/a.txt"}).empty());
  EXPECT_TRUE(look({.path = "inetpub/wwwroot/shop/a.aspx"}).empty());
}

TEST(FileCheck, AMicrosoftPageIsToldFromAChangedAndFromAForeignOne) {
  const Octets octets = table_octets();
  const auto known = KnownGood::open(octets);
  ASSERT_TRUE(known.has_value());
  ServerFacts covered{&*known, version_of("15.1.2176.2")->version};
  ServerFacts newer{&*known, version_of("15.1.2176.9")->version};
  ServerFacts no_build{&*known, std::nullopt};
  const std::string logon = std::string(kAuth) + "Logon.aspx";
  const std::string other = std::string(kAuth) + "Current/x.aspx";
  const std::string ecp = "Exchange/ClientAccess/ecp/default.aspx";
  const std::string foreign = "Exchange/ClientAccess/ecp/zq.aspx";
  const auto good = sha256_of(kGood);
  const auto bad = sha256_of(std::string(64, 'f'));
  EXPECT_EQ(text_of_findings(look({logon, kPlain, good}, covered)), "");
  EXPECT_EQ(text_of_findings(look({logon, kPlain, good}, newer)), "");
  EXPECT_EQ(text_of_findings(look({logon, kPlain, bad}, covered)), "F-02 exploited 85");
  EXPECT_EQ(text_of_findings(look({logon, kPlain, bad}, newer)), "F-02 hunt 20");
  EXPECT_EQ(text_of_findings(look({logon, kPlain, bad}, no_build)), "F-02 hunt 20");
  EXPECT_EQ(text_of_findings(look({other, kPlain, bad}, newer)), "F-02 exploited 90");
  EXPECT_EQ(text_of_findings(look({ecp, kPlain, bad}, covered)), "F-02 exploited 85");
  EXPECT_EQ(text_of_findings(look({foreign, kPlain, bad}, covered)), "F-02 exploited 90");
  EXPECT_EQ(text_of_findings(look({foreign, kPlain, bad}, newer)), "F-02 hunt 50");
  // A good page where it does not belong.
  EXPECT_EQ(
      text_of_findings(look({"inetpub/wwwroot/aspnet_client/logon.aspx", kPlain, good}, covered)),
      "F-01 hunt 40");
}

TEST(FileCheck, WithoutATableTheNamesOfTheLogOnFolderAreKnown) {
  EXPECT_EQ(text_of_findings(look({.path = std::string(kAuth) + "logon.aspx"})), "");
  EXPECT_EQ(text_of_findings(look({.path = std::string(kAuth) + "zq.aspx"})), "F-02 exploited 90");
  EXPECT_EQ(text_of_findings(look({.path = "V15/FrontEnd/HttpProxy/ecp/auth/TimeoutLogout.aspx"})),
            "");
  EXPECT_EQ(text_of_findings(look({.path = "V15/ClientAccess/owa/zq.aspx"})), "");
}

TEST(FileCheck, NamesThatAreTakenForMicrosofts) {
  const struct {
    std::string name, want;
  } cases[] = {
      {"RedirSuiteServerProxy.aspx", "redirsuiteserviceproxy.aspx"},
      {"OutlookEN.aspx", "outlookcn.aspx"},
      {"OutlookZH.aspx", "outlookcn.aspx"},
      {"OutlookUS.aspx", "outlookcn.aspx"},
      {"errorFF.aspx", "errorfe.aspx"},
      {"errorEE.aspx", "errorfe.aspx"},
      {"errorFS.aspx", "errorfe.aspx"},
      {"logg.aspx", "logon.aspx"},
      {"log0n.aspx", "logon.aspx"},
      {"1ogon.aspx", "logon.aspx"},
      {"TimeoutLogoff.aspx", "timeoutlogout.aspx"},
      {"si9nout.aspx", "signout.aspx"},
      {"logon.aspx", ""},
      {"help.aspx", ""},
      {"default.aspx", ""},
      {"supp0rt.aspx", ""},
      {"logon.css", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(looks_like(c.name, nullptr), c.want);
  }
  const auto findings = look({.path = std::string(kAuth) + "errorFS.aspx"});
  EXPECT_EQ(text_of_findings(findings), "F-02 exploited 99, F-03 exploited 85");
}

TEST(FileCheck, ContentDecidesWhereThePlaceDoesNot) {
  constexpr std::string_view kShell = "<%@ Page Language=\"JScript\" %><% eval(Request[\"q\"]); %>";
  EXPECT_EQ(look({"inetpub/wwwroot/shop/a.aspx", kShell}).front().rule, "F-06");
  EXPECT_EQ(look({"inetpub/wwwroot/shop/logo.jpg", kShell}).front().rule, "F-06");
  EXPECT_EQ(look({"ProgramData/x/a.aspx", kShell}).front().rule, "F-06");
  EXPECT_TRUE(look({"ProgramData/x/logo.jpg", kShell}).empty());
  EXPECT_EQ(text_of_findings(look({std::string(kAuth) + "logon.aspx", kShell})),
            "F-06 exploited 99");
  const Octets octets = table_octets();
  const auto known = KnownGood::open(octets);
  ServerFacts server{&*known, version_of("15.1.2176.2")->version};
  EXPECT_EQ(
      text_of_findings(look({std::string(kAuth) + "logon.aspx", kShell, sha256_of(kGood)}, server)),
      "");
}

TEST(FileCheck, TracesDumpsAndHives) {
  const struct {
    std::string path, content, want;
  } cases[] = {
      {"ProgramData/VSPerfMon/x.dll", "MZ", "F-12"},
      {"Users/Public/opera/Opera_browser.exe", "MZ", "F-12"},
      {"Windows/Temp/xx.bat", "x", "F-12"},
      {"ProgramData/it.zip", "PK", "F-12"},
      {"inetpub/wwwroot/a.dmp.zip", "PK", "F-12"},
      {std::string(kAuth) + "google.log", "x", "F-12"},
      {"Windows/Temp/other.bat", "x", ""},
      {"Windows/Temp/lsass.dmp", "x", "F-09"},
      {"Users/a/lsass_123.DMP", "x", "F-09"},
      {"Windows/System32/lsass.exe", "MZ", ""},
      {"ProgramData/ntds.dit", "x", "F-10"},
      {"Windows/NTDS/ntds.dit", "x", ""},
      {"Windows/System32/ntds.dit", "x", ""},
      {"Windows/Temp/__output", "x", "F-10"},
      {"Windows/Temp/sam.hiv", "regf1234", "F-10"},
      {"Windows/Temp/SYSTEM", "regf1234", "F-10"},
      {"Windows/System32/config/SAM", "regf1234", ""},
      {"Windows/Temp/sam", "text", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.path);
    const auto findings = look({c.path, c.content});
    EXPECT_EQ(findings.empty() ? "" : findings.front().rule, c.want);
  }
}

TEST(FileCheck, AttributesTimesAndStreamsAddToAPage) {
  const std::string page = std::string(kAuth) + "logon.aspx";
  EXPECT_EQ(text_of_findings(look({.path = page, .attributes = 7})), "F-08 hunt 70");
  EXPECT_EQ(text_of_findings(look({.path = page, .attributes = 1})), "");
  FileFacts file;
  file.path = file.placed = page;
  file.size = kPlain.size();
  file.content = octets_of(kPlain);
  file.created = WallTime(std::chrono::hours(24 * 10'000));
  file.name_created = WallTime(std::chrono::hours(24 * 18'000));
  EXPECT_EQ(text_of_findings(check_file(file, {})), "F-07 hunt 60");
  file.name_created = file.created;
  EXPECT_EQ(text_of_findings(check_file(file, {})), "");
  file.streams = {{"Zone.Identifier", octets_of("[ZoneTransfer]")}};
  EXPECT_EQ(text_of_findings(check_file(file, {})), "");
  file.streams = {{"x", octets_of("MZ\x90")}};
  EXPECT_EQ(text_of_findings(check_file(file, {})), "F-08 exploited 80");
  EXPECT_EQ(text_of_findings(look({.path = std::string(kAuth) + "logon\xE2\x80\xAE.css"})),
            "F-08 hunt 75");
}

TEST(FileCheck, OnlyWhatCanTellIsRead) {
  const struct {
    std::string path;
    Wanted want;
  } cases[] = {
      {"inetpub/wwwroot/aspnet_client/a.aspx", Wanted::whole},
      {"inetpub/wwwroot/logo.png", Wanted::whole},
      {"V15/FrontEnd/HttpProxy/bin/x.dll", Wanted::nothing},
      {"Windows/System32/kernel32.dll", Wanted::nothing},
      {"Windows/Temp/a.txt", Wanted::head},
      {"Users/x/a.dmp", Wanted::head},
      {"Users/x/shell.aspx", Wanted::whole},
      {"Users/x/letter.docx", Wanted::nothing},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.path);
    EXPECT_EQ(wanted_of(c.path, 100), c.want);
  }
  EXPECT_EQ(wanted_of("inetpub/wwwroot/a.aspx", 0), Wanted::nothing);
}

TEST(Ghosts, APageThatRanIsKnownByItsCompiledFile) {
  const std::string xml =
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<preserve resultType=\"3\" "
      "virtualPath=\"/aspnet_client/oh&amp;yeah.aspx\" hash=\"1\" "
      "assembly=\"App_Web_oh.aspx.f5dba9b9.x\" type=\"ASP.x\"/>";
  EXPECT_TRUE(is_compiled_page("ohyeah.aspx.f5dba9b9.compiled"));
  EXPECT_FALSE(is_compiled_page("App_Code.compiled"));
  EXPECT_FALSE(is_compiled_page("app.browsers.12345678.compiled"));
  EXPECT_FALSE(is_compiled_page(".compiled"));
  const auto page = compiled_page("ohyeah.aspx.f5dba9b9.compiled", octets_of(xml));
  ASSERT_TRUE(page.has_value());
  EXPECT_EQ(page->virtual_path, "/aspnet_client/oh&yeah.aspx");
  EXPECT_EQ(page->assembly, "App_Web_oh.aspx.f5dba9b9.x");
  EXPECT_EQ(compiled_page("OhYeah.aspx.f5dba9b9.compiled", octets_of("torn"))->virtual_path,
            "OhYeah.aspx");
  const Finding finding = check_ghost("Temp/x.compiled", *page, {});
  EXPECT_EQ(finding.rule, "F-04");
  EXPECT_EQ(finding.confidence, 85);
  EXPECT_EQ(finding.tier, Tier::exploited);
  EXPECT_EQ(check_ghost("x", {"/owa/auth/logon.aspx", ""}, {}).tier, Tier::hunt);
  EXPECT_EQ(check_ghost("x", {"/owa/auth/errorFS.aspx", ""}, {}).confidence, 97);
  const auto places = places_of_page("/owa/auth/X.aspx");
  EXPECT_NE(std::ranges::find(places, "/frontend/httpproxy/owa/auth/x.aspx"), places.end());
}

// A minidump with one stream, the list of one module.
std::string dump_with(std::string_view module) {
  std::string out("MDMP\x93\xA7\0\0", 8);
  const auto number = [&](std::uint32_t value) {
    for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i));
  };
  number(1);
  number(32);
  out.resize(32);
  number(4);
  number(112);
  number(44);
  number(1);
  out.resize(44 + 4 + 20);
  number(200);
  out.resize(200);
  number(static_cast<std::uint32_t>(2 * module.size()));
  for (const char c : module) {
    out += c;
    out += '\0';
  }
  return out;
}

TEST(MemoryDump, IsKnownByItsModulesWhateverItsName) {
  const std::string lsass = dump_with("C:\\Windows\\System32\\lsasrv.dll");
  const auto dump = memory_dump(octets_of(lsass));
  ASSERT_TRUE(dump.has_value());
  EXPECT_EQ(dump->modules, std::vector<std::string>{"lsasrv.dll"});
  EXPECT_TRUE(dump->of_lsass);
  EXPECT_FALSE(memory_dump(octets_of(dump_with("C:\\Windows\\notepad.exe")))->of_lsass);
  EXPECT_FALSE(memory_dump(octets_of("MZ")).has_value());
  for (std::size_t i = 4; i < lsass.size(); ++i) {
    EXPECT_TRUE(memory_dump(octets_of(lsass).first(i)).has_value());
  }
  EXPECT_EQ(look({"ProgramData/readme.txt", lsass}).front().rule, "F-09");
}

TEST(ArchiveCheck, JudgesByPlaceAndListing) {
  ArchiveListing plain{ArchiveKind::zip, {{"a.txt", 1}}, false, false, true};
  ArchiveListing mail{ArchiveKind::rar, {{"x/boss.pst", 1}}, false, false, true};
  ArchiveListing locked{ArchiveKind::seven_zip, {}, true, true, true};
  const auto confidence = [](std::string_view path, const ArchiveListing& listing) {
    const auto finding = check_archive(path, 1, listing);
    return finding ? finding->confidence : 0;
  };
  EXPECT_EQ(confidence("ProgramData/a.zip", plain), 0);
  EXPECT_EQ(confidence("ProgramData/a.zip", mail), 90);
  EXPECT_EQ(confidence("ProgramData/McAfee/a.zip", plain), 0);
  EXPECT_EQ(confidence("ProgramData/McAfee/a.zip", mail), 90);
  EXPECT_EQ(confidence("ProgramData/a.7z", locked), 35);
  EXPECT_EQ(confidence("ProgramData/a.log", locked), 55);
  EXPECT_EQ(confidence("inetpub/wwwroot/a.zip", plain), 50);
  EXPECT_EQ(confidence("Windows/Temp/a.txt", plain), 40);
  EXPECT_EQ(confidence("Users/x/Documents/a.zip", mail), 0);
  EXPECT_EQ(check_archive("ProgramData/a.zip", 1, mail)->tier, Tier::exploited);
  EXPECT_EQ(archive_kind(octets_of("7z\xBC\xAF\x27\x1C")), ArchiveKind::seven_zip);
  EXPECT_EQ(archive_kind(octets_of("Rar!\x1A\x07\x01")), ArchiveKind::rar);
  EXPECT_EQ(archive_kind(octets_of("text")), std::nullopt);
}

TEST(ServerPlace, IsFoundInAnyLayout) {
  EXPECT_EQ(server_place("srv1/C/inetpub/wwwroot/x").zone, Zone::wwwroot);
  EXPECT_EQ(server_place("e:\\ex\\FrontEnd\\HttpProxy\\owa\\auth\\x").zone, Zone::front_end_auth);
  EXPECT_EQ(server_place("e:\\ex\\FrontEnd\\HttpProxy\\owa\\auth\\x").exchange_path,
            "frontend/httpproxy/owa/auth/x");
  EXPECT_EQ(server_place("Windows/Microsoft.NET/Framework64/v4/Temporary ASP.NET Files/owa/a").zone,
            Zone::temporary_asp);
  EXPECT_EQ(server_place("WINDOWS/system32/TASKS/x").zone, Zone::tasks);
  EXPECT_EQ(server_place("x").zone, Zone::other);
}

}  // namespace
}  // namespace postern::exchange
