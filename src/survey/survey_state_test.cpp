#include "survey/survey_state.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace postern::survey {
namespace {

class SurveyStateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "postern-survey-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/exposure.sqlite"; }
  SurveyState open() const {
    auto state = SurveyState::open(path());
    EXPECT_TRUE(state) << state.error().text;
    return *std::move(state);
  }

  std::string folder_;
};

const exposure::Snapshot kSnapshot{"onprem",
                                   "unknown",
                                   "likely",
                                   "mail.v.example",
                                   {{"MX v.example", "v.example MX 10 mail.v.example."}}};

TEST_F(SurveyStateTest, WhatWasPutIsFoundByTheNextRun) {
  {
    SurveyState state = open();
    EXPECT_FALSE((*state.find("v.example")).has_value());
    ASSERT_TRUE(state.put("v.example", kSnapshot, WallTime(seconds(5))));
  }
  SurveyState state = open();
  const auto found = state.find("v.example");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->lines, kSnapshot.lines);
  EXPECT_EQ((*found)->exposure, "likely");
  struct stat status{};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(SurveyStateTest, AListIsItsLastRun) {
  SurveyState state = open();
  EXPECT_FALSE((*state.last_run("a.csv")).has_value());
  ASSERT_TRUE(state.finish("a.csv", {"b.example", "a.example"}, WallTime(seconds(5))));
  ASSERT_TRUE(state.finish("b.csv", {"z.example"}, WallTime(seconds(6))));
  ASSERT_TRUE(state.finish("a.csv", {"b.example", "c.example"}, WallTime(seconds(7))));
  EXPECT_EQ(*state.members("a.csv"), (std::vector<std::string>{"b.example", "c.example"}));
  EXPECT_EQ((*state.last_run("a.csv"))->time_since_epoch(), seconds(7));
}

TEST_F(SurveyStateTest, DamagedMemoryIsNoMemory) {
  {
    SurveyState state = open();
    ASSERT_TRUE(state.put("v.example", kSnapshot, WallTime(seconds(5))));
  }
  auto raw = sqlite::Database::open(path(), sqlite::Database::Access::read_write);
  ASSERT_TRUE(raw && raw->execute("UPDATE domains SET snapshot='nonsense'"));
  SurveyState state = open();
  EXPECT_FALSE((*state.find("v.example")).has_value());
  std::filesystem::resize_file(path(), 0);
  std::ofstream(path()) << "this is no database, and long enough to be looked at as one";
  EXPECT_FALSE(SurveyState::open(path()));
}

}  // namespace
}  // namespace postern::survey
