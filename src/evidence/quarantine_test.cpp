#include "evidence/quarantine.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "evidence/journal.h"
#include "evidence/testing.h"

namespace postern::evidence {
namespace {

using testing::kShell;
using testing::Server;
using testing::TemporaryFolder;

constexpr const char* kSecond = "inetpub/wwwroot/aspnet_client/second.aspx";

class QuarantineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.write(kSecond, "second");
    server_.set_times(kSecond, 1'600'000'000, 1);
    server_.set_attribute(kShell, "user.Zone.Identifier", "stream");
    ASSERT_EQ(::chmod(server_.at(kShell).c_str(), 0755), 0);
    server_.set_times("inetpub/wwwroot/aspnet_client", 1'614'643'201, 7);
    ASSERT_EQ(std::system(("cp -a " + server_.root() + " " + server_ / "before").c_str()), 0);
  }

  Plan plan(bool complete = true) const {
    const auto plan = make_plan(
        {server_.root(), "case 1", complete, {{kShell, "F-01", "", ""}, {kSecond, "F-01", "", ""}}},
        testing::witness());
    EXPECT_TRUE(plan);
    return *plan;
  }
  QuarantineOrder order(bool complete = true) const {
    return {plan(complete), server_ / "pack", server_ / "quarantine", testing::witness()};
  }
  bool is_in_tree(const std::string& path) const {
    return std::filesystem::exists(server_.at(path));
  }
  void expect_tree_as_before() const {
    for (const std::string path : {kShell, kSecond, "inetpub/wwwroot/web.config"}) {
      testing::expect_alike(server_ / ("before/" + path), server_.at(path));
    }
    char value[16];
    EXPECT_EQ(::getxattr(server_.at(kShell).c_str(), "user.Zone.Identifier", value, sizeof value),
              6);
    const struct stat now = testing::look(server_.at("inetpub/wwwroot/aspnet_client"));
    EXPECT_EQ(now.st_mtim.tv_sec, 1'614'643'201);
    EXPECT_EQ(now.st_mtim.tv_nsec, 7);
    EXPECT_EQ(
        std::distance(
            std::filesystem::directory_iterator(server_.at("inetpub/wwwroot/aspnet_client")), {}),
        2);
  }

  Server server_;
};

TEST_F(QuarantineTest, TakesAndPutsBackAsItWas) {
  server_.make_pack({kShell, kSecond});
  const auto applied = apply_plan(order(), server_.key());
  ASSERT_TRUE(applied) << applied.error().text;
  EXPECT_TRUE(applied->problems.empty()) << applied->problems.front();
  EXPECT_EQ(applied->done, (std::vector<std::string>{kSecond, kShell}));
  EXPECT_FALSE(is_in_tree(kShell));
  EXPECT_FALSE(is_in_tree(kSecond));
  EXPECT_TRUE(std::filesystem::is_empty(server_.at("inetpub/wwwroot/aspnet_client")));
  EXPECT_EQ(server_.read("inetpub/wwwroot/web.config"), "<configuration/>");
  const auto would = check_rollback(server_ / "quarantine");
  EXPECT_EQ(would->done.size(), 2U);
  const auto back = roll_back(server_ / "quarantine", testing::witness(), server_.key());
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_TRUE(back->problems.empty()) << back->problems.front();
  EXPECT_TRUE(back->notes.empty()) << back->notes.front();
  expect_tree_as_before();
  const auto check = verify_pack(server_ / "pack");
  EXPECT_TRUE(check->problems.empty()) << check->problems.front();
  ASSERT_EQ(check->custody.size(), 4U);
  EXPECT_EQ(check->custody[2].event, "quarantined");
  EXPECT_NE(check->custody[2].what.find(kShell), std::string::npos);
  EXPECT_EQ(check->custody[3].event, "rolled back");
  EXPECT_TRUE(roll_back(server_ / "quarantine", testing::witness(), server_.key())->done.empty());
  EXPECT_FALSE(apply_plan(order(), server_.key())->problems.empty()) << "it was put back";
}

TEST_F(QuarantineTest, ADryRunChangesNothing) {
  server_.make_pack({kShell, kSecond});
  const auto report = check_plan(order(), server_.key());
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->done.size(), 2U);
  EXPECT_TRUE(report->problems.empty());
  EXPECT_FALSE(std::filesystem::exists(server_ / "quarantine"));
  expect_tree_as_before();
}

TEST_F(QuarantineTest, WithoutAWholePackNothingIsTaken) {
  const SigningKey key = server_.key();
  EXPECT_EQ(apply_plan(order(), key).error().code, Errc::not_found) << "no pack";
  server_.make_pack({kShell});
  const auto lacking = apply_plan(order(), key);
  ASSERT_TRUE(lacking);
  EXPECT_EQ(lacking->problems.size(), 1U) << "the pack holds one of two";
  EXPECT_TRUE(lacking->done.empty());
  expect_tree_as_before();
  const auto other = SigningKey::open_or_make(server_ / "other keys");
  EXPECT_EQ(apply_plan(order(), *other).error().code, Errc::corrupt) << "a stranger's pack";
  std::filesystem::resize_file(server_ / "pack/manifest.sig", 63);
  EXPECT_EQ(apply_plan(order(), key).error().code, Errc::corrupt) << "a damaged pack";
  expect_tree_as_before();
}

TEST_F(QuarantineTest, ASweepWithErrorsIsNotActedOn) {
  server_.make_pack({kShell, kSecond});
  const auto report = apply_plan(order(false), server_.key());
  EXPECT_EQ(report.error().code, Errc::denied);
  EXPECT_FALSE(check_plan(order(false), server_.key()));
  EXPECT_NE(to_text(plan(false)).find("Nothing of this plan can be applied"), std::string::npos);
  expect_tree_as_before();
}

TEST_F(QuarantineTest, WhatHasChangedSinceIsNotTakenAndNeitherIsTheRest) {
  server_.make_pack({kShell, kSecond});
  const QuarantineOrder before = order();
  server_.write(kShell, "changed");
  const auto report = apply_plan(before, server_.key());
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->done.empty());
  ASSERT_EQ(report->problems.size(), 1U);
  EXPECT_NE(report->problems[0].find("changed since the plan"), std::string::npos);
  EXPECT_TRUE(is_in_tree(kSecond));
  EXPECT_EQ(server_.read(kShell), "changed");
  // A plan made since: now it is the pack that has other octets.
  const auto since = apply_plan(order(), server_.key());
  ASSERT_TRUE(since) << since.error().text;
  ASSERT_EQ(since->problems.size(), 1U);
  EXPECT_NE(since->problems[0].find("other octets"), std::string::npos);
  EXPECT_TRUE(is_in_tree(kSecond));
}

TEST_F(QuarantineTest, AnotherCaseRootOrPlaceIsRefused) {
  server_.make_pack({kShell, kSecond});
  QuarantineOrder other_case = order();
  other_case.plan.case_name = "case 2";
  EXPECT_EQ(apply_plan(other_case, server_.key()).error().code, Errc::denied);
  QuarantineOrder other_root = order();
  other_root.plan.root = server_ / "before";
  EXPECT_EQ(apply_plan(other_root, server_.key()).error().code, Errc::denied);
  QuarantineOrder beneath = order();
  beneath.quarantine = server_.at("quarantine");
  EXPECT_EQ(apply_plan(beneath, server_.key()).error().code, Errc::denied);
  expect_tree_as_before();
  QuarantineOrder first = order();
  ASSERT_TRUE(apply_plan(first, server_.key()));
  first.plan.made_at = "another plan";
  EXPECT_EQ(apply_plan(first, server_.key()).error().code, Errc::denied);
}

TEST_F(QuarantineTest, NothingIsPutBackOverWhatIsThere) {
  server_.make_pack({kShell, kSecond});
  ASSERT_TRUE(apply_plan(order(), server_.key()));
  server_.write(kShell, "somebody's");
  const auto back = roll_back(server_ / "quarantine", testing::witness(), server_.key());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->done, (std::vector<std::string>{kSecond}));
  EXPECT_EQ(back->problems.size(), 1U);
  EXPECT_EQ(server_.read(kShell), "somebody's");
  std::filesystem::remove(server_.at(kShell));
  EXPECT_EQ(roll_back(server_ / "quarantine", testing::witness(), server_.key())->done,
            (std::vector<std::string>{kShell}));
  testing::expect_alike(server_ / (std::string("before/") + kShell), server_.at(kShell));
}

