// BuildTable: the builds of Exchange Server, when each came out and what it fixes.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::exchange {

using Day = std::chrono::sys_days;

/// "2021-03-02".
std::string to_string(Day day);
/// "2021-03-02", or "2021-09" for the first of that month.
std::optional<Day> day_of(std::string_view text);

/// A version as Windows counts: four integers, never a decimal (15.1.1913.10 is above .7).
struct BuildVersion {
  std::array<std::uint32_t, 4> part{};  ///< Major, minor, build, revision.

  auto operator<=>(const BuildVersion&) const = default;
};

/// "15.1.2176.9".
std::string to_string(const BuildVersion& version);

/// A version as it is written somewhere, which need not say the revision.
struct WrittenVersion {
  BuildVersion version;
  bool has_revision = false;

  bool operator==(const WrittenVersion&) const = default;
};

/// Reads "15.1.2176.9", "15.01.2176.009", "15.1.2176" and "Version 15.1 (Build 2176.9)". Nothing
/// where there are not three or four numbers, or one is above 99,999.
std::optional<WrittenVersion> version_of(std::string_view text);

/// What must be done besides installing an update before it fixes a hole.
enum class Prerequisite : std::uint8_t {
  none,
  extended_protection,  ///< Extended Protection is required on the virtual directories.
  schema,               ///< The schema of the directory is extended.
  prepare_all_domains,  ///< Setup /PrepareAllDomains has run.
  token_cache_off,      ///< The TokenCacheModule of IIS is off.
  windows_update,       ///< Windows has its own update of that month.
  fip_fs,               ///< OutsideIn is off in FIP-FS' configuration.
  certificate_signing,  ///< Serialised PowerShell data is signed.
};

/// One line for a person: "Extended Protection must be required". Empty for `none`.
std::string_view to_text(Prerequisite condition);

struct Fix {
  std::string cve;  ///< Or an advisory: "ADV190018".
  Prerequisite condition{};

  bool operator==(const Fix&) const = default;
};

/// One row: a release (empty `update`) or an update of one.
struct Build {
  std::string product;  ///< "2010", "2013", "2016", "2019", "SE".
  std::string cu;       ///< "RTM", "SP3", "CU23".
  std::string update;   ///< "Mar21SU", "RU32", "Apr25HU".
  BuildVersion version;
  Day released;
  bool alone = false;  ///< Holds its own fixes, not those of earlier updates of its CU.
  std::vector<Fix> fixes;
};

/// Where a version stands among the rows.
struct BuildPlace {
  enum class Kind : std::uint8_t {
    exact,            ///< `row` is this build.
    between,          ///< Its CU is known; `row` is the nearest below it, others are above.
    newer_update,     ///< Its CU is known; it is above all that the table has of it.
    newer_release,    ///< Above all that the table has of its product line.
    unknown_release,  ///< A release that the table does not have, between two that it has.
    not_exchange,     ///< Below all, or of no line of the table.
  };
  Kind kind{};
  std::size_t row = 0;  ///< Of the nearest row at or below it. Nothing for `not_exchange`.
};

/// The rows, by version. Never changes; any thread may read it.
class BuildTable {
 public:
  /// Reads packs/exchange/builds.csv's format; an error names its line.
  static Result<BuildTable> read(std::string_view csv);

  /// By version, each once.
  const std::vector<Build>& rows() const { return rows_; }

  /// O(log rows).
  BuildPlace place(const BuildVersion& version) const;

  /// True where both are of one release: 2010's service packs count their roll-ups in the third
  /// number, all others in the fourth.
  static bool same_release(const BuildVersion& one, const BuildVersion& other);

  /// The first row of the release that `row` is of.
  std::size_t release_of(std::size_t row) const;

 private:
  std::vector<Build> rows_;
};

/// The table that is built in.
const BuildTable& built_in_builds();

}  // namespace postern::exchange
