#include "host/sweep_state.h"

#include <string>

#include <gtest/gtest.h>

#include "files/testing.h"

namespace postern::host {
namespace {

using files::testing::TemporaryFolder;

files::Metadata metadata_of(std::uint64_t inode) {
  files::Metadata out;
  out.kind = files::Kind::regular;
  out.size = 10;
  out.inode = inode;
  out.modified = {1'600'000'000, 5};
  out.changed = {1'600'000'001, 6};
  return out;
}

std::string path_of(int number) {
  return "root\n" + std::to_string(number);
}

Examination examination_of(int number) {
  Examination out;
  exchange::Finding finding;
  finding.rule = "F-01";
  finding.place.path = std::to_string(number);
  out.findings.push_back(finding);
  return out;
}

TEST(SweepState, WhatWasWrittenSurvivesAnEndAtAnyMoment) {
  const TemporaryFolder folder;
  {
    auto state = SweepState::open(folder / "s.sqlite", "rules");
    ASSERT_TRUE(state.has_value());
    for (int i = 0; i < SweepState::kBatch + 500; ++i) {
      const std::string path = path_of(i);
      ASSERT_TRUE(state->put({path, metadata_of(7)}, examination_of(i)).has_value());
    }
  }  // Without `finish`, as if it had been killed.
  auto state = SweepState::open(folder / "s.sqlite", "rules");
  ASSERT_TRUE(state.has_value());
  for (int i = 0; i < SweepState::kBatch; ++i) {
    const std::string path = path_of(i);
    const auto kept = state->find({path, metadata_of(7)});
    ASSERT_TRUE(kept.has_value() && kept->has_value()) << i;
    EXPECT_EQ(**kept, examination_of(i));
  }
  const std::string last = path_of(SweepState::kBatch + 1);
  EXPECT_FALSE(state->find({last, metadata_of(7)})->has_value());
}

TEST(SweepState, AnyChangeOfAFileCounts) {
  const TemporaryFolder folder;
  auto state = SweepState::open(folder / "s.sqlite", "rules");
  ASSERT_TRUE(state.has_value());
  const std::string path = path_of(1);
  const files::Metadata was = metadata_of(7);
  ASSERT_TRUE(state->put({path, was}, examination_of(1)).has_value());
  EXPECT_TRUE(state->find({path, was})->has_value());
  for (int change = 0; change < 6; ++change) {
    SCOPED_TRACE(change);
    files::Metadata now = was;
    if (change == 0) ++now.size;
    if (change == 1) ++now.inode;
    if (change == 2) ++now.modified.seconds;
    if (change == 3) ++now.modified.nanoseconds;
    if (change == 4) ++now.changed.seconds;
    if (change == 5) ++now.changed.nanoseconds;
    EXPECT_FALSE(state->find({path, now})->has_value());
  }
}

TEST(SweepState, ForgetsWhatIsGoneBeneathTheRootAlone) {
  const TemporaryFolder folder;
  const std::string other = "root2\n1";
  const std::string kept = path_of(1);
  const std::string gone = path_of(2);
  {
    auto state = SweepState::open(folder / "s.sqlite", "rules");
    ASSERT_TRUE(state.has_value());
    for (const std::string* path : {&other, &kept, &gone}) {
      ASSERT_TRUE(state->put({*path, metadata_of(7)}, examination_of(1)).has_value());
    }
    ASSERT_TRUE(state->finish("root\n").has_value());
  }
  {
    auto state = SweepState::open(folder / "s.sqlite", "rules");
    ASSERT_TRUE(state->find({kept, metadata_of(7)})->has_value());
    ASSERT_TRUE(state->finish("root\n").has_value());
  }
  auto state = SweepState::open(folder / "s.sqlite", "rules");
  EXPECT_TRUE(state->find({kept, metadata_of(7)})->has_value());
  EXPECT_TRUE(state->find({other, metadata_of(7)})->has_value());
  EXPECT_FALSE(state->find({gone, metadata_of(7)})->has_value());
}

}  // namespace
}  // namespace postern::host
