#include "exchange/patch_state.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace postern::exchange {
namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::year;

// Holes that are known to be attacked (CISA's catalogue, and the hybrid one of 2025), and the day
// of the first attack that was published; where none was, the day on which the hole was.
struct Attacked {
  std::string_view cve;
  Day since;
  std::string_view name;
};
constexpr std::array kAttacked = {
    Attacked{"CVE-2018-8581", year(2018) / month(11) / day(13), "relay of the server's account"},
    Attacked{"CVE-2020-0688", year(2020) / month(2) / day(11), "fixed validation key"},
    Attacked{"CVE-2020-17144", year(2020) / month(12) / day(8), "deserialisation"},
    Attacked{"CVE-2021-26855", year(2021) / month(1) / day(3), "ProxyLogon"},
    Attacked{"CVE-2021-26857", year(2021) / month(1) / day(3), "ProxyLogon, Unified Messaging"},
    Attacked{"CVE-2021-26858", year(2021) / month(1) / day(3), "ProxyLogon, writing files"},
    Attacked{"CVE-2021-27065", year(2021) / month(1) / day(3), "ProxyLogon, writing files"},
    Attacked{"CVE-2021-31196", year(2021) / month(7) / day(13), "remote code execution"},
    Attacked{"CVE-2021-31207", year(2021) / month(5) / day(11), "ProxyShell, writing files"},
    Attacked{"CVE-2021-33766", year(2021) / month(7) / day(13), "ProxyToken"},
    Attacked{"CVE-2021-34473", year(2021) / month(7) / day(13), "ProxyShell"},
    Attacked{"CVE-2021-34523", year(2021) / month(7) / day(13), "ProxyShell, elevation"},
    Attacked{"CVE-2021-42321", year(2021) / month(11) / day(9), "deserialisation"},
    Attacked{"CVE-2022-41040", year(2022) / month(8) / day(1), "ProxyNotShell"},
    Attacked{"CVE-2022-41080", year(2022) / month(11) / day(8), "OWASSRF"},
    Attacked{"CVE-2022-41082", year(2022) / month(8) / day(1), "ProxyNotShell"},
    Attacked{"CVE-2024-21410", year(2024) / month(2) / day(13), "relay of NTLM"},
    Attacked{"CVE-2025-53786", year(2025) / month(8) / day(6), "hybrid elevation"},
};

const Attacked* attacked(std::string_view cve) {
  const auto* const found = std::ranges::find(kAttacked, cve, &Attacked::cve);
  return found == kAttacked.end() ? nullptr : found;
}

// Rows whose fixes a later release takes over: 2010 is one line with all its service packs.
bool same_line(const BuildVersion& one, const BuildVersion& other) {
  return one.part[0] == other.part[0] && (one.part[0] == 14 || one.part[1] == other.part[1]);
}

const Fix* fix_of(const Build& row, std::string_view cve) {
  const auto found = std::ranges::find(row.fixes, cve, &Fix::cve);
  return found == row.fixes.end() ? nullptr : &*found;
}

std::string row_text(const Build& row) {
  return fmt::format("{}{}{} ({})", row.cu, row.update.empty() ? "" : " ", row.update,
                     to_string(row.version));
}

// One server against the table.
class Judge {
 public:
  Judge(const PatchFacts& facts, const BuildTable& table)
      : facts_(facts), table_(table), place_(table.place(facts.version)) {
    revision_known_ = facts.revision_known && facts.source != VersionSource::setup_registry &&
                      facts.source != VersionSource::owa_folder;
  }

  PatchState run() const {
    PatchState out;
    out.place = place_;
    if (place_.kind == BuildPlace::Kind::not_exchange) {
      out.text = fmt::format("{} is no build of Exchange 2010 to SE", to_string(facts_.version));
      return out;
    }
    const Build& row = table_.rows()[place_.row];
    out.product = "Exchange " + row.product;
    out.cu = row.cu;
    out.update = revision_known_ ? row.update : "";
    out.text = describe(row);
    for (const std::string& cve : cves_of_line()) out.cves.push_back(judge(cve));
    out.missing_updates = missing_updates();
    return out;
  }

 private:
  std::string describe(const Build& row) const {
    const std::string source = fmt::format("by {}", to_string(facts_.source));
    const std::string version = to_string(facts_.version);
    const std::string release = fmt::format("Exchange {} {}", row.product, row.cu);
    if (!revision_known_) {
      return fmt::format("{}, security update unknown ({})", release, source);
    }
    using Kind = BuildPlace::Kind;
    const std::string update = row.update.empty() ? "without updates" : row.update;
    switch (place_.kind) {
      case Kind::exact:
        return fmt::format("{} {} ({}, {})", release, update, version, source);
      case Kind::between:
        return fmt::format("{} above {} ({}, {}; this build is not in the table)", release, update,
                           version, source);
      case Kind::newer_update:
        return fmt::format("{}, newer than the table ({}, {}; the newest it has is {})", release,
                           version, source, to_string(row.version));
      case Kind::newer_release:
        return fmt::format("unknown, newer than the table ({}, {}; the newest it has is {} {})",
                           version, source, release, to_string(row.version));
      default:
        break;
    }
    return fmt::format("a release near {} that is not in the table ({}, {})", release, version,
                       source);
  }

