// SweepData: what a user has imported to sweep by: hashes of Microsoft's files, signatures.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "exchange/known_good.h"
#include "host/yara.h"

namespace postern::host {

/// What is imported into a folder.
struct SweepData {
  Octets table;  ///< The octets of `known`.
  std::optional<exchange::KnownGood> known;
  std::optional<YaraRules> yara;
  std::string identity;            ///< Another one where anything of it is another.
  std::vector<std::string> notes;  ///< What could not be used, and why.
};

/// Loads what is in the folder; an empty one, or none, is no error.
SweepData load_sweep_data(const std::string& folder);

/// What an import did.
struct Imported {
  std::vector<std::string> lines;  ///< For a person: one for each file.
  std::size_t refused = 0;         ///< Files that were not taken.
};

/// Bounds of what is imported.
inline constexpr std::size_t kMaxImportOctets = 512U << 20;  ///< Unpacked, of one file.
inline constexpr std::size_t kMaxImportFiles = 10'000;

/// Takes files, or folders of files, into the folder: hashes (CSV with the columns sha256, path,
/// build_idx, with or without gzip; beside it, or given too, the builds: build_idx, build) and
/// signatures (.yar, .yara). What a file is, its content says. An error is one of the folder; a
/// file that is refused is in the lines.
Result<Imported> import_sweep_data(const std::string& folder,
                                   const std::vector<std::string>& paths);

}  // namespace postern::host