TEST_F(QuarantineTest, ALinkInPlaceOfTheFolderLeadsNoRollbackAway) {
  server_.make_pack({kShell, kSecond});
  ASSERT_TRUE(apply_plan(order(), server_.key()));
  server_.folder().make_folder("elsewhere");
  std::filesystem::remove(server_.at("inetpub/wwwroot/aspnet_client"));
  server_.folder().link("../../../elsewhere", "root/inetpub/wwwroot/aspnet_client");
  const auto back = roll_back(server_ / "quarantine", testing::witness(), server_.key());
  EXPECT_EQ(back->problems.size(), 2U);
  EXPECT_TRUE(std::filesystem::is_empty(server_ / "elsewhere"));
}

// States as a crash may leave them, one after the other.

TEST_F(QuarantineTest, ACopyWhoseFileHasOnlyAnotherNameIsFinishedOrUndone) {
  server_.make_pack({kShell, kSecond});
  ASSERT_TRUE(apply_plan(order(), server_.key()));
  ASSERT_TRUE(roll_back(server_ / "quarantine", testing::witness(), server_.key()));
  const std::string journal = TemporaryFolder::read(server_ / "quarantine/journal.jsonl");
  // The header and the first "copied" of another quarantine that never got further.
  for (const bool finishes : {true, false}) {
    SCOPED_TRACE(finishes);
    std::filesystem::remove_all(server_ / "quarantine");
    const QuarantineOrder planned = order();
    ASSERT_TRUE(apply_plan(planned, server_.key()));
    std::string all = TemporaryFolder::read(server_ / "quarantine/journal.jsonl");
    // Undo the taking of the last file by hand: as if the crash came before its unlink.
    ASSERT_TRUE(roll_back(server_ / "quarantine", testing::witness(), server_.key()));
    const std::size_t last = all.rfind("{\"step\":\"taken\"");
    all.resize(last);
    std::string entry = all.substr(all.rfind("{\"step\":\"copied\""));
    const struct stat now = testing::look(server_.at(kShell));
    const std::size_t at = all.rfind("\\\"inode\\\":");
    const std::size_t end = all.find(',', at);
    all.replace(at, end - at, "\\\"inode\\\":" + std::to_string(now.st_ino));
    std::filesystem::remove(server_.at(kSecond));
    std::filesystem::rename(server_.at(kShell),
                            server_.at("inetpub/wwwroot/aspnet_client/.postern-quarantine-2"));
    std::ofstream(server_ / "quarantine/journal.jsonl") << all;
    if (finishes) {
      const auto report = apply_plan(planned, server_.key());
      ASSERT_TRUE(report) << report.error().text;
      EXPECT_TRUE(report->problems.empty()) << report->problems.front();
      EXPECT_TRUE(std::filesystem::is_empty(server_.at("inetpub/wwwroot/aspnet_client")));
    }
    const auto back = roll_back(server_ / "quarantine", testing::witness(), server_.key());
    ASSERT_TRUE(back);
    EXPECT_TRUE(back->problems.empty()) << back->problems.front();
    testing::expect_alike(server_ / (std::string("before/") + kShell), server_.at(kShell));
    testing::expect_alike(server_ / (std::string("before/") + kSecond), server_.at(kSecond));
  }
}

