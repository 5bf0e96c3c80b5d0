// PatchState: what a server's build says about each hole, and from when to when it stood open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/builds.h"
#include "exchange/finding.h"

namespace postern::exchange {

/// What the version was read from. Only the first two know the security update.
enum class VersionSource : std::uint8_t {
  exsetup_file,    ///< The version resource of bin\ExSetup.exe.
  front_end_hash,  ///< A file of the front end whose hash only one build has.
  setup_registry,  ///< The Setup key: the CU.
  owa_folder,      ///< A folder owa\auth\15.1.2176: the CU.
};

/// "bin\ExSetup.exe", …
std::string_view to_string(VersionSource source);

/// Workarounds that were found in force on the server.
struct Mitigations {
  bool powershell_rewrite = false;          ///< PN-04: URL rewrite against CVE-2022-41040.
  bool backend_cookie_rewrite = false;      ///< PL-M: both rules against CVE-2021-26855.
  std::optional<bool> extended_protection;  ///< Required everywhere / not; nothing: not known.
};

/// What is known of a server's version and of what its holes depend on.
struct PatchFacts {
  BuildVersion version;
  VersionSource source{};
  bool revision_known = true;  ///< False: only the CU is known, whatever `version` ends in.
  Mitigations mitigations;
  std::optional<bool> unified_messaging;  ///< The role is installed; asked of 2010 alone.
  std::optional<bool> hybrid;             ///< Traces of a hybrid configuration.
  std::optional<Day> first_installed;     ///< When Exchange came on the disk, of whatever CU.
  std::optional<Day> cu_installed;        ///< When this CU came on the disk.
  std::optional<Day> update_installed;    ///< When this build came on the disk.
};

enum class CveState : std::uint8_t {
  fixed,         ///< The build holds the fix.
  exposed,       ///< It does not.
  mitigated,     ///< It does not, but a workaround is in force: mitigated, not patched.
  depends,       ///< It holds the fix, which needs a setting that is not known to be made.
  not_affected,  ///< What it is a hole of is known not to be on this server.
  unknown,       ///< What is known of the version does not say.
};

/// "fixed", "exposed", "mitigated, not patched", "depends on configuration", "not affected",
/// "unknown".
std::string_view to_string(CveState state);

/// When a hole stood open here.
struct ExposureWindow {
  Day from;
  std::optional<Day> to;  ///< The day it was closed; nothing: open still, or not known.
  bool still_open = false;
  std::string from_why, to_why;
};

struct CvePatch {
  std::string cve;
  CveState state{};
  std::string fixed_in;          ///< "CU19 Mar21SU (15.1.2176.9)"; the update for this release.
  std::string note;              ///< A sentence on why, where the state alone does not say.
  bool known_exploited = false;  ///< Attacks with it are publicly known.
  std::optional<ExposureWindow> window;  ///< Of holes known to be attacked.
};

struct PatchState {
  BuildPlace place;
  std::string product;     ///< "Exchange 2016"; empty where nothing is known.
  std::string cu, update;  ///< Of the row it stands at or above.
  std::string text;        ///< One line: "Exchange 2016 CU19 Mar21SU (15.1.2176.9), by …".
  std::vector<CvePatch> cves;
  std::vector<std::string> missing_updates;  ///< Updates of this CU that this build lacks.
};

/// O(rows × fixes).
PatchState patch_state(const PatchFacts& facts, const BuildTable& table);

/// The sentence of a window: "patched on D; exploitable from F to D (n days); logs cover m of those
/// n days: compromise found | not found but cannot be ruled out". `today` ends a window that is
/// open; `covered_days` is how many of its days the logs cover.
std::string window_text(const ExposureWindow& window, Day today, int covered_days, bool found);

/// The days of a window, both its ends counted as one: at least 1.
int days_of(const ExposureWindow& window, Day today);

/// K-05 and K-06 and their like: one finding for each hole that is known to be attacked and stands
/// open. `place` is of what said the version.
std::vector<Finding> exposure_findings(const PatchState& state, const Place& place);

}  // namespace postern::exchange