  std::vector<std::string> cves_of_line() const {
    std::vector<std::string> out;
    for (const Build& row : table_.rows()) {
      if (!same_line(row.version, facts_.version)) continue;
      for (const Fix& fix : row.fixes) out.push_back(fix.cve);
    }
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  bool is_own(const Build& row) const {
    return BuildTable::same_release(row.version, facts_.version);
  }

  bool is_release(const Build& row) const {
    return table_.release_of(static_cast<std::size_t>(&row - table_.rows().data())) ==
           static_cast<std::size_t>(&row - table_.rows().data());
  }

  // The row of this release that first holds the fix, else the line's earliest.
  const Build& fixing_row(std::string_view cve) const {
    const Build* earliest = nullptr;
    for (const Build& row : table_.rows()) {
      if (!same_line(row.version, facts_.version) || fix_of(row, cve) == nullptr) continue;
      if (is_own(row)) return row;
      if (earliest == nullptr || row.released < earliest->released) earliest = &row;
    }
    return *earliest;  // The CVE is of this line: some row fixes it.
  }

  CvePatch judge(const std::string& cve) const {
    CvePatch out;
    out.cve = cve;
    out.known_exploited = attacked(cve) != nullptr;
    const Build& fixing = fixing_row(cve);
    out.fixed_in = row_text(fixing);
    if (is_own(fixing)) {
      judge_in_release(cve, fixing, out);
    } else {
      judge_by_release(fixing, out);
    }
    if (out.state == CveState::fixed) apply_condition(fix_of(fixing, cve)->condition, out);
    apply_configuration(out);
    add_window(fixing, out);
    return out;
  }

  // The table has an update for this very release.
  void judge_in_release(std::string_view cve, const Build& fixing, CvePatch& out) const {
    if (is_release(fixing)) {
      out.state = CveState::fixed;
      return;
    }
    if (!revision_known_) {
      out.state = CveState::unknown;
      out.note = "only the release is known, not the update that is installed";
      return;
    }
    out.state = facts_.version >= fixing.version ? CveState::fixed : CveState::exposed;
    const Build& row = table_.rows()[place_.row];
    if (out.state == CveState::fixed && row.alone && fix_of(row, cve) == nullptr) {
      out.state = CveState::exposed;
      out.note = fmt::format("{} on {} brings none of its earlier updates", row.update, row.cu);
    }
  }

  // It has none: either the release is newer than the fix, or there is no update for it.
  void judge_by_release(const Build& fixing, CvePatch& out) const {
    const Build& release = table_.rows()[table_.release_of(place_.row)];
    if (release.released > fixing.released) {
      out.state = CveState::fixed;
      out.note = fmt::format("{} holds it from the start", release.cu);
    } else if (place_.kind == BuildPlace::Kind::newer_release) {
      out.state = CveState::fixed;
      out.note = "newer than the table: a release holds the fixes of those before it";
    } else if (place_.kind == BuildPlace::Kind::unknown_release) {
      out.state = CveState::unknown;
      out.note = "the table does not have this release";
    } else {
      out.state = CveState::exposed;
      out.note = fmt::format("there is no update of {} against it", release.cu);
    }
  }

  void apply_condition(Prerequisite condition, CvePatch& out) const {
    if (condition == Prerequisite::none) return;
    const auto protection = facts_.mitigations.extended_protection;
    out.note = to_text(condition);
    if (condition != Prerequisite::extended_protection || !protection) {
      out.state = CveState::depends;
    } else if (!*protection) {
      out.state = CveState::exposed;
      out.note = "the update is there, but Extended Protection is not required everywhere";
    }
  }

  void apply_configuration(CvePatch& out) const {
    if (out.state != CveState::exposed && out.state != CveState::unknown) return;
    const Mitigations& has = facts_.mitigations;
    const bool rewritten = (out.cve == "CVE-2022-41040" && has.powershell_rewrite) ||
                           (out.cve == "CVE-2021-26855" && has.backend_cookie_rewrite);
    if (rewritten && out.state == CveState::exposed) {
      out.state = CveState::mitigated;
      out.note = "URL rewrite rules stand before it; they were evaded before, and end with them";
    }
    if (out.cve == "CVE-2021-26857" && facts_.version.part[0] == 14) {
      if (facts_.unified_messaging == false) {
        out.state = CveState::not_affected;
        out.note = "the Unified Messaging role is not installed";
      } else if (!facts_.unified_messaging) {
        out.note = "holds where the Unified Messaging role is installed, which is not known";
      }
    }
    if (out.cve == "CVE-2025-53786") {
      if (facts_.hybrid == false) {
        out.state = CveState::not_affected;
        out.note = "no trace of a hybrid configuration";
      } else if (!facts_.hybrid) {
        out.note = "holds in a hybrid configuration, which is not known";
      }
    }
  }

  void add_window(const Build& fixing, CvePatch& out) const {
    const Attacked* const hole = attacked(out.cve);
    if (hole == nullptr || out.state == CveState::not_affected) return;
    // Where it is not known whether the hole is there at all, it has no days.
    if (out.cve == "CVE-2025-53786" && !facts_.hybrid) return;
    ExposureWindow window;
    const bool came_with_release = !is_own(fixing) || is_release(fixing);
    const bool closed = out.state == CveState::fixed;
    const Build& release = table_.rows()[table_.release_of(place_.row)];
    window.from = hole->since;
    window.from_why = "first known attacks";
    if (closed && came_with_release) {
      // What stood open under an older CU, if there was one.
      if (facts_.first_installed && *facts_.first_installed > window.from) {
        window.from = *facts_.first_installed;
        window.from_why = "Exchange was installed";
      }
    } else {
      const Day here = facts_.cu_installed.value_or(release.released);
      if (here > window.from) {
        window.from = here;
        window.from_why = facts_.cu_installed ? fmt::format("{} was installed", release.cu)
                                              : fmt::format("{} came out", release.cu);
      }
    }
    window.still_open = !closed && out.state != CveState::unknown;
    if (window.still_open) {
      window.to_why = "not closed";
    } else if (closed) {
      window.to = came_with_release ? facts_.cu_installed : facts_.update_installed;
      window.to_why =
          window.to ? fmt::format("{} was installed", came_with_release ? release.cu : "this build")
                    : fmt::format("not known when it was installed; not before {}",
                                  to_string(fixing.released));
      if (window.to && *window.to <= window.from) return;
    } else {
      window.to_why = "not known whether it was closed";
    }
    out.window = std::move(window);
  }

  // Updates of this release that the installed build does not hold.
  std::vector<std::string> missing_updates() const {
    std::vector<std::string> out;
    if (!revision_known_) return out;
    const Build& installed = table_.rows()[place_.row];
    for (const Build& row : table_.rows()) {
      if (!is_own(row) || row.update.empty()) continue;
      const bool above = row.version > facts_.version;
      const bool left_out = installed.alone && row.version < installed.version;
      if (above || left_out) out.push_back(row_text(row));
    }
    return out;
  }

  const PatchFacts& facts_;
  const BuildTable& table_;
  BuildPlace place_;
  bool revision_known_;
};

}  // namespace

