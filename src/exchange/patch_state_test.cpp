#include "exchange/patch_state.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace postern::exchange {
namespace {

PatchFacts facts_of(std::string_view version) {
  PatchFacts facts;
  facts.version = version_of(version).value().version;
  return facts;
}

PatchState state_of(const PatchFacts& facts) {
  return patch_state(facts, built_in_builds());
}

const CvePatch* find(const PatchState& state, std::string_view cve) {
  const auto found = std::ranges::find(state.cves, cve, &CvePatch::cve);
  return found == state.cves.end() ? nullptr : &*found;
}

std::string state_text(std::string_view version, std::string_view cve) {
  const PatchState state = state_of(facts_of(version));
  const CvePatch* const found = find(state, cve);
  return found == nullptr ? "not listed" : std::string(to_string(found->state));
}

TEST(PatchState, EachCveIsJudgedWithinItsCu) {
  const struct {
    std::string version, cve, want;
  } cases[] = {
      // An old CU with the update stands numerically below a newer one without it.
      {"15.1.1415.8", "CVE-2021-26855", "fixed"},
      {"15.1.2176.2", "CVE-2021-26855", "exposed"},
      {"15.1.2176.9", "CVE-2021-26855", "fixed"},
      {"15.1.1034.26", "CVE-2021-26855", "exposed"},
      {"15.1.2242.4", "CVE-2021-26855", "fixed"},
      {"15.2.858.5", "CVE-2021-27065", "fixed"},
      {"15.2.792.5", "CVE-2021-27065", "exposed"},
      {"15.2.221.18", "CVE-2021-27065", "fixed"},
      {"15.0.847.64", "CVE-2021-26857", "fixed"},
      {"15.0.847.32", "CVE-2021-26857", "exposed"},
      {"15.0.1497.12", "CVE-2021-26855", "fixed"},
      {"15.0.1497.12", "CVE-2021-34473", "exposed"},
      {"15.1.1913.7", "CVE-2020-0903", "exposed"},
      {"15.1.1913.10", "CVE-2020-0903", "fixed"},
      {"15.1.2375.17", "CVE-2021-42321", "fixed"},
      {"15.1.2308.15", "CVE-2021-42321", "exposed"},
      {"15.1.2507.6", "CVE-2021-42321", "fixed"},
      {"15.0.1497.48", "CVE-2021-42321", "not listed"},
      // The subscription edition goes on from 2019.
      {"15.2.2562.17", "CVE-2021-26855", "fixed"},
      {"15.2.2562.17", "CVE-2025-33051", "exposed"},
      {"15.2.2562.20", "CVE-2025-33051", "fixed"},
      {"15.2.3000.1", "CVE-2021-26855", "fixed"},
      {"15.2.1748.10", "CVE-2024-49040", "fixed"},
      {"15.2.1748.10", "CVE-2025-53786", "exposed"},
      // 2010 has one of the four, and counts its roll-ups in the third number.
      {"14.3.513.0", "CVE-2021-26857", "fixed"},
      {"14.3.509.0", "CVE-2021-26857", "exposed"},
      {"14.2.390.3", "CVE-2021-26857", "exposed"},
      {"14.3.513.0", "CVE-2021-26855", "not listed"},
      {"14.3.496.0", "CVE-2020-0688", "fixed"},
      {"14.3.468.0", "CVE-2020-0688", "exposed"},
      // What needs a setting besides.
      {"15.1.2507.12", "CVE-2022-24477", "depends on configuration"},
      {"15.1.2507.9", "CVE-2022-24477", "exposed"},
      {"15.2.1544.4", "CVE-2024-21410", "depends on configuration"},
      {"15.1.2507.31", "CVE-2023-21709", "depends on configuration"},
      {"15.2.1748.10", "CVE-2023-21709", "depends on configuration"},
      {"15.0.1497.23", "CVE-2021-34470", "depends on configuration"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.version + " " + c.cve);
    EXPECT_EQ(state_text(c.version, c.cve), c.want);
  }
}

TEST(PatchState, TheMarchUpdateOnAnOldCuLeavesOutTheEarlierOnes) {
  const PatchState state = state_of(facts_of("15.1.1913.12"));
  EXPECT_EQ(find(state, "CVE-2021-26855")->state, CveState::fixed);
  EXPECT_EQ(find(state, "CVE-2020-0688")->state, CveState::exposed);
  EXPECT_EQ(find(state, "CVE-2020-0903")->state, CveState::exposed);
  EXPECT_EQ(find(state, "CVE-2019-1373")->state, CveState::fixed);  // CU15 holds it from the start.
  EXPECT_EQ(state.missing_updates, (std::vector<std::string>{"CU15 Feb20SU (15.1.1913.7)",
                                                             "CU15 Mar20SU (15.1.1913.10)"}));
  EXPECT_TRUE(state_of(facts_of("15.0.1497.48")).missing_updates.empty());
  // On a CU that was supported then it was an update like any.
  EXPECT_EQ(state_text("15.1.2176.9", "CVE-2021-24085"), "fixed");
}

TEST(PatchState, WhatIsInTheReleaseItselfStaysThoughAnUpdateStandsAlone) {
  EXPECT_EQ(state_text("15.1.1713.10", "CVE-2019-0686"), "fixed");
  EXPECT_EQ(state_text("15.1.1713.10", "CVE-2019-0858"), "exposed");
}

TEST(PatchState, ASourceThatKnowsOnlyTheCuDoesNotSayWhichUpdate) {
  PatchFacts facts = facts_of("15.1.2176.2");
  facts.source = VersionSource::setup_registry;
  const PatchState state = state_of(facts);
  EXPECT_EQ(find(state, "CVE-2021-26855")->state, CveState::unknown);
  EXPECT_EQ(find(state, "CVE-2020-0688")->state, CveState::fixed);
  EXPECT_EQ(find(state, "CVE-2022-41040")->state, CveState::exposed);  // No update of CU19 has it.
  EXPECT_EQ(state.text, "Exchange 2016 CU19, security update unknown (by the registry)");
  EXPECT_TRUE(state.missing_updates.empty());
}

TEST(PatchState, WorkaroundsMitigateAndDoNotPatch) {
  PatchFacts facts = facts_of("15.1.2176.2");
  facts.mitigations.backend_cookie_rewrite = true;
  facts.mitigations.powershell_rewrite = true;
  const PatchState open = state_of(facts);
  EXPECT_EQ(find(open, "CVE-2021-26855")->state, CveState::mitigated);
  EXPECT_EQ(find(open, "CVE-2021-27065")->state, CveState::exposed);
  EXPECT_EQ(find(open, "CVE-2022-41040")->state, CveState::mitigated);
  EXPECT_EQ(find(open, "CVE-2022-41080")->state, CveState::exposed);
  facts.version = version_of("15.1.2507.16").value().version;
  EXPECT_EQ(find(state_of(facts), "CVE-2022-41040")->state, CveState::fixed);
}

TEST(PatchState, ExtendedProtectionDecidesWhereItIsKnown) {
  PatchFacts facts = facts_of("15.2.1544.4");
  facts.mitigations.extended_protection = true;
  EXPECT_EQ(find(state_of(facts), "CVE-2024-21410")->state, CveState::fixed);
  facts.mitigations.extended_protection = false;
  EXPECT_EQ(find(state_of(facts), "CVE-2024-21410")->state, CveState::exposed);
}

TEST(PatchState, RolesThatAreNotThereHaveNoHoles) {
  PatchFacts facts = facts_of("14.3.509.0");
  EXPECT_EQ(find(state_of(facts), "CVE-2021-26857")->state, CveState::exposed);
  facts.unified_messaging = false;
  EXPECT_EQ(find(state_of(facts), "CVE-2021-26857")->state, CveState::not_affected);
  PatchFacts hybrid = facts_of("15.2.1748.10");
  hybrid.hybrid = false;
  EXPECT_EQ(find(state_of(hybrid), "CVE-2025-53786")->state, CveState::not_affected);
}

TEST(PatchState, ABuildThatTheTableDoesNotHaveIsSaidToBeSo) {
  EXPECT_EQ(state_of(facts_of("15.2.3000.1")).text,
            "unknown, newer than the table (15.2.3000.1, by the version of bin/ExSetup.exe; the "
            "newest it has is Exchange SE RTM 15.2.2562.37)");
  EXPECT_EQ(state_of(facts_of("8.3.83.6")).text, "8.3.83.6 is no build of Exchange 2010 to SE");
  EXPECT_TRUE(state_of(facts_of("8.3.83.6")).cves.empty());
}

TEST(ExposureWindow, GoesFromTheFirstAttacksOrTheInstallationToThePatch) {
  PatchFacts facts = facts_of("15.1.2176.9");
  facts.cu_installed = day_of("2020-12-20");
  facts.update_installed = day_of("2021-03-10");
  const PatchState state = state_of(facts);
  const auto& window = find(state, "CVE-2021-26855")->window;
  ASSERT_TRUE(window.has_value());
  EXPECT_EQ(window->from, day_of("2021-01-03"));
  EXPECT_EQ(window->to, day_of("2021-03-10"));
  const Day today = day_of("2021-04-01").value();
  EXPECT_EQ(window_text(*window, today, 30, false),
            "patched on 2021-03-10; exploitable from 2021-01-03 to 2021-03-10 (66 days); logs "
            "cover 30 of those: compromise not found, but cannot be ruled out");
  EXPECT_EQ(window_text(*window, today, 66, false),
            "patched on 2021-03-10; exploitable from 2021-01-03 to 2021-03-10 (66 days); logs "
            "cover 66 of those: compromise not found");
  EXPECT_EQ(window_text(*window, today, 10, true),
            "patched on 2021-03-10; exploitable from 2021-01-03 to 2021-03-10 (66 days); logs "
            "cover 10 of those: compromise found");

  facts.cu_installed = day_of("2021-02-01");
  EXPECT_EQ(find(state_of(facts), "CVE-2021-26855")->window->from, day_of("2021-02-01"));
  facts.update_installed.reset();
  EXPECT_EQ(find(state_of(facts), "CVE-2021-26855")->window->to_why,
            "not known when it was installed; not before 2021-03-02");
}

TEST(ExposureWindow, StaysOpenWhereNothingClosesIt) {
  const PatchState state = state_of(facts_of("15.1.2176.2"));
  const auto& window = find(state, "CVE-2021-26855")->window;
  ASSERT_TRUE(window.has_value());
  EXPECT_TRUE(window->still_open);
  EXPECT_EQ(window_text(*window, day_of("2021-01-10").value(), 0, false),
            "not patched; exploitable from 2021-01-03 to 2021-01-10 (7 days); logs cover 0 of "
            "those: compromise not found, but cannot be ruled out");
}

TEST(ExposureWindow, IsNoneWhereTheReleaseCameBeforeTheAttacks) {
  PatchFacts facts = facts_of("15.2.1748.10");
  facts.cu_installed = day_of("2020-12-31");  // A clock that is wrong, but before all the same.
  EXPECT_FALSE(find(state_of(facts), "CVE-2021-26855")->window.has_value());
}

TEST(ExposureFindings, NameWhatIsAttackedAndOpen) {
  const PatchState state = state_of(facts_of("15.1.2176.2"));
  const auto findings = exposure_findings(state, Place{.path = "bin/ExSetup.exe"});
  const auto proxylogon = std::ranges::find_if(
      findings, [](const Finding& f) { return f.cve.front() == "CVE-2021-26855"; });
  ASSERT_NE(proxylogon, findings.end());
  EXPECT_EQ(proxylogon->rule, "K-05");
  EXPECT_EQ(proxylogon->tier, Tier::exposed);
  EXPECT_EQ(proxylogon->place.path, "bin/ExSetup.exe");
  EXPECT_TRUE(std::ranges::none_of(
      findings, [](const Finding& f) { return f.cve.front() == "CVE-2020-0688"; }));
  EXPECT_TRUE(exposure_findings(state_of(facts_of("15.2.2562.37")), {}).empty());
}

}  // namespace
}  // namespace postern::exchange
