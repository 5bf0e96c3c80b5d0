// Packs and quarantine on a real NTFS; skipped where ntfs-3g cannot mount one.
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/xattr.h>

#include "evidence/pack.h"
#include "evidence/quarantine.h"
#include "evidence/testing.h"
#include "files/ntfs_testing.h"

namespace postern::evidence {
namespace {

using files::testing::append_word;
using files::testing::NtfsTest;

constexpr const char* kShell = "aspnet_client/shell.aspx";

std::string attribute_of(const std::string& path, const char* name) {
  std::string value(65'536, '\0');
  const ssize_t size = ::getxattr(path.c_str(), name, value.data(), value.size());
  if (size < 0) return "(none)";
  value.resize(static_cast<std::size_t>(size));
  return value;
}

class NtfsEvidenceTest : public NtfsTest {
 protected:
  void make_shell() {
    folder_.write(std::string("mount/") + kShell, "<%@ Page %>");
    folder_.write("mount/web.config", "x");
    set(kShell, "user.Zone.Identifier", "[ZoneTransfer]");
    set(kShell, "user.payload", std::string(3000, 'p'));
    std::string times;
    for (const std::uint64_t time : {1U, 2U, 3U, 4U}) {
      append_word(times, 132'592'032'000'000'000 + time * 10'000'000 + 7, 8);
    }
    std::string hidden;
    append_word(hidden, 0x27, 4);
    set(kShell, "system.ntfs_attrib", hidden);
    set(kShell, "system.ntfs_times", times);
  }

  PackReport make_pack() {
    auto key = SigningKey::open_or_make(folder_ / "keys");
    auto report = create_pack({mount(), folder_ / "pack", "c", {kShell}, testing::witness()}, *key);
    EXPECT_TRUE(report) << report.error().text;
    return report.value_or(PackReport{});
  }
};

TEST_F(NtfsEvidenceTest, ARollbackGivesBackAllThatNtfsKeeps) {
  make_shell();
  const std::vector<const char*> names = {"system.ntfs_attrib", "system.ntfs_acl",
                                          "user.Zone.Identifier", "user.payload"};
  const std::string shell = mount() + "/" + kShell;
  std::vector<std::string> before;
  for (const char* name : names) before.push_back(attribute_of(shell, name));
  const std::string times = attribute_of(shell, "system.ntfs_times");
  EXPECT_TRUE(make_pack().incomplete.empty());
  const auto key = SigningKey::open_or_make(folder_ / "keys");
  const auto plan = make_plan({mount(), "c", true, {{kShell, "F-01", "", ""}}}, testing::witness());
  ASSERT_TRUE(plan);
  const auto applied =
      apply_plan({*plan, folder_ / "pack", folder_ / "quarantine", testing::witness()}, *key);
  ASSERT_TRUE(applied) << applied.error().text;
  EXPECT_TRUE(applied->problems.empty()) << applied->problems.front();
  EXPECT_FALSE(std::filesystem::exists(shell));
  const auto back = roll_back(folder_ / "quarantine", testing::witness(), *key);
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_TRUE(back->problems.empty()) << back->problems.front();
  EXPECT_TRUE(back->notes.empty()) << back->notes.front();
  remount();
  for (std::size_t at = 0; at < names.size(); ++at) {
    EXPECT_EQ(attribute_of(shell, names[at]), before[at]) << names[at];
  }
  // Created, modified and accessed; the status time is the file system's own.
  EXPECT_EQ(attribute_of(shell, "system.ntfs_times").substr(0, 24), times.substr(0, 24));
  EXPECT_EQ(testing::TemporaryFolder::read(shell), "<%@ Page %>");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(mount() + "/aspnet_client"), {}), 1);
}

TEST_F(NtfsEvidenceTest, StreamsAreKeptHoweverTheMountShowsThem) {
  make_shell();
  remount("streams_interface=windows");
  folder_.write(std::string("mount/") + kShell + ":large", std::string(200'000, 'l'));
  const PackReport report = make_pack();
  EXPECT_TRUE(report.incomplete.empty()) << report.incomplete.front();
  const auto check = verify_pack(folder_ / "pack");
  ASSERT_TRUE(check && check->manifest);
  EXPECT_TRUE(check->problems.empty());
  std::vector<std::string> streams;
  for (const KeptAttribute& attribute : check->manifest->find(kShell)->attributes) {
    if (!attribute.name.starts_with("user.")) continue;
    streams.push_back(attribute.name + " " + std::to_string(attribute.value.octets));
  }
  EXPECT_EQ(streams, (std::vector<std::string>{"user.Zone.Identifier 14", "user.large 200000",
                                               "user.payload 3000"}));
}

}  // namespace
}  // namespace postern::evidence
