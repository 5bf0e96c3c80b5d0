// SweepState: what is known of each file since the last sweep, so that one that did not change is
// not read again, and what the last sweep of each server found. One SQLite database, never beneath
// what is swept.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "exchange/since.h"
#include "files/metadata.h"
#include "host/finding_octets.h"
#include "sqlite/sqlite.h"

namespace postern::host {

/// "ROOT\nPATH": what is kept of one root never meddles with what is kept of another.
std::string state_key(std::string_view root, std::string_view path);

/// What a file was when it was looked at.
struct FileKey {
  std::string_view path;  ///< By `state_key`.
  files::Metadata metadata;
  std::string_view judged;  ///< What it was judged by besides the rules: the server's build.
};

/// What is kept of one server when a sweep is done.
struct ServerRecord {
  std::string server;  ///< By `state_key`.
  std::string case_id;
  WallTime ended{};
  std::vector<exchange::KeptFinding> findings;
};

/// Used by one thread, by one process at a time. What was written survives the end of the process
/// at any moment, but for what was put in the last second, at most kBatch files: those are read
/// again. A sweep that was ended before `complete` is not the last one to any other.
class SweepState {
 public:
  static constexpr int kBatch = 1'000;

  /// Makes the file where there is none. `rules` says what files were judged by (a version, hashes
  /// of tables): where it is another one, no finding that is kept of a file counts. `unavailable`
  /// where another process has it open.
  static Result<SweepState> open(const std::string& path, std::string_view rules);

  /// What was found in it, where size, both times and the inode are as they were, and it was judged
  /// by the same; nothing where the file is new or changed. Marks it as seen.
  Result<std::optional<Examination>> find(const FileKey& file);

  /// What was found in it now.
  Result<void> put(const FileKey& file, const Examination& examination);
  /// That it is there, and could not be looked at.
  Result<void> put_unread(const FileKey& file);

  /// Writes all down.
  Result<void> flush();

  /// What became of the files beneath `root` since the last sweep that was completed. All that are
  /// there must have been found or put.
  Result<exchange::RootChanges> changes(std::string_view root);
  /// What became of one of them.
  exchange::FileFate fate(std::string_view path);

  /// The last sweep of a server that was completed.
  Result<std::optional<exchange::EarlierSweep>> last(std::string_view server);

  /// Makes this sweep the last one, all at once, and forgets the files that are gone beneath
  /// `roots`.
  Result<void> complete(std::span<const std::string> roots, std::span<const ServerRecord> servers);

  std::uint64_t kept() const { return kept_; }

 private:
  SweepState() = default;
  Result<void> prepare();
  Result<void> begin();
  Result<void> step();
  Result<void> write(const FileKey& file, OctetView findings);
  Result<void> complete_root(const std::string& root);
  Result<void> keep_server(const ServerRecord& record);

  FileDescriptor lock_;
  sqlite::Database database_;
  sqlite::Statement find_, put_, mark_, fate_;
  std::string rules_;
  std::int64_t run_ = 0;
  int pending_ = 0;
  std::chrono::steady_clock::time_point begun_;
  std::uint64_t kept_ = 0;
};

}  // namespace postern::host