std::string_view to_string(VersionSource source) {
  switch (source) {
    case VersionSource::exsetup_file:
      return "the version of bin/ExSetup.exe";
    case VersionSource::front_end_hash:
      return "the hash of a file of the front end";
    case VersionSource::setup_registry:
      return "the registry";
    case VersionSource::owa_folder:
      return "the folders below owa/auth";
  }
  return "";
}

std::string_view to_string(CveState state) {
  switch (state) {
    case CveState::fixed:
      return "fixed";
    case CveState::exposed:
      return "exposed";
    case CveState::mitigated:
      return "mitigated, not patched";
    case CveState::depends:
      return "depends on configuration";
    case CveState::not_affected:
      return "not affected";
    case CveState::unknown:
      return "unknown";
  }
  return "";
}

PatchState patch_state(const PatchFacts& facts, const BuildTable& table) {
  return Judge(facts, table).run();
}

int days_of(const ExposureWindow& window, Day today) {
  const Day end = window.to.value_or(today);
  return std::max(1, static_cast<int>((end - window.from).count()));
}

std::string window_text(const ExposureWindow& window, Day today, int covered_days, bool found) {
  const int days = days_of(window, today);
  const Day end = window.to.value_or(today);
  std::string patched = "patched on a day that is not known";
  if (window.to) {
    patched = fmt::format("patched on {}", to_string(*window.to));
  } else if (window.still_open) {
    patched = "not patched";
  }
  std::string_view result = "found";
  if (!found) {
    result = covered_days >= days ? "not found" : "not found, but cannot be ruled out";
  }
  return fmt::format("{}; exploitable from {} to {} ({} {}); logs cover {} of those: compromise {}",
                     patched, to_string(window.from), to_string(end), days,
                     days == 1 ? "day" : "days", std::min(covered_days, days), result);
}

std::vector<Finding> exposure_findings(const PatchState& state, const Place& place) {
  std::vector<Finding> out;
  for (const CvePatch& cve : state.cves) {
    const bool open = cve.state == CveState::exposed || cve.state == CveState::mitigated;
    const Attacked* const hole = attacked(cve.cve);
    if (!open || hole == nullptr) continue;
    Finding finding;
    finding.rule = cve.cve == "CVE-2025-53786" ? "K-06" : "K-05";
    finding.title = fmt::format("{} ({}) is {}", cve.cve, hole->name, to_string(cve.state));
    finding.tier = Tier::exposed;
    finding.confidence = cve.note.empty() ? 90 : 70;
    finding.attack = {"T1190"};
    finding.cve = {cve.cve};
    finding.place = place;
    finding.details.push_back({"build", state.text});
    finding.details.push_back({"fixed in", cve.fixed_in});
    if (!cve.note.empty()) finding.details.push_back({"note", cve.note});
    if (cve.window) finding.details.push_back({"open since", to_string(cve.window->from)});
    out.push_back(std::move(finding));
  }
  return out;
}

}  // namespace postern::exchange
