#include "host/sweep_state.h"

#include <string>
#include <vector>

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
  return state_key("root", std::to_string(number));
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
      ASSERT_TRUE(state->put({path, metadata_of(7), ""}, examination_of(i)).has_value());
    }
  }  // Without `finish`, as if it had been killed.
  auto state = SweepState::open(folder / "s.sqlite", "rules");
  ASSERT_TRUE(state.has_value());
  for (int i = 0; i < SweepState::kBatch; ++i) {
    const std::string path = path_of(i);
    const auto kept = state->find({path, metadata_of(7), ""});
    ASSERT_TRUE(kept.has_value() && kept->has_value()) << i;
    EXPECT_EQ(**kept, examination_of(i));
  }
  const std::string last = path_of(SweepState::kBatch + 1);
  EXPECT_FALSE(state->find({last, metadata_of(7), ""})->has_value());
}

TEST(SweepState, AnyChangeOfAFileCounts) {
  const TemporaryFolder folder;
  auto state = SweepState::open(folder / "s.sqlite", "rules");
  ASSERT_TRUE(state.has_value());
  const std::string path = path_of(1);
  const files::Metadata was = metadata_of(7);
  ASSERT_TRUE(state->put({path, was, "15.1"}, examination_of(1)).has_value());
  EXPECT_TRUE(state->find({path, was, "15.1"})->has_value());
  EXPECT_FALSE(state->find({path, was, "15.2"})->has_value()) << "another build";
  for (int change = 0; change < 6; ++change) {
    SCOPED_TRACE(change);
    files::Metadata now = was;
    if (change == 0) ++now.size;
    if (change == 1) ++now.inode;
    if (change == 2) ++now.modified.seconds;
    if (change == 3) ++now.modified.nanoseconds;
    if (change == 4) ++now.changed.seconds;
    if (change == 5) ++now.changed.nanoseconds;
    EXPECT_FALSE(state->find({path, now, "15.1"})->has_value());
  }
}

const std::vector<std::string> kRoots = {"root"};

TEST(SweepState, ForgetsWhatIsGoneBeneathTheRootAlone) {
  const TemporaryFolder folder;
  const std::string other = state_key("root2", "1");
  const std::string kept = path_of(1);
  const std::string gone = path_of(2);
  {
    auto state = SweepState::open(folder / "s.sqlite", "rules");
    ASSERT_TRUE(state.has_value());
    for (const std::string* path : {&other, &kept, &gone}) {
      ASSERT_TRUE(state->put({*path, metadata_of(7), ""}, examination_of(1)).has_value());
    }
    ASSERT_TRUE(state->complete(kRoots, {}).has_value());
  }
  {
    auto state = SweepState::open(folder / "s.sqlite", "rules");
    ASSERT_TRUE(state->find({kept, metadata_of(7), ""})->has_value());
    ASSERT_TRUE(state->complete(kRoots, {}).has_value());
  }
  auto state = SweepState::open(folder / "s.sqlite", "rules");
  EXPECT_TRUE(state->find({kept, metadata_of(7), ""})->has_value());
  EXPECT_TRUE(state->find({other, metadata_of(7), ""})->has_value());
  EXPECT_FALSE(state->find({gone, metadata_of(7), ""})->has_value());
}

std::string changes_text(SweepState& state) {
  const auto changes = state.changes("root");
  if (!changes) return changes.error().text;
  std::string out = changes->is_first ? "first" : "again";
  for (const auto& named : changes->named) {
    out += ", " + named.path + " " + std::string(to_string(named.change));
  }
  return out + ", same " + std::to_string(changes->same);
}

