// KnownGood: SHA-256 of files that Microsoft shipped, and where in which builds they stand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "exchange/builds.h"

namespace postern::exchange {

using Sha256 = std::array<std::uint8_t, 32>;

/// 64 hexadecimal digits, either case.
std::optional<Sha256> sha256_of(std::string_view text);
/// In lower case.
std::string to_string(const Sha256& hash);

/// How the table writes a path beneath the installation folder: lower case, '/' between parts, a
/// part that is a version ("15.1.2176") as "version".
std::string normal_path(std::string_view path);

/// The table, read where it lies: mapped or in memory. What it is made from is KnownGoodBuilder's.
/// Any thread may read it.
class KnownGood {
 public:
  /// One place at which a file with the hash stands.
  struct Match {
    std::string_view path;  ///< Normal, as the table has it; lives as long as the octets.
    std::vector<BuildVersion> builds;
  };

  /// The octets must live as long as the table. Everything in them is checked here, once, so that
  /// no look-up can leave them. `corrupt` where they are no table, or a damaged one.
  static Result<KnownGood> open(OctetView octets);

  std::size_t hash_count() const { return hash_count_; }
  std::size_t build_count() const { return builds_.size(); }

  /// True where any build has a file with this hash. O(log hashes).
  bool has(const Sha256& hash) const { return index_of(hash).has_value(); }
  /// Where, and in which builds; empty where nowhere.
  std::vector<Match> find(const Sha256& hash) const;
  /// True where any build has a file of this name, whatever its folder and case.
  bool has_name(std::string_view file_name) const;
  /// True where any build has a file at this normal path. Some builds are known without the folder
  /// ClientAccess in front.
  bool has_path(std::string_view path) const;
  /// True where files of that build are in the table: of its front end, or of the rest.
  bool covers(const BuildVersion& build, bool front_end) const;
  /// Names of web pages (.aspx and its like), normal, each once.
  const std::vector<std::string_view>& page_names() const { return page_names_; }

 private:
  struct BuildEntry {
    BuildVersion version;
    bool has_front_end = false;
  };

  std::optional<std::size_t> index_of(const Sha256& hash) const;
  std::string_view path(std::size_t at) const;
  std::uint32_t word(std::size_t section, std::size_t at) const {
    return load_u32(&octets_[section + 4 * at]);
  }

  OctetView octets_;
  std::vector<BuildEntry> builds_;
  std::vector<std::string_view> page_names_;
  std::size_t hash_count_ = 0, entry_count_ = 0, path_count_ = 0, set_count_ = 0, set_octets_ = 0;
  // Where the sections begin.
  std::size_t sets_ = 0, hashes_ = 0, first_entry_ = 0, entries_ = 0, path_offsets_ = 0, text_ = 0;
};

/// Makes the table from two CSV texts: builds (columns build_idx, build) and files (columns sha256,
/// path, build_idx: numbers of builds with blanks between).
class KnownGoodBuilder {
 public:
  static constexpr std::size_t kMaxFiles = 4'000'000;  ///< Rows; a bound on memory.
  static constexpr std::size_t kMaxBuilds = 4'096;

  /// Must come first. An error names its line.
  Result<void> add_builds(std::string_view csv);
  /// A row that is none is skipped and counted.
  Result<void> add_files(std::string_view csv);

  std::size_t files() const { return files_.size(); }
  std::size_t skipped() const { return skipped_; }

  /// The table's octets. Needs a build and a file.
  Result<Octets> finish();

 private:
  struct File {
    Sha256 hash;
    std::uint32_t path, set;

    auto operator<=>(const File&) const = default;
  };

  bool add_file(std::string_view line);
  std::optional<std::uint32_t> set_of(std::string_view text);
  Octets packed_sets() const;

  std::map<std::uint32_t, BuildVersion> builds_;  // By the number that the texts give them.
  std::vector<File> files_;
  std::unordered_map<std::string, std::uint32_t> paths_;
  std::unordered_map<std::string, std::uint32_t> sets_;  // The numbers as they are written.
  std::size_t skipped_ = 0;
};

/// True for extensions that IIS may execute: "aspx", "ashx", … Any case, without the dot.
bool is_page_extension(std::string_view extension);

/// The last part of a path, and what stands behind the last dot of a name.
std::string_view file_name_of(std::string_view path);
std::string_view extension_of(std::string_view name);

/// ASCII letters alone.
std::string lower(std::string_view text);

}  // namespace postern::exchange
