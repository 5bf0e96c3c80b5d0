// SurveyState: what was known of each domain at the last run, in one SQLite database.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "exposure/drift.h"
#include "sqlite/sqlite.h"

namespace postern::survey {

/// Used by one thread. What `put` was given survives the end of the process at any moment; a list
/// counts as run once `finish` returned.
class SurveyState {
 public:
  /// Makes the file, for its owner alone, where there is none.
  static Result<SurveyState> open(const std::string& path);

  /// What is known of a domain; nothing where it was never looked at, or what is there is damaged.
  Result<std::optional<exposure::Snapshot>> find(std::string_view domain);
  Result<void> put(std::string_view domain, const exposure::Snapshot& snapshot, WallTime at);

  /// Domains that were in the list `source` at its last finished run, by name.
  Result<std::vector<std::string>> members(std::string_view source);
  /// When that run was; nothing where there was none.
  Result<std::optional<WallTime>> last_run(std::string_view source);
  /// The list is run: these are its domains now.
  Result<void> finish(std::string_view source, const std::vector<std::string>& domains,
                      WallTime at);

 private:
  SurveyState() = default;

  sqlite::Database database_;
  sqlite::Statement find_, put_;
};

}  // namespace postern::survey
