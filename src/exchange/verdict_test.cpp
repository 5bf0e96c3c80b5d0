#include "exchange/verdict.h"

#include <gtest/gtest.h>

namespace postern::exchange {
namespace {

using std::chrono::days;

const Day kToday = std::chrono::year(2021) / 3 / 31;
const Day kOpen = std::chrono::year(2021) / 1 / 3;
const Day kPatched = std::chrono::year(2021) / 3 / 9;

Finding found(std::string_view rule, Tier tier, int confidence, std::string_view actor = "",
              int day = 0) {
  Finding finding;
  finding.rule = rule;
  finding.title = "what " + finding.rule + " says";
  finding.tier = tier;
  finding.confidence = confidence;
  finding.actor = actor;
  if (day > 0) finding.at = WallTime(kOpen + days(day));
  finding.place = {.path = "log of " + finding.rule, .line = 7};
  return finding;
}

/// A server that stood open from kOpen to kPatched, all of whose files and days were there.
class Server {
 public:
  Server() {
    patch.text = "Exchange 2016 CU19 Mar21SU";
    for (const char* cve : {"CVE-2021-26855", "CVE-2021-27065"}) {
      CvePatch& hole = patch.cves.emplace_back();
      hole.cve = cve;
      hole.state = CveState::fixed;
      hole.window.emplace();
      hole.window->from = kOpen;
      hole.window->to = kPatched;
    }
    cover(kOpen, kPatched);
  }

  void cover(Day from, Day to) {
    for (Day day = from; day < to; day += days(1)) {
      for (int hour = 0; hour < 24; ++hour) {
        logs.of("HttpProxy").add(WallTime(day) + std::chrono::hours(hour));
      }
    }
  }
  Verdict verdict() const {
    return judge({.findings = findings,
                  .patch = has_version ? &patch : nullptr,
                  .coverage = &logs,
                  .skipped = skipped,
                  .not_examined = not_examined,
                  .files = files,
                  .rows = rows,
                  .unread_rows = unread_rows,
                  .today = kToday});
  }

