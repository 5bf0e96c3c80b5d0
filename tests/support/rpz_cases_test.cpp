// Every case of tests/rpz/*.txt: docs/standards.md says where they come from.
#include "rpz_cases.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace postern::rpz_cases {
namespace {

std::vector<std::filesystem::path> files() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(POSTERN_RPZ_CASES)) {
    if (entry.path().extension() == ".txt") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

Cases read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return read_cases(std::string(std::istreambuf_iterator<char>(file), {}));
}

class RpzCases : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(RpzCases, EachQuestionGetsWhatTheDraftSays) {
  const Cases cases = read(GetParam());
  ASSERT_EQ(cases.error, "") << GetParam();
  ASSERT_FALSE(cases.all.empty());
  std::shared_ptr<const Setting> setting;
  for (const Case& each : cases.all) {
    const std::string place = GetParam().filename().string() + ":" + std::to_string(each.line);
    if (each.setting != setting) {
      setting = each.setting;
      EXPECT_EQ(fault_of_zones(*setting), "") << "zones before " << place;
    }
    EXPECT_EQ(play(each), each.want) << place << ", section " << each.section;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, RpzCases, ::testing::ValuesIn(files()),
                         [](const auto& file) { return file.param.stem().string(); });

TEST(RpzCaseFiles, HaveManyCases) {
  std::size_t count = 0;
  for (const auto& path : files()) count += read(path).all.size();
  EXPECT_GE(count, 220U);
}

TEST(RpzCaseFiles, WhatDoesNotReadIsSaid) {
  EXPECT_EQ(read_cases("3.1 | a.example A | NXDOMAIN\n").error.substr(0, 2), "1:");
  EXPECT_EQ(read_cases("===\nzone p0 nonsense=1\n").error.substr(0, 2), "2:");
  EXPECT_EQ(read_cases("===\nzone p0\n3.1 | a.example | NXDOMAIN\n").error.substr(0, 2), "3:");
}

TEST(RpzCaseFiles, AnotherAnswerIsSeen) {
  const Cases cases = read_cases("===\nzone p0\n  a.example CNAME .\n3.1 | a.example A | NODATA\n");
  ASSERT_EQ(cases.all.size(), 1U) << cases.error;
  EXPECT_EQ(play(cases.all[0]), "NXDOMAIN by p0; soa a.example. 10");
}

TEST(RpzCaseFiles, LinesThatShouldHaveBeenSkippedAreSeen) {
  const Cases cases = read_cases(
      "===\nzone p0\n! a.example CNAME .\n  33.1.2.0.192.rpz-ip CNAME .\n"
      "3.1 | a.example A | x\n");
  ASSERT_EQ(cases.all.size(), 1U) << cases.error;
  const std::string faults = fault_of_zones(*cases.all[0].setting);
  EXPECT_NE(faults.find("line 5: was not skipped"), std::string::npos) << faults;
  EXPECT_NE(faults.find("line 6: "), std::string::npos) << faults;
}

}  // namespace
}  // namespace postern::rpz_cases
