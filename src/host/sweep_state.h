// SweepState: what is known of each file since the last sweep, so that one that did not change is
// not read again. One SQLite database, never beneath what is swept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "files/metadata.h"
#include "host/finding_octets.h"
#include "sqlite/sqlite.h"

namespace postern::host {

/// What a file was when it was looked at.
struct FileKey {
  std::string_view path;  ///< With what tells the swept root in front.
  files::Metadata metadata;
};

/// Used by one thread. What was written survives the end of the process at any moment, but for the
/// last kBatch files: those are read again.
class SweepState {
 public:
  static constexpr int kBatch = 1'000;

  /// Makes the file where there is none. `rules` says what files were judged by (a version, hashes
  /// of tables): where it is another one, nothing that is kept counts.
  static Result<SweepState> open(const std::string& path, std::string_view rules);

  /// What was found in it, where size, both times and the inode are as they were; nothing where
  /// the file is new or changed. Marks it as seen.
  Result<std::optional<Examination>> find(const FileKey& file);

  /// What was found in it now.
  Result<void> put(const FileKey& file, const Examination& examination);

  /// Forgets what was not seen since `open` beneath `root`, and writes all down.
  Result<void> finish(std::string_view root);

  std::uint64_t kept() const { return kept_; }

 private:
  SweepState() = default;
  Result<void> begin();
  Result<void> step();

  sqlite::Database database_;
  sqlite::Statement find_, put_, mark_;
  std::int64_t run_ = 0;
  int pending_ = 0;
  std::uint64_t kept_ = 0;
};

}  // namespace postern::host
