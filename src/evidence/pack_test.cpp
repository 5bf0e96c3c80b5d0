#include "evidence/pack.h"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "evidence/durable.h"
#include "evidence/restore.h"
#include "evidence/testing.h"

namespace postern::evidence {
namespace {

using testing::kShell;
using testing::Server;
using testing::TemporaryFolder;

std::vector<std::string> problems_of(const std::string& pack, const PublicKey* expected = nullptr) {
  const auto check = verify_pack(pack, expected);
  if (!check) return {check.error().text};
  return check->problems;
}

/// Every entry beneath, with its times: to see whether anything was written or, of a file, read.
std::set<std::string> snapshot(const std::string& folder) {
  std::set<std::string> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const struct stat info = testing::look(entry.path().string());
    std::string line = entry.path().string() + " " + std::to_string(info.st_mtim.tv_nsec) + " " +
                       std::to_string(info.st_ctim.tv_nsec);
    // This very function reads the folders.
    if (!entry.is_directory()) line += " " + std::to_string(info.st_atim.tv_nsec);
    all.insert(line);
  }
  return all;
}

TEST(Pack, HoldsWhatWasNamedAndIsWhole) {
  const Server server;
  server.write("logs/a.log", std::string(300'000, 'a'));
  server.write("logs/b.log", std::string(300'000, 'a'));
  const auto before = snapshot(server.root());
  const PackReport report = server.make_pack({kShell, "logs", "archive.zip!/inner", "gone"});
  EXPECT_EQ(snapshot(server.root()), before) << "the tree was touched";
  EXPECT_EQ(report.files, 3U);
  EXPECT_EQ(report.incomplete.size(), 2U);
  const auto check = verify_pack(server / "pack");
  ASSERT_TRUE(check);
  EXPECT_TRUE(check->problems.empty()) << check->problems.front();
  EXPECT_EQ(check->manifest_sha256, report.manifest_sha256);
  EXPECT_EQ(check->objects, 2U) << "the logs' octets are kept once";
  std::vector<std::string> paths;
  for (const Record& record : check->manifest->records) paths.push_back(record.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"", "archive.zip", "gone", "inetpub",
                                             "inetpub/wwwroot", "inetpub/wwwroot/aspnet_client",
                                             kShell, "logs", "logs/a.log", "logs/b.log"}));
  const Record* shell = check->manifest->find(kShell);
  EXPECT_EQ(shell->metadata.modified, (files::Time{1'614'643'200, 123'456'789}));
  EXPECT_NE(check->manifest->find("gone")->not_kept, "");
  ASSERT_EQ(check->custody.size(), 2U);
  EXPECT_EQ(check->custody[0].event, "begun");
  EXPECT_EQ(check->custody[1].event, "complete");
}

TEST(Pack, RestoresByteForByteWithMetadata) {
  const Server server;
  const std::string odd = "inetpub/odd \xff name. ";
  server.write(odd, std::string("\0\r\n\xff", 4));
  server.write("empty", "");
  ASSERT_EQ(::chmod(server.at(odd).c_str(), 04751), 0);
  server.set_attribute(odd, "user.Zone.Identifier", "[ZoneTransfer]\r\nZoneId=3");
  server.set_attribute(odd, "user.empty", "");
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(server.at(odd).c_str(), 1234, 5678), 0);
    ASSERT_EQ(::chmod(server.at(odd).c_str(), 04751), 0);
  }
  server.set_times(odd, -7, 5);
  std::filesystem::create_symlink("C:\\Windows", server.at("inetpub/link"));
  server.set_times("inetpub/link", 1'000'000, 1);
  server.set_times("inetpub", 1'500'000, 2);
  server.make_pack({"inetpub", "empty"});
  const auto pack = open_whole_pack(server / "pack");
  ASSERT_TRUE(pack) << pack.error().text;
  const auto report = restore_pack(*pack, server / "out");
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_TRUE(report->problems.empty()) << report->problems.front();
  EXPECT_TRUE(report->notes.empty()) << report->notes.front();
  for (const std::string& path : {odd, std::string(kShell), std::string("empty")}) {
    testing::expect_alike(server.at(path), server / ("out/" + path));
  }
  for (const std::string path : {"inetpub", "inetpub/link", "inetpub/wwwroot/aspnet_client"}) {
    const struct stat one = testing::look(server.at(path));
    const struct stat other = testing::look(server / ("out/" + path));
    EXPECT_EQ(one.st_mtim.tv_sec, other.st_mtim.tv_sec) << path;
    EXPECT_EQ(one.st_mtim.tv_nsec, other.st_mtim.tv_nsec) << path;
    EXPECT_EQ(one.st_mode, other.st_mode) << path;
  }
  EXPECT_EQ(std::filesystem::read_symlink(server / "out/inetpub/link"), "C:\\Windows");
  char value[100];
  const std::string restored = server / ("out/" + odd);
  EXPECT_EQ(::getxattr(restored.c_str(), "user.Zone.Identifier", value, sizeof value), 24);
  EXPECT_EQ(::getxattr(restored.c_str(), "user.empty", value, sizeof value), 0);
}

TEST(Pack, RestoresOneFolderOfMany) {
  const Server server;
  server.write("inetpub/wwwroot2/x", "");
  server.make_pack({"inetpub"});
  const auto pack = open_whole_pack(server / "pack");
  EXPECT_EQ(restore_pack(*pack, server / "out", {"inetpub/wwwroot"})->files, 2U);
  EXPECT_TRUE(std::filesystem::exists(server / "out/inetpub/wwwroot/web.config"));
  EXPECT_FALSE(std::filesystem::exists(server / "out/inetpub/wwwroot2"));
  EXPECT_EQ(restore_pack(*pack, server / "out", {"none"}).error().code, Errc::not_found);
}

TEST(Pack, NeverRestoresOverWhatIsThereNorThroughALink) {
  const Server server;
  server.make_pack({"inetpub"});
  server.folder().write("out/inetpub/wwwroot/web.config", "mine");
  server.folder().make_folder("elsewhere");
  server.folder().link("../../../elsewhere", "out/inetpub/wwwroot/aspnet_client");
  const auto pack = open_whole_pack(server / "pack");
  const auto report = restore_pack(*pack, server / "out");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->problems.size(), 3U);
  EXPECT_EQ(TemporaryFolder::read(server / "out/inetpub/wwwroot/web.config"), "mine");
  EXPECT_TRUE(std::filesystem::is_empty(server / "elsewhere"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(server / "out/inetpub/wwwroot"), {}),
            2)
      << "something half written is left";
}

TEST(Pack, IsNeverBeneathTheRoot) {
  const Server server;
  server.folder().link("root/inetpub", "alias");
  const auto before = snapshot(server.root());
  for (const std::string pack : {"root", "root/pack", "root/inetpub/a/b", "alias/pack",
                                 "root/../root/pack", "elsewhere/../alias/pack"}) {
    SCOPED_TRACE(pack);
    PackOrder order = server.order({kShell});
    order.pack = server / pack;
    server.folder().make_folder("elsewhere");
    EXPECT_EQ(create_pack(order, server.key()).error().code, Errc::denied);
  }
  PackOrder around = server.order({kShell});
  around.pack = server.folder().path();
  EXPECT_EQ(create_pack(around, server.key()).error().code, Errc::denied);
  EXPECT_EQ(snapshot(server.root()), before);
  server.make_pack({kShell});
  const auto pack = open_whole_pack(server / "pack");
  EXPECT_EQ(restore_pack(*pack, server / "root/out").error().code, Errc::denied);
  EXPECT_EQ(snapshot(server.root()), before);
}

TEST(Pack, PlacesThatLeadOutAreRefused) {
  const Server server;
  for (const std::string place : {"../pack", "/etc/passwd", "inetpub/../../x"}) {
    EXPECT_EQ(create_pack(server.order({place}), server.key()).error().code, Errc::invalid_input)
        << place;
  }
  EXPECT_FALSE(std::filesystem::exists(server / "pack"));
}

TEST(Pack, NoFileOfItCanBeChangedUnnoticed) {
  const Server server;
  server.make_pack({"inetpub"});
  ASSERT_TRUE(problems_of(server / "pack").empty());
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(server / "pack")) {
    if (!entry.is_regular_file()) continue;
    ++files;
    SCOPED_TRACE(entry.path());
    const std::string whole = TemporaryFolder::read(entry.path().string());
    ::chmod(entry.path().c_str(), 0600);
    for (const std::size_t at : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ 0x20);
      std::ofstream(entry.path(), std::ios::binary) << changed;
      EXPECT_FALSE(problems_of(server / "pack").empty()) << at;
    }
    std::ofstream(entry.path(), std::ios::binary) << whole.substr(0, whole.size() - 2);
    EXPECT_FALSE(problems_of(server / "pack").empty()) << "cut";
    std::filesystem::remove(entry.path());
    EXPECT_FALSE(problems_of(server / "pack").empty()) << "gone";
    std::ofstream(entry.path(), std::ios::binary) << whole;
    EXPECT_TRUE(problems_of(server / "pack").empty());
  }
  EXPECT_EQ(files, 7);
  server.folder().write("pack/objects/ab/extra", "x");
  EXPECT_FALSE(problems_of(server / "pack").empty()) << "an object nobody signed";
}

TEST(Pack, APackOfAnotherKeyIsNotTheExpectedOne) {
  const Server server;
  server.make_pack({kShell});
  const SigningKey ours = server.key();
  EXPECT_TRUE(problems_of(server / "pack", &ours.public_key()).empty());
  const auto other = SigningKey::open_or_make(server / "other keys");
  const auto problems = problems_of(server / "pack", &other->public_key());
  ASSERT_FALSE(problems.empty());
  EXPECT_NE(problems[0].find("not the expected key"), std::string::npos);
}

TEST(Pack, AWholePackAndAStrangersFolderStayAsTheyAre) {
  const Server server;
  server.make_pack({kShell});
  const std::string custody = TemporaryFolder::read(server / "pack/custody.log");
  EXPECT_EQ(create_pack(server.order({kShell}), server.key()).error().code, Errc::denied);
  EXPECT_EQ(TemporaryFolder::read(server / "pack/custody.log"), custody);
  EXPECT_TRUE(problems_of(server / "pack").empty());
  PackOrder order = server.order({kShell});
  order.pack = server / "photos";
  server.folder().write("photos/cat.jpg", "x");
  EXPECT_EQ(create_pack(order, server.key()).error().code, Errc::denied);
  EXPECT_FALSE(std::filesystem::exists(server / "photos/public-key.pem"));
}

TEST(Pack, OneProcessMakesItAtATime) {
  const Server server;
  const auto folder = make_folder_at(server / "pack");
  ASSERT_TRUE(lock_folder(*folder));
  EXPECT_EQ(create_pack(server.order({kShell}), server.key()).error().code, Errc::unavailable);
}

TEST(Pack, AnotherCaseDoesNotGoOnWithIt) {
  const Server server;
  server.make_pack({kShell});
  // As if it had been interrupted: a manifest in the making, none that is signed.
  const std::string text = TemporaryFolder::read(server / "pack/manifest.jsonl");
  server.folder().write("pack/manifest.partial", text);
  std::filesystem::remove(server / "pack/manifest.jsonl");
  std::filesystem::remove(server / "pack/manifest.sig");
  EXPECT_FALSE(problems_of(server / "pack").empty());
  PackOrder order = server.order({kShell});
  order.case_name = "case 2";
  EXPECT_EQ(create_pack(order, server.key()).error().code, Errc::denied);
  auto other = SigningKey::open_or_make(server / "other keys");
  EXPECT_EQ(create_pack(server.order({kShell}), *other).error().code, Errc::denied);
  const auto resumed = create_pack(server.order({kShell}), server.key());
  ASSERT_TRUE(resumed) << resumed.error().text;
  EXPECT_EQ(resumed->reused, 1U);
  const auto check = verify_pack(server / "pack");
  EXPECT_TRUE(check->problems.empty()) << check->problems.front();
  EXPECT_EQ(check->custody[2].event, "resumed");
}

TEST(Pack, AResumedPackReadsAgainWhatChangedOrIsDamaged) {
  const Server server;
  server.make_pack({"inetpub"});
  const std::string text = TemporaryFolder::read(server / "pack/manifest.jsonl");
  server.folder().write("pack/manifest.partial", text + "{\"path\":\"torn");
  std::filesystem::remove(server / "pack/manifest.jsonl");
  server.write(kShell, "another shell");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(server / "pack/objects")) {
    if (!entry.is_regular_file()) continue;
    ::chmod(entry.path().c_str(), 0600);
    std::filesystem::resize_file(entry.path(), entry.file_size() - 1);
  }
  const auto resumed = create_pack(server.order({"inetpub"}), server.key());
  ASSERT_TRUE(resumed) << resumed.error().text;
  EXPECT_EQ(resumed->reused, 0U);
  const auto pack = open_whole_pack(server / "pack");
  ASSERT_TRUE(pack) << pack.error().text;
  ASSERT_TRUE(restore_pack(*pack, server / "out"));
  EXPECT_EQ(TemporaryFolder::read(server / (std::string("out/") + kShell)), "another shell");
}

TEST(Pack, WhatCannotBeReadIsInItByName) {
  const Server server;
  ASSERT_EQ(::mkfifo(server.at("inetpub/fifo").c_str(), 0600), 0);
  const PackReport report = server.make_pack({"inetpub"});
  EXPECT_TRUE(report.incomplete.empty());
  const auto pack = open_whole_pack(server / "pack");
  EXPECT_EQ(pack->check.manifest->find("inetpub/fifo")->metadata.kind, files::Kind::fifo);
  const auto restored = restore_pack(*pack, server / "out");
  ASSERT_EQ(restored->problems.size(), 1U);
  EXPECT_NE(restored->problems[0].find("fifo"), std::string::npos);
}

}  // namespace
}  // namespace postern::evidence
