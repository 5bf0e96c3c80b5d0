// Report: all that a sweep has to say, and the forms it is said in. Text of a swept server goes
// through safe_text.h wherever it is shown.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "exchange/finding.h"
#include "exchange/indicator_lint.h"
#include "exchange/log_coverage.h"
#include "exchange/patch_state.h"
#include "exchange/since.h"
#include "exchange/verdict.h"

namespace postern::exchange {

/// A log that was read.
struct ReadLog {
  std::string path, kind;
  std::uint64_t rows = 0;
  std::uint64_t unread = 0;  ///< Lines or records.
  /// Why the first ones were not: "line 7: 3 columns where the header has 12".
  std::vector<std::string> first_unread;
};

/// Something that was not looked at.
struct LeftOut {
  std::string path, reason, text;
};

struct ServerReport {
  std::string root;     ///< The swept folder.
  std::string name;     ///< Of the swept folder, or what its logs call it.
  std::string path;     ///< Beneath which root it lies.
  std::string version;  ///< "15.1.2176.9"; empty where none was found.
  std::optional<PatchState> patch;
  LogCoverage coverage;
  std::vector<Finding> findings;
  std::vector<SkippedTest> skipped;
  std::vector<ReadLog> logs;
  Verdict verdict;
  std::optional<Since> since;  ///< Against the sweep before, where that was asked for.
};

struct Report {
  std::string case_id;  ///< Of this sweep; goes with each indicator that comes of it.
  std::string program;  ///< "postern 0.1.0".
  WallTime began{}, ended{};
  std::vector<std::string> roots;
  bool complete = true;  ///< False: it was interrupted, or something stopped it short.
  std::uint64_t files = 0, files_unchanged = 0, octets = 0;
  std::vector<ServerReport> servers;
  std::vector<LeftOut> left_out;
  std::uint64_t left_out_count = 0;              ///< All, those that are not named included.
  std::vector<std::string> rules_not_supported;  ///< "Sigma ID: why".
  std::vector<RootChanges> changed_files;        ///< Where it was asked for.
};

/// The worst of its servers'.
Outcome outcome_of(const Report& report);

/// What became of a finding since the sweep before; nullptr where nobody asked.
const FindingChange* change_of(const ServerReport& server, std::size_t finding);

/// What the command ends with: 0 no findings of tier attempt or exploited, 1 some, 2 not complete,
/// or nothing that is an Exchange server. Against a sweep before, only those count that are
/// news (FindingChange).
int exit_code_of(const Report& report);

/// For a terminal: the verdict first, then what it rests on. `colour`: ANSI colours.
std::string to_text(const Report& report, bool colour);

/// One JSON object, with everything. docs/operating/sweep.md names its fields.
std::string to_json(const Report& report);

/// A row for each finding: server, time, tier, confidence, rule, title, actor, path, line, record,
/// ATT&CK, CVE, details, author, what became of it since the sweep before, and why.
std::string to_csv(const Report& report);

/// One page that needs nothing else: no scripts, no other files, and a policy that forbids both.
std::string to_html(const Report& report);

/// What of the report others can use as indicators.
struct PublishPlan {
  int min_confidence = kProof;
  /// Addresses of intruders are rented, and somebody else's soon.
  int address_days = 90, address_confidence = 50;
  int name_days = 365, name_confidence = 75;
  bool with_hashes = true;  ///< Of files; not for a resolver's feed.
  OwnThings own;
  const KnownGood* known = nullptr;
};

/// What came of the lint.
struct PublishCounts {
  std::size_t told = 0;
  std::array<std::size_t, kRefusals> refused{};  ///< By Refusal; each thing once.
};
PublishCounts count_indicators(const Report& report, const PublishPlan& plan);
/// "2 indicators; left out: 1 one's own, 3 a site of everybody's".
std::string to_text(const PublishCounts& counts);

/// What a resolver can call the feed of a case, so that all it says of its rules names the case:
/// "EX/2021 17" is "ex-2021-17".
std::string feed_name_of(std::string_view case_id);

/// A STIX 2.1 bundle: addresses and names of what was proved, with confidence, end and the case,
/// hashes of files that were found, and a report object that names them all. Ids are those of the
/// same content at each call. What no indicator may be (IndicatorLint) is left out.
std::string to_stix(const Report& report, const PublishPlan& plan = {});

}  // namespace postern::exchange
