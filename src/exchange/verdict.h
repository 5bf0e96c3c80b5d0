// The verdict on one server: what the evidence says, how far the logs reach, and when it stood
// open.
//
// Start at judge. "Patched" is no verdict, and silence is none where nothing could have spoken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/finding.h"
#include "exchange/log_coverage.h"
#include "exchange/patch_state.h"

namespace postern::exchange {

// Details of a finding that the verdict reads; all else is for people.
inline constexpr std::string_view kStageDetail = "stage";      ///< 1 to 7: how far the chain got.
inline constexpr std::string_view kBytesDetail = "octets";     ///< That an intruder was sent.
inline constexpr std::string_view kMailboxDetail = "mailbox";  ///< One that was read; may be many.
// And what becomes an indicator for others.
inline constexpr std::string_view kDomainDetail = "domain";    ///< A name that an intruder uses.
inline constexpr std::string_view kAddressDetail = "address";  ///< Likewise; beside the actor.
inline constexpr std::string_view kHashDetail = "sha256";      ///< Of a file that was found.

enum class Outcome : std::uint8_t {
  no_evidence,          ///< Nothing, and everything that would show it was there to be read.
  cannot_be_ruled_out,  ///< Nothing that proves it; but days, logs or tests are missing.
  attempted,            ///< Attacks, of which none is seen to have succeeded.
  compromised,
};

/// "no evidence", "cannot be ruled out", "attempted", "compromised".
std::string_view to_string(Outcome outcome);

/// A test that could not be made, and why.
struct SkippedTest {
  std::string test;  ///< "PL-09 (Unified Messaging)".
  std::string why;

  bool operator==(const SkippedTest&) const = default;
};

/// What was looked at on one server.
struct Evidence {
  std::span<const Finding> findings;
  const PatchState* patch = nullptr;  ///< Null: no version was found.
  const LogCoverage* coverage = nullptr;
  std::span<const SkippedTest> skipped;
  std::uint64_t not_examined = 0;  ///< Files.
  std::uint64_t files = 0;         ///< That were looked at, logs aside.
  std::uint64_t rows = 0;          ///< Of logs,
  std::uint64_t unread_rows = 0;   ///< and lines that were no whole rows.
  Day today{};
};

/// What one address or account did.
struct Actor {
  std::string name;
  Tier tier{};
  int confidence = 0;  ///< The highest in that tier.
  int stage = 0;       ///< Of the chain; 0 where there is none.
  std::optional<WallTime> first, last;
  std::uint64_t bytes_out = 0;
  std::set<std::string> mailboxes;    ///< At most kMaxMailboxes.
  std::vector<std::size_t> findings;  ///< Numbers, by time.
};
inline constexpr std::size_t kMaxMailboxes = 10'000;

/// Holes that stood open over the same days, and how many of these the logs cover.
struct OpenWindow {
  std::vector<std::string> cves;
  ExposureWindow window;
  std::vector<Day> days_without_logs;
  std::string text;  ///< window_text.
};

struct Verdict {
  Outcome outcome{};
  std::string headline;              ///< One sentence.
  std::vector<std::string> because;  ///< Sentences: what it rests on.
  std::vector<std::string> gaps;     ///< Sentences: what could not speak. Empty: full coverage.
  std::vector<OpenWindow> windows;
  std::vector<Actor> actors;  ///< The worst first.
};

/// A line in so many that is torn or cut is what copied logs are like; more are a gap.
inline constexpr std::uint64_t kUsualUnread = 100;

/// Of a finding alone, or of two different rules that agree on an actor or a place.
inline constexpr int kProof = 75, kSupported = 60;

/// O(findings log findings).
Verdict judge(const Evidence& evidence);

/// The numbers of the findings by time; those without one last, in their order.
std::vector<std::size_t> timeline(std::span<const Finding> findings);

}  // namespace postern::exchange
