#include "feeds/held_store.h"

#include <string>

#include <gtest/gtest.h>

#include "feeds/digest.h"
#include "feeds/testing.h"

namespace postern::feeds {
namespace {

struct HeldStoreTest : ::testing::Test {
  Held held() const {
    Held made;
    made.facts = {"source", "from", {}, sha256_hex(text), WallTime(seconds(5)), 17};
    made.since = WallTime(seconds(1'700'000'000));
    made.reasons = {{intel::GateReason::public_suffix, "has rules on\npublic suffixes: com"},
                    {intel::GateReason::shrunk, "has 1 rules where there were 100"}};
    made.report = R"({"feed":"ads"})";
    made.also_out = {sha256_hex("older"), sha256_hex("oldest")};
    return made;
  }
  testing::ScratchFolder folder;
  HeldStore store{folder.file("held")};
  std::string text = "one.example\n";
};

TEST_F(HeldStoreTest, GivesBackWhatWasHeldOfThatSource) {
  ASSERT_TRUE(store.save("ads", held(), testing::in_memory(text)));
  const auto found = HeldStore(folder.file("held")).load("ads", "source");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->state, HeldState::waiting);
  EXPECT_EQ(found->since, held().since);
  ASSERT_EQ(found->reasons.size(), 2U);
  EXPECT_EQ(found->reasons[0].text, "has rules on public suffixes: com");
  EXPECT_EQ(found->reasons[1].reason, intel::GateReason::shrunk);
  EXPECT_EQ(found->report, held().report);
  EXPECT_EQ(found->also_out, held().also_out);
  EXPECT_EQ(found->facts.rules, 17U);
  EXPECT_EQ(store.load_text("ads", *found, 1000)->to_string().value(), text);
  EXPECT_FALSE(store.load("ads", "another source"));
  EXPECT_FALSE(store.load("other", "source"));
}

TEST_F(HeldStoreTest, ADamagedRecordStillKeepsTheUpdateOut) {
  ASSERT_TRUE(store.save("ads", held(), testing::in_memory(text)));
  folder.write("held/ads.held", "postern-held 1\nstate nonsense\nreason x\nsince_us y\nreport");
  const auto found = store.load("ads", "source");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->state, HeldState::waiting);
  EXPECT_EQ(found->facts.sha256, sha256_hex(text));
  EXPECT_TRUE(found->reasons.empty());
}

// As after a crash between the two files.
TEST_F(HeldStoreTest, WhatWasDecidedOnOneTextIsNotTakenForADecisionOnAnother) {
  Held rejected = held();
  rejected.state = HeldState::rejected;
  ASSERT_TRUE(store.save("ads", rejected, testing::in_memory(text)));
  const std::string decided = folder.read("held/ads.held");
  Held newer = held();
  newer.facts.sha256 = sha256_hex("newer");
  ASSERT_TRUE(store.save("ads", newer, testing::in_memory("newer")));
  folder.write("held/ads.held", decided);
  const auto found = store.load("ads", "source");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->facts.sha256, newer.facts.sha256);
  EXPECT_EQ(found->state, HeldState::waiting);
  EXPECT_TRUE(found->reasons.empty());
  EXPECT_TRUE(found->is_out(rejected.facts.sha256)) << "the one that was rejected stays out";
  EXPECT_TRUE(found->is_out(sha256_hex("oldest")));
  EXPECT_FALSE(found->is_out(newer.facts.sha256));
  EXPECT_TRUE(store.load_text("ads", *found, 1000));
}

TEST_F(HeldStoreTest, OfWhatWasTakenOutTheLastOnesStayOut) {
  Held last;
  for (std::size_t i = 0; i <= Held::kMostOut + 1; ++i) {
    Held made;
    made.facts.sha256 = std::to_string(i);
    made.state = HeldState::rolled_back;
    made.keep_out(last);
    last = std::move(made);
  }
  EXPECT_TRUE(last.is_out(std::to_string(Held::kMostOut + 1)));
  EXPECT_TRUE(last.is_out("1"));
  EXPECT_FALSE(last.is_out("0")) << "there is a bound";
  Held waiting;
  waiting.facts.sha256 = "5";
  waiting.keep_out(last);
  EXPECT_FALSE(waiting.is_out("5")) << "it is to be decided anew";
  EXPECT_TRUE(waiting.is_out("6"));
}

TEST_F(HeldStoreTest, WhatIsRejectedLosesItsTextAndWhatIsRemovedIsGone) {
  ASSERT_TRUE(store.save("ads", held(), testing::in_memory(text)));
  Held rejected = held();
  rejected.state = HeldState::rejected;
  store.remove_text("ads", rejected);
  ASSERT_TRUE(store.save_facts("ads", rejected));
  EXPECT_EQ(store.load("ads", "source")->state, HeldState::rejected);
  EXPECT_FALSE(store.load_text("ads", rejected, 1000));
  store.remove("ads");
  EXPECT_FALSE(store.load("ads", "source"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.file("held")));
}

}  // namespace
}  // namespace postern::feeds
