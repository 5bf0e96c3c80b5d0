#include "host/record_examiner.h"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "files/testing.h"
#include "host/file_examiner.h"
#include "host/sweep_work.h"
#include "windows/testing/hive_writer.h"
#include "windows/testing/mft_writer.h"

namespace postern::host {
namespace {

using files::testing::TemporaryFolder;
using windows::testing::TestKey;
using windows::testing::TestMftFile;

constexpr std::string_view kTask =
    "<Task xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\"><RegistrationInfo>"
    "<Author>Microsoft Corporation</Author></RegistrationInfo><Actions><Exec><Command>"
    "%windir%\\system32\\defrag.exe</Command></Exec></Actions></Task>";
constexpr std::uint64_t kSecond = 10'000'000;
constexpr std::uint64_t kCame = 132'592'032'123'456'789;  // 2021-03-03T00:00:12.3456789Z.

std::string told(const std::string& folder) {
  const FileExaminers files(nullptr);
  const RecordExaminers records;
  SweepOptions options;
  options.examiners = {&files, &records};
  const auto report = sweep(folder, options);
  EXPECT_TRUE(report.has_value());
  std::string out;
  const auto add = [&](const std::vector<exchange::Finding>& findings) {
    for (const exchange::Finding& one : findings) {
      if (one.rule != "F-13" && one.rule != "F-07") continue;
      out += fmt::format("{} {} {} {}; ", one.rule, to_string(one.tier), one.confidence,
                         one.place.path);
    }
  };
  for (const SweptServer& server : report->servers) add(server.findings);
  add(report->findings);
  return out;
}

TestKey task_key(std::string name, bool described) {
  TestKey key{.name = std::move(name)};
  key.values = {windows::testing::text_value("Id", "{1}")};
  if (described) key.values.push_back({"SD", windows::RegistryType::binary, {1, 0, 4, 0x80}});
  return key;
}

std::string text_of_octets(const Octets& octets) {
  return std::string(text_of(octets));
}

TEST(Records, TasksOfTheRegistryAreHeldAgainstTheirFiles) {
  const TemporaryFolder folder;
  TestKey tree{
      .name = "Tree",
      .keys = {task_key("Hidden", false), task_key("Gone", true), task_key("Plain", true)}};
  TestKey tasks{.name = "Tasks", .keys = {{.name = "{1}"}}};
  TestKey key{.name = "TaskCache", .keys = {tree, tasks}};
  for (const std::string_view name : {"Schedule", "CurrentVersion", "Windows NT", "Microsoft"}) {
    key = TestKey{.name = std::string(name), .keys = {key}};
  }
  folder.write("EX/Windows/System32/config/SOFTWARE",
               text_of_octets(windows::testing::write_hive({.name = "ROOT", .keys = {key}})));
  folder.write("EX/Windows/System32/Tasks/Hidden", kTask);
  folder.write("EX/Windows/System32/Tasks/Plain", kTask);
  folder.write("Other/Windows/System32/Tasks/Gone", kTask);  // Another machine's.
  EXPECT_EQ(told(folder.path()),
            "F-13 exploited 85 EX/Windows/System32/Tasks/Hidden; "
            "F-13 hunt 50 EX/Windows/System32/config/SOFTWARE; ");
}

TEST(Records, TimesThatWereSetAreSeenInTheTableOfFiles) {
  const TemporaryFolder folder;
  std::vector<TestMftFile> files(6, TestMftFile{.name = "x"});
  const auto add = [&](std::string_view name, std::uint64_t parent, bool is_folder) {
    files.push_back({.name = std::string(name), .parent = parent, .is_folder = is_folder});
    files.back().standard.created = files.back().of_name.created = kCame;
    return files.size() - 1;
  };
  const auto inetpub = add("inetpub", 5, true);
  const auto wwwroot = add("wwwroot", inetpub, true);
  const auto client = add("aspnet_client", wwwroot, true);
  const auto own = add("own", wwwroot, true);
  add("same.aspx", own, false);
  files[add("Old.aspx", client, false)].standard.created = kCame - 400 * 86'400 * kSecond;
  files[add("old.aspx", own, false)].standard.created = kCame - 400 * 86'400 * kSecond;
  files[add("lost.aspx", 999, false)].standard.created = 0;   // Its folder is not there.
  files[add("old.txt", client, false)].standard.created = 0;  // No page.
  files[add("gone.aspx", client, false)].standard.created = 0;
  files.back().in_use = false;
  files.push_back({.name = "a", .parent = files.size() + 1, .is_folder = true});  // A circle.
  files.push_back({.name = "b", .parent = files.size() - 1, .is_folder = true});
  add("c.aspx", files.size() - 1, false);
  folder.write("C/$MFT", text_of_octets(windows::testing::write_mft(files)));
  folder.write("C/inetpub/wwwroot/aspnet_client/old.aspx", "plain");
  EXPECT_EQ(told(folder.path()),
            "F-07 exploited 80 C/inetpub/wwwroot/aspnet_client/old.aspx; "
            "F-07 hunt 60 C/inetpub/wwwroot/own/old.aspx; ");
}

TEST(Records, WhatIsNoTableOrHiveIsNamed) {
  const TemporaryFolder folder;
  folder.write("$MFT", "FILE but no more");
  folder.write("Windows/System32/config/SOFTWARE", "regf but no more");
  const FileExaminers files(nullptr);
  const RecordExaminers records;
  SweepOptions options;
  options.examiners = {&files, &records};
  const auto report = sweep(folder.path(), options);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->not_examined.named().size(), 2U);
}

}  // namespace
}  // namespace postern::host