TEST(SweepState, SaysWhatBecameOfFilesSinceTheLastCompletedSweepWhateverCameBetween) {
  const TemporaryFolder folder;
  const auto put = [](SweepState& state, int number, std::uint64_t inode) {
    const std::string path = path_of(number);
    if (!state.find({path, metadata_of(inode), ""})->has_value()) {
      ASSERT_TRUE(state.put({path, metadata_of(inode), ""}, examination_of(1)).has_value());
    }
  };
  {
    auto state = SweepState::open(folder / "s.sqlite", "rules");
    for (const int number : {1, 2, 3}) put(*state, number, 7);
    EXPECT_EQ(changes_text(*state), "first, 1 new, 2 new, 3 new, same 0");
    ASSERT_TRUE(state->complete(kRoots, {}).has_value());
  }
  {  // Ended before it was complete: it saw another 2, and a 4 that is gone again.
    auto state = SweepState::open(folder / "s.sqlite", "rules");
    for (const int number : {1, 2, 4}) put(*state, number, number == 2 ? 8 : 7);
    ASSERT_TRUE(state->flush().has_value());
  }
  auto state = SweepState::open(folder / "s.sqlite", "rules");
  for (const int number : {1, 2, 5}) put(*state, number, number == 2 ? 8 : 7);
  EXPECT_EQ(changes_text(*state), "again, 2 changed, 3 gone, 5 new, same 1");
  EXPECT_EQ(state->kept(), 2U) << "what the ended one read is not read again";
  EXPECT_EQ(state->fate(path_of(1)), exchange::FileFate::same);
  EXPECT_EQ(state->fate(path_of(2)), exchange::FileFate::changed);
  EXPECT_EQ(state->fate(path_of(3)), exchange::FileFate::gone);
  EXPECT_EQ(state->fate(path_of(9)), exchange::FileFate::unknown);
  const std::string unread = path_of(1);
  ASSERT_TRUE(state->put_unread({unread, metadata_of(9), ""}).has_value());
  EXPECT_EQ(state->fate(unread), exchange::FileFate::not_examined);
  EXPECT_FALSE(state->find({unread, metadata_of(9), ""})->has_value());
}

TEST(SweepState, TheLastSweepIsTheLastThatWasCompleted) {
  const TemporaryFolder folder;
  const WallTime ended{seconds(1'600'000'000)};
  const std::string server = state_key("root", "mail1");
  {
    auto state = SweepState::open(folder / "s.sqlite", "rules");
    EXPECT_FALSE(state->last(server)->has_value());
    ServerRecord record{server, "case 1", ended, {}};
    record.findings.push_back({examination_of(1).findings[0], ended - seconds(5), ended});
    const std::vector<ServerRecord> records = {record};
    ASSERT_TRUE(state->complete(kRoots, records).has_value());
    ASSERT_TRUE(state->complete(kRoots, records).has_value()) << "again";
  }
  auto state = SweepState::open(folder / "s.sqlite", "other rules");
  const auto last = state->last(server);
  ASSERT_TRUE(last.has_value() && last->has_value());
  EXPECT_EQ((*last)->case_id, "case 1");
  EXPECT_EQ((*last)->ended, ended);
  EXPECT_FALSE((*last)->same_rules);
  ASSERT_EQ((*last)->findings.size(), 1U);
  EXPECT_EQ((*last)->findings[0].finding, examination_of(1).findings[0]);
  EXPECT_EQ((*last)->findings[0].first_found, ended - seconds(5));
  EXPECT_FALSE(state->last(state_key("root", "mail2"))->has_value());
}

TEST(SweepState, OtherRulesKeepNoFindingsAndForgetNoFiles) {
  const TemporaryFolder folder;
  const std::string path = path_of(1);
  {
    auto state = SweepState::open(folder / "s.sqlite", "rules");
    ASSERT_TRUE(state->put({path, metadata_of(7), ""}, examination_of(1)).has_value());
    ASSERT_TRUE(state->complete(kRoots, {}).has_value());
  }
  auto state = SweepState::open(folder / "s.sqlite", "other rules");
  EXPECT_FALSE(state->find({path, metadata_of(7), ""})->has_value());
  ASSERT_TRUE(state->put({path, metadata_of(7), ""}, examination_of(2)).has_value());
  EXPECT_EQ(changes_text(*state), "again, same 1");
}

TEST(SweepState, OneAtATime) {
  const TemporaryFolder folder;
  {
    const auto first = SweepState::open(folder / "s.sqlite", "rules");
    ASSERT_TRUE(first.has_value());
    const auto second = SweepState::open(folder / "s.sqlite", "rules");
    ASSERT_FALSE(second.has_value());
    EXPECT_NE(second.error().text.find("in use by another sweep"), std::string::npos);
  }
  EXPECT_TRUE(SweepState::open(folder / "s.sqlite", "rules").has_value());
}

TEST(SweepState, ADatabaseOfAnotherFormIsBegunAnew) {
  const TemporaryFolder folder;
  {
    auto old = sqlite::make_private(folder / "s.sqlite");
    ASSERT_TRUE(old.has_value());
    auto database =
        sqlite::Database::open(folder / "s.sqlite", sqlite::Database::Access::read_write);
    ASSERT_TRUE(
        database->execute("CREATE TABLE files(path BLOB PRIMARY KEY, size INTEGER)").has_value());
  }
  EXPECT_TRUE(SweepState::open(folder / "s.sqlite", "rules").has_value());
  folder.write("t.sqlite",
               "no database, but long enough to be taken for one: " + std::string(200, 'x'));
  EXPECT_FALSE(SweepState::open(folder / "t.sqlite", "rules").has_value());
}

}  // namespace
}  // namespace postern::host
