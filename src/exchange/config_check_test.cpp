#include "exchange/config_check.h"

#include <string>

#include <gtest/gtest.h>

#include "exchange/xml.h"
#include "windows/testing/pe_writer.h"

namespace postern::exchange {
namespace {

ConfigFacts facts_of(std::string_view path, std::string_view xml) {
  auto facts = check_config(path, octets_of(xml));
  EXPECT_TRUE(facts.has_value()) << (facts ? "" : facts.error().text);
  return facts ? *std::move(facts) : ConfigFacts{};
}

std::string rules_of(std::string_view xml) {
  std::string out;
  for (const Finding& finding : facts_of("applicationHost.config", xml).findings) {
    if (!out.empty()) out += ", ";
    out += finding.rule + " " + std::to_string(finding.confidence);
  }
  return out;
}

TEST(ConfigCheck, WhatIisIsTold) {
  const struct {
    std::string xml, want;
  } cases[] = {
      {"<c><globalModules><add name=\"U\" image=\"%windir%\\System32\\inetsrv\\cachuri.dll\"/>"
       "</globalModules></c>",
       ""},
      {"<c><globalModules><add name=\"K\" image=\"C:\\Program Files\\Microsoft\\Exchange "
       "Server\\V15\\Bin\\kerbauth.dll\"/></globalModules></c>",
       ""},
      {"<c><globalModules><add name=\"A\" image=\"%ProgramFiles%\\IIS\\Asp.Net Core "
       "Module\\V2\\aspnetcorev2.dll\"/></globalModules></c>",
       ""},
      {"<c><globalModules><add name=\"X\" image=\"C:\\ProgramData\\x.dll\"/></globalModules></c>",
       "F-14 85"},
      {"<c><globalModules><add name=\"X\" image=\"%windir%\\System32\\inetsrv\\x.dll\"/>"
       "</globalModules></c>",
       "F-14 60"},
      {"<c><globalModules><add name=\"X\" image=\"C:\\Tools\\x.dll\"/></globalModules></c>",
       "F-14 60"},
      {"<c><modules><add name=\"X\" type=\"Evil.Module, Evil\"/></modules></c>", "F-14 60"},
      {"<c><modules><add name=\"X\" type=\"System.Web.Caching.OutputCacheModule\"/></modules></c>",
       ""},
      {"<c><modules><add name=\"IsapiModule\"/></modules></c>", ""},
      {"<c><virtualDirectory path=\"/x\" physicalPath=\"C:\\ProgramData\\COM1\\\"/></c>",
       "PS-09 90"},
      {"<c><virtualDirectory path=\"/x\" physicalPath=\"C:\\inetpub\\aux.txt\\a\"/></c>",
       "PS-09 90"},
      {"<c><virtualDirectory path=\"/x\" physicalPath=\"C:\\Users\\Public\"/></c>", "PS-09 90"},
      {"<c><virtualDirectory path=\"/x\" physicalPath=\"%SystemDrive%\\inetpub\\wwwroot\"/></c>",
       ""},
      {"<c><virtualDirectory path=\"/x\" physicalPath=\"D:\\Console\\auxiliary\"/></c>", ""},
      {"<c><httpLogging dontLog=\"true\"/></c>", "F-14 75"},
      {"<c><httpLogging dontLog=\"false\"/></c>", ""},
      {"<c><logFile logTargetW3C=\"ETW\"/></c>", "F-14 65"},
      {"<c><logFile logTargetW3C=\"File, ETW\" directory=\"D:\\l\"/></c>", ""},
      {"<c><logFile enabled=\"false\"/></c>", "F-14 70"},
      {"<c><handlers><add name=\"x\" path=\"*.jpg\" "
       "type=\"System.Web.UI.PageHandlerFactory\"/></handlers></c>",
       "F-14 85"},
      {"<c><handlers><add name=\"x\" path=\"*.aspx\" "
       "type=\"System.Web.UI.PageHandlerFactory\"/></handlers></c>",
       ""},
      {"<c><handlers><add path=\"web.config\" scriptProcessor=\"C:\\w\\asp.dll\"/></handlers></c>",
       "F-14 85"},
      {"<c><buildProviders><add extension=\".png\" "
       "type=\"System.Web.Compilation.PageBuildProvider\"/></buildProviders></c>",
       "F-14 80"},
      {"<c><!-- --><a/></c>", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.xml);
    EXPECT_EQ(rules_of(c.xml), c.want);
  }
}

TEST(ConfigCheck, ALibraryInTheFolderOfModulesIsMicrosoftsOrNot) {
  const std::string maker("M\0i\0c\0r\0o\0s\0o\0f\0t\0 \0C\0o\0r\0p\0o\0r\0a\0t\0i\0o\0n\0", 42);
  EXPECT_FALSE(check_module("inetsrv/static.dll", octets_of("MZ" + maker)).has_value());
  EXPECT_FALSE(check_module("inetsrv/w3wphost.dll", octets_of("MZ" + maker)).has_value());
  EXPECT_EQ(check_module("inetsrv/Static.dll", octets_of("MZ"))->confidence, 80);
  EXPECT_EQ(check_module("inetsrv/x.dll", octets_of("MZ"))->confidence, 75);
}

TEST(ConfigCheck, AModuleIsKnownByWhatItTakesNotByItsText) {
  windows::VersionInfo info;
  info.texts = {{"CompanyName", "Microsoft Corporation"}};
  struct Case {
    const char* what;
    const char* name;
    std::vector<std::pair<std::string, std::vector<std::string>>> imports;
    bool is_module, is_told;
  };
  const Case cases[] = {
      {"nothing of note", "static.dll", {{"KERNEL32.dll", {"CreateFileW"}}}, true, false},
      {"starts programs", "static.dll", {{"KERNEL32.dll", {"CreateProcessW"}}}, true, true},
      {"connects", "static.dll", {{"WS2_32.dll", {"#4"}}}, true, true},
      {"looks up names", "iprestr.dll", {{"WS2_32.dll", {"getnameinfo"}}}, true, false},
      {"reaches out", "HttpMade.dll", {{"WINHTTP.dll", {"WinHttpOpen"}}}, true, true},
      {"what must start programs", "cgi.dll", {{"KERNEL32.dll", {"CreateProcessW"}}}, true, false},
      {"no module", "inetinfo.dll", {{"KERNEL32.dll", {"CreateProcessW"}}}, false, false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    windows::testing::TestPe pe{.is_library = true, .version = info, .imports = one.imports};
    if (one.is_module) pe.exports = {"RegisterModule"};
    const auto found =
        check_module(std::string("inetsrv/") + one.name, windows::testing::write_pe(pe));
    ASSERT_EQ(found.has_value(), one.is_told);
    if (!found) continue;
    EXPECT_EQ(found->tier, Tier::hunt);
    EXPECT_EQ(found->details.size(), 1U);
  }
}

TEST(ConfigCheck, FindsAShellInAConfiguration) {
  const auto facts =
      facts_of("wwwroot/web.config",
               "<?xml version=\"1.0\"?><configuration/><!--\n<% Execute(Request(\"q\")) %>\n-->");
  ASSERT_EQ(facts.findings.size(), 1U);
  EXPECT_EQ(facts.findings[0].rule, "F-06");
  EXPECT_FALSE(check_config("web.config", octets_of("<a>")).has_value());
}

std::string location(std::string_view path, std::string_view value) {
  return "<location path=\"" + std::string(path) +
         "\"><s><windowsAuthentication><extendedProtection tokenChecking=\"" + std::string(value) +
         "\"/></windowsAuthentication></s></location>";
}

TEST(ConfigCheck, ExtendedProtectionIsAskedForWhereItMustBe) {
  const auto facts = [](const std::string& inner) {
    return facts_of("applicationHost.config", "<c>" + inner + "</c>");
  };
  EXPECT_EQ(facts("").extended_protection, std::nullopt);
  EXPECT_EQ(
      facts(location("Default Web Site/ECP", "Require") + location("Default Web Site/EWS", "Allow"))
          .extended_protection,
      true);
  EXPECT_EQ(facts(location("Default Web Site/MAPI", "None")).extended_protection, false);
  EXPECT_EQ(facts(location("Default Web Site/MAPI", "Allow")).findings.size(), 1U);
  EXPECT_EQ(facts(location("Default Web Site/Autodiscover", "None")).extended_protection,
            std::nullopt);
}

std::string rule(std::string_view input, std::string_view pattern, std::string_view more = "",
                 std::string_view action = "AbortRequest") {
  return "<rewrite><rules><rule name=\"r\" stopProcessing=\"true\" " + std::string(more) +
         "><conditions><add input=\"" + std::string(input) + "\" pattern=\"" +
         std::string(pattern) + "\"/></conditions><action type=\"" + std::string(action) +
         "\"/></rule></rules></rewrite>";
}

TEST(Mitigations, CountOnlyWhereTheyHold) {
  const std::string good = rule("{UrlDecode:{REQUEST_URI}}", "(?=.*autodiscover)(?=.*powershell)");
  const auto of = [](std::string_view first, std::string_view second = "<c/>") {
    return mitigations_of(
        {facts_of("inetpub/wwwroot/web.config", "<c>" + std::string(first) + "</c>"),
         facts_of("V15/FrontEnd/HttpProxy/autodiscover/web.config",
                  "<c>" + std::string(second) + "</c>")});
  };
  EXPECT_TRUE(of(good).powershell_rewrite);
  EXPECT_FALSE(of(good, "<rewrite><rules><clear/></rules></rewrite>").powershell_rewrite);
  EXPECT_FALSE(of(good, "<rewrite><rules><remove name=\"PowerShell - inbound\"/></rules></rewrite>")
                   .powershell_rewrite);
  EXPECT_FALSE(
      of(rule("{REQUEST_URI}", ".*autodiscover\\.json.*\\@.*Powershell.*")).powershell_rewrite);
  EXPECT_FALSE(of(rule("{UrlDecode:{REQUEST_URI}}", "(?=.*autodiscover)(?=.*powershell)",
                       "enabled=\"false\""))
                   .powershell_rewrite);
  EXPECT_FALSE(
      of(rule("{UrlDecode:{REQUEST_URI}}", "(?=.*autodiscover)(?=.*powershell)", "", "None"))
          .powershell_rewrite);
  const std::string one = rule("{HTTP_COOKIE}", "(.*)X-AnonResource-Backend(.*)");
  const std::string two = rule("{HTTP_COOKIE}", "(.*)X-BEResource=(.+)/(.+)~(.+)");
  EXPECT_TRUE(of(one + two).backend_cookie_rewrite);
  EXPECT_FALSE(of(one).backend_cookie_rewrite);
  EXPECT_FALSE(of(two).backend_cookie_rewrite);
  EXPECT_EQ(mitigations_of({}).extended_protection, std::nullopt);
}

TEST(Xml, IsRefusedBeyondItsBounds) {
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "<a>";
  for (int i = 0; i < 200; ++i) deep += "</a>";
  EXPECT_EQ(parse_xml(octets_of(deep)).error().code, Errc::limit_exceeded);
  std::string many = "<a>";
  for (std::size_t i = 0; i <= kMaxXmlElements; ++i) many += "<b/>";
  EXPECT_EQ(parse_xml(octets_of(many + "</a>")).error().code, Errc::limit_exceeded);
  // Entities are not read: neither files nor what grows.
  const auto entity =
      parse_xml(octets_of("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"));
  ASSERT_TRUE(entity.has_value());
  EXPECT_EQ(entity->text, "&x;");
}

}  // namespace
}  // namespace postern::exchange