TEST_F(QuarantineTest, AFileThatSomebodyPutInItsPlaceIsNotTaken) {
  server_.make_pack({kShell, kSecond});
  const QuarantineOrder planned = order();
  ASSERT_TRUE(apply_plan(planned, server_.key()));
  std::string all = TemporaryFolder::read(server_ / "quarantine/journal.jsonl");
  all.resize(all.rfind("{\"step\":\"taken\""));
  std::ofstream(server_ / "quarantine/journal.jsonl") << all;
  server_.write(kShell, "new");
  const auto report = apply_plan(planned, server_.key());
  ASSERT_EQ(report->problems.size(), 1U);
  EXPECT_EQ(server_.read(kShell), "new");
}

TEST(Journal, RefusesWhatIsNoneOfIt) {
  const TemporaryFolder folder;
  const auto opened = open_folder_at(folder.path());
  EXPECT_EQ(Journal::open(opened->get()).error().code, Errc::not_found);
  EXPECT_FALSE(std::filesystem::exists(folder / "journal.jsonl"));
  folder.write("journal.jsonl", "{\"format\":\"another\"}\n");
  EXPECT_EQ(Journal::open(opened->get()).error().code, Errc::corrupt);
  for (const std::string line : {"{}", R"({"step":"copied","n":1})", "x"}) {
    EXPECT_FALSE(journal_entry_from_json(line)) << line;
  }
}

}  // namespace
}  // namespace postern::evidence