  std::vector<Finding> findings;
  PatchState patch;
  LogCoverage logs;
  std::vector<SkippedTest> skipped;
  bool has_version = true;
  std::uint64_t not_examined = 0, files = 1000, rows = 1000, unread_rows = 10;
};

TEST(Verdict, NothingFoundWithAllThereToBeRead) {
  const Verdict verdict = Server().verdict();
  EXPECT_EQ(verdict.outcome, Outcome::no_evidence);
  EXPECT_TRUE(verdict.gaps.empty());
  ASSERT_EQ(verdict.windows.size(), 1U);  // Both holes stood open over the same days.
  EXPECT_EQ(verdict.windows[0].cves.size(), 2U);
  EXPECT_EQ(
      verdict.windows[0].text,
      "patched on 2021-03-09; exploitable from 2021-01-03 to 2021-03-09 (65 days); logs cover "
      "65 of those: compromise not found");
}

TEST(Verdict, SilenceIsNoAllClear) {
  struct Case {
    const char* what;
    void (*spoil)(Server&);
    const char* gap;
  };
  const Case cases[] = {
      {"rotated logs",
       [](Server& server) {
         server.logs = {};
         server.cover(kOpen + days(30), kPatched);
       },
       "On 30 days on which holes stood open that are known to be attacked (CVE-2021-26855, "
       "CVE-2021-27065) there are no web logs: 2021-01-03 to 2021-02-01."},
      {"no logs", [](Server& server) { server.logs = {}; },
       "There are no logs of IIS or HttpProxy"},
      {"logs of other kinds",
       [](Server& server) {
         server.logs = {};
         server.logs.of("ECP").add(WallTime(kOpen));
       },
       "There are no logs of IIS or HttpProxy"},
      {"hours gone",
       [](Server& server) {
         server.logs = {};
         for (Day day = kOpen; day < kPatched; day += days(1)) {
           for (int hour = 0; hour < 24; ++hour) {
             if (day == kOpen + days(9) && hour > 3 && hour < 9) continue;
             server.logs.of("IIS").add(WallTime(day) + std::chrono::hours(hour));
           }
         }
       },
       "5 hours of the IIS log are missing against the server's own rhythm, the first from "
       "2021-01-12 04:00 UTC."},
      {"no version", [](Server& server) { server.has_version = false; },
       "The version of Exchange was not found"},
      {"only logs", [](Server& server) { server.files = 0; }, "No files of the server"},
      {"a test that was skipped",
       [](Server& server) { server.skipped.push_back({"PL-09", "there is no Application log"}); },
       "Not tested: PL-09: there is no Application log."},
      {"unread files", [](Server& server) { server.not_examined = 1; },
       "1 file could not be examined"},
      {"unread lines, more than some", [](Server& server) { server.unread_rows = 11; },
       "11 lines of logs could not be read"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.what);
    Server server;
    each.spoil(server);
    const Verdict verdict = server.verdict();
    EXPECT_EQ(verdict.outcome, Outcome::cannot_be_ruled_out);
    ASSERT_EQ(verdict.gaps.size(), 1U);
    EXPECT_TRUE(verdict.gaps[0].starts_with(each.gap)) << verdict.gaps[0];
  }
}

TEST(Verdict, AnAttemptIsNoBreakIn) {
  Server server;
  server.findings = {found("PL-02", Tier::attempt, 70, "192.0.2.1", 3),
                     found("PL-03", Tier::probe, 50, "192.0.2.2", 1)};
  EXPECT_EQ(server.verdict().outcome, Outcome::attempted);
  EXPECT_EQ(server.verdict().headline, "Attacked, and no attack is seen to have succeeded.");
  server.files = 0;
  EXPECT_EQ(server.verdict().outcome, Outcome::attempted);
  EXPECT_TRUE(server.verdict().headline.ends_with("but that cannot be ruled out."));
  // Who only looks attacks nobody.
  server.findings.erase(server.findings.begin());
  server.files = 10;
  EXPECT_EQ(server.verdict().outcome, Outcome::no_evidence);
}

TEST(Verdict, ProofIsOneThatIsSureOrTwoThatAgree) {
  Server server;
  server.findings = {found("PL-01", Tier::exploited, 90, "192.0.2.1", 3)};
  EXPECT_EQ(server.verdict().outcome, Outcome::compromised);
  EXPECT_EQ(server.verdict().headline,
            "Compromised, first seen 2021-01-06 00:00 UTC, by 192.0.2.1: what PL-01 says.");
  server.findings[0].confidence = 70;
  EXPECT_EQ(server.verdict().outcome, Outcome::attempted);
  server.findings.push_back(found("PL-01", Tier::exploited, 70, "192.0.2.1", 4));
  EXPECT_EQ(server.verdict().outcome, Outcome::attempted)
      << "the same rule again agrees with itself";
  server.findings.push_back(found("PL-18", Tier::exploited, 60, "192.0.2.9", 4));
  EXPECT_EQ(server.verdict().outcome, Outcome::attempted) << "another's doing";
  server.findings.push_back(found("PS-01", Tier::exploited, 60, "192.0.2.1", 5));
  EXPECT_EQ(server.verdict().outcome, Outcome::compromised);

  // Two looks at one file.
  server.findings = {found("F-06", Tier::exploited, 60), found("yara:x", Tier::exploited, 65)};
  for (Finding& finding : server.findings) finding.place = {.path = "owa/auth/x.aspx"};
  EXPECT_EQ(server.verdict().outcome, Outcome::compromised);
  server.findings[1].place.path = "owa/auth/y.aspx";
  EXPECT_EQ(server.verdict().outcome, Outcome::cannot_be_ruled_out);
}

TEST(Verdict, AnActorsStory) {
  Server server;
  server.findings = {found("PL-08", Tier::exploited, 99, "192.0.2.1", 9),
                     found("PL-07", Tier::exploited, 95, "192.0.2.1", 8),
                     found("PL-01", Tier::exploited, 90, "192.0.2.7", 1),
                     found("PL-02", Tier::attempt, 70, "192.0.2.3", 2)};
  server.findings[0].details = {{"stage", "6"}, {"stage", "x"}};
  server.findings[1].details = {{"octets", "123456789"}, {"mailbox", "a@x"}, {"mailbox", "b@x"}};
  const Verdict verdict = server.verdict();
  ASSERT_EQ(verdict.actors.size(), 3U);
  const Actor& worst = verdict.actors[0];
  EXPECT_EQ(worst.name, "192.0.2.1");
  EXPECT_EQ(worst.stage, 6);
  EXPECT_EQ(worst.bytes_out, 123456789U);
  EXPECT_EQ(worst.findings, (std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(verdict.actors[2].tier, Tier::attempt);
  const std::string story =
      "192.0.2.1, from 2021-01-11 00:00 UTC to 2021-01-12 00:00 UTC: wrote a web shell (stage 6 of "
      "7); was sent 123.5 MB; read 2 mailboxes.";
  const std::vector<std::string> want = {
      "3 findings prove it.", story,
      "192.0.2.7, from 2021-01-04 00:00 UTC to 2021-01-04 00:00 UTC: 1 finding.",
      "1 attempt to break in.", "It is Exchange 2016 CU19 Mar21SU."};
  EXPECT_EQ(verdict.because, want);
}

TEST(Verdict, AHostileActorIsShownHarmlessly) {
  Server server;
  server.findings = {found("PL-01", Tier::exploited, 90, "\x1b[31m<b>", 3)};
  EXPECT_NE(server.verdict().headline.find("by \\x1b[31m<b>"), std::string::npos);
}

TEST(Timeline, ByTimeThenAsGiven) {
  const std::vector<Finding> findings = {
      found("a", Tier::hunt, 1), found("b", Tier::hunt, 1, "", 5), found("c", Tier::hunt, 1, "", 2),
      found("d", Tier::hunt, 1), found("e", Tier::hunt, 1, "", 2)};
  EXPECT_EQ(timeline(findings), (std::vector<std::size_t>{2, 4, 1, 0, 3}));
}

}  // namespace
}  // namespace postern::exchange
