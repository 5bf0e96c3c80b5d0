#include "exchange/since.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace postern::exchange {
namespace {

const WallTime kFirst{seconds(1'600'000'000)};
const WallTime kSecond = kFirst + std::chrono::hours(24);
const WallTime kThird = kSecond + std::chrono::hours(24);

Finding row(std::string_view rule, std::string_view path, std::uint64_t line, WallTime at) {
  Finding out;
  out.rule = rule;
  out.title = "a title";
  out.tier = Tier::exploited;
  out.confidence = 90;
  out.actor = "203.0.113.7";
  out.at = at;
  out.place = {.path = std::string(path), .line = line};
  out.details = {{"stem", "/x"}};
  return out;
}

Finding file(std::string_view rule, std::string_view path) {
  Finding out = row(rule, path, 0, kFirst);
  out.actor.clear();
  return out;
}

FateOf fate_is(FileFate fate) {
  return [fate](std::string_view) { return fate; };
}

EarlierSweep earlier_of(std::vector<Finding> findings) {
  EarlierSweep out;
  out.case_id = "yesterday";
  out.ended = kSecond;
  for (Finding& finding : findings) out.findings.push_back({std::move(finding), kFirst, kSecond});
  return out;
}

std::string changes_of(const Since& since) {
  std::string out;
  for (const FindingChange& change : since.changes) {
    out += std::string(out.empty() ? "" : ", ") + std::string(to_string(change.change));
  }
  return out;
}

TEST(Since, WithoutASweepBeforeAllIsNew) {
  std::vector<Finding> findings = {row("PL-01", "a.log", 3, kFirst), file("F-01", "x.aspx")};
  const Since since = compare(nullptr, findings, fate_is(FileFate::same), kThird);
  EXPECT_TRUE(since.is_first);
  EXPECT_EQ(changes_of(since), "new, new");
}

TEST(Since, WhatBecameOfEach) {
  const Finding same = row("PL-01", "a.log", 3, kFirst);
  const Finding was = file("F-02", "logon.aspx");
  Finding is = was;
  is.confidence = 95;
  is.details = {{"stem", "/y"}};
  const Finding fresh = row("PL-01", "a.log", 9, kSecond);
  std::vector<Finding> findings = {fresh, is, same};
  const auto earlier = earlier_of({same, was});
  const Since since = compare(&earlier, findings, fate_is(FileFate::same), kThird);
  EXPECT_EQ(changes_of(since), "new, changed, still there");
  EXPECT_EQ(since.changes[1].why, "confidence 95, was 90; stem");
  EXPECT_EQ(since.changes[0].first_found, kThird);
  EXPECT_EQ(since.changes[2].first_found, kFirst);
  EXPECT_EQ(since.changes[2].last_found, kThird);
  EXPECT_EQ(since.counts(), (std::array<std::size_t, kChanges>{1, 1, 1, 0, 0}));
}

TEST(Since, WhatIsJoinedFromManyRowsIsNewsWhereItIsWorse) {
  Finding was = row("PL-08", "a.log", 3, kFirst);
  was.details.push_back({"stage", "5"});
  was.details.push_back({"requests", "12"});
  Finding is = was;
  is.details.back().value = "7";
  is.at = kSecond;
  const auto earlier = earlier_of({was});
  const auto news = [&](const Finding& finding) {
    std::vector<Finding> findings = {finding};
    const Since since = compare(&earlier, findings, fate_is(FileFate::changed), kThird);
    EXPECT_EQ(changes_of(since), "changed");
    return since.changes.at(0).is_news;
  };
  EXPECT_FALSE(news(is)) << "a part of its log is gone";
  is.confidence = 99;
  EXPECT_TRUE(news(is));
  Finding line = row("PL-01", "a.log", 3, kFirst);
  const auto before = earlier_of({line});
  line.tier = Tier::attempt;
  std::vector<Finding> findings = {line};
  EXPECT_TRUE(compare(&before, findings, fate_is(FileFate::changed), kThird).changes[0].is_news);
}

TEST(Since, ARowIsTheSameInALogOfAnotherName) {
  const auto earlier = earlier_of({row("PL-01", "u_ex210301.log", 3, kFirst)});
  std::vector<Finding> findings = {row("PL-01", "old/u_ex210301.log.gz", 3, kFirst)};
  const Since since = compare(&earlier, findings, fate_is(FileFate::gone), kThird);
  EXPECT_EQ(changes_of(since), "still there");
}

TEST(Since, TheCountOfWhatALogHoldsMoreIsNoChange) {
  Finding was = row("PL-01", "a.log", 3, kFirst);
  Finding is = was;
  was.details.push_back({"more of these in this log", "7"});
  is.details.push_back({"more of these in this log", "8"});
  const auto earlier = earlier_of({was});
  std::vector<Finding> findings = {is};
  EXPECT_EQ(changes_of(compare(&earlier, findings, fate_is(FileFate::changed), kThird)),
            "still there");
}

TEST(Since, TwoOfTheSameSecondAreTwo) {
  const Finding one = row("PL-01", "a.log", 3, kFirst);
  const Finding other = row("PL-01", "a.log", 4, kFirst);
  const auto earlier = earlier_of({one});
  std::vector<Finding> findings = {one, other};
  EXPECT_EQ(changes_of(compare(&earlier, findings, fate_is(FileFate::changed), kThird)),
            "still there, new");
}

TEST(Since, WhyAFindingIsGoneAndWhetherItIsRemembered) {
  Finding record = row("PS-04", "m.evtx", 0, kFirst);
  record.place.record = 17;
  Finding joined = row("PL-08", "a.log", 3, kFirst);
  joined.details.push_back({"stage", "6"});
  const Finding traffic = row("W-03", "a.log", 3, kFirst);
  const Finding line = row("PL-01", "a.log", 3, kFirst);
  const Finding page = file("F-01", "x.aspx");
  struct Case {
    const Finding& finding;
    FileFate fate;
    bool same_rules, is_remembered, is_news;
    std::string why;
  };
  const Case cases[] = {
      {line, FileFate::gone, true, true, false, "its log is no longer there"},
      {line, FileFate::gone, false, true, false, "its log is no longer there"},
      {line, FileFate::changed, true, true, true, "its log is there, without it"},
      {line, FileFate::changed, false, false, false, "the rules are others now"},
      {line, FileFate::not_examined, true, true, false,
       "its file could not be looked at this time"},
      {record, FileFate::changed, true, true, false, "its log no longer holds it"},
      {joined, FileFate::same, true, true, false,
       "what it was joined from is not all there, or has changed"},
      {traffic, FileFate::changed, true, true, false,
       "what it was joined from is not all there, or has changed"},
      {page, FileFate::gone, true, true, false, "the file is no longer there"},
      {page, FileFate::changed, true, false, false, "the file was changed"},
      {page, FileFate::same, true, false, false, "it is judged otherwise now"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.why);
    auto earlier = earlier_of({one.finding});
    earlier.same_rules = one.same_rules;
    std::vector<Finding> findings;
    const Since since = compare(&earlier, findings, fate_is(one.fate), kThird);
    EXPECT_EQ(since.counts()[static_cast<std::size_t>(Change::gone)], 1U);
    ASSERT_EQ(findings.size(), one.is_remembered ? 1U : 0U);
    ASSERT_EQ(since.dropped.size(), one.is_remembered ? 0U : 1U);
    EXPECT_EQ(one.is_remembered ? since.changes[0].why : since.dropped_why[0], one.why);
    EXPECT_EQ(one.is_remembered && since.changes[0].is_news, one.is_news);
  }
}

TEST(Since, WhatIsRememberedIsGoneOnceAndThenGoneBefore) {
  const auto earlier = earlier_of({row("PL-01", "a.log", 3, kFirst)});
  std::vector<Finding> findings;
  const Since second = compare(&earlier, findings, fate_is(FileFate::gone), kThird);
  EXPECT_EQ(changes_of(second), "gone");
  EarlierSweep kept;
  kept.ended = kThird;
  kept.findings = to_keep(findings, second);
  ASSERT_EQ(kept.findings.size(), 1U);
  EXPECT_EQ(kept.findings[0].last_found, kSecond);
  findings.clear();
  const Since third =
      compare(&kept, findings, fate_is(FileFate::gone), kThird + std::chrono::hours(24));
  EXPECT_EQ(changes_of(third), "gone before");
  EXPECT_EQ(third.changes[0].last_found, kSecond);
  EXPECT_EQ(findings.size(), 1U);
}

TEST(Since, AFateIsAskedOfTheArchiveThatHeldTheLog) {
  const auto earlier = earlier_of({row("PL-01", "logs.zip!/a.log", 3, kFirst)});
  std::vector<Finding> findings;
  std::string asked;
  const auto fate = [&](std::string_view path) {
    asked = path;
    return FileFate::gone;
  };
  static_cast<void>(compare(&earlier, findings, fate, kThird));
  EXPECT_EQ(asked, "logs.zip");
}

TEST(Since, TheWorstAreRememberedWhereThereAreTooMany) {
  std::vector<Finding> many;
  for (std::size_t i = 0; i < kMaxRemembered + 5; ++i) {
    many.push_back(row("PL-01", "a.log", i + 1, kFirst + seconds(static_cast<std::int64_t>(i))));
    if (i >= 5) continue;
    many.back().tier = Tier::hunt;
  }
  const auto earlier = earlier_of(many);
  std::vector<Finding> findings;
  const Since since = compare(&earlier, findings, fate_is(FileFate::gone), kThird);
  EXPECT_EQ(findings.size(), kMaxRemembered);
  ASSERT_EQ(since.dropped.size(), 5U);
  for (const KeptFinding& dropped : since.dropped) EXPECT_EQ(dropped.finding.tier, Tier::hunt);
}

}  // namespace
}  // namespace postern::exchange
