// Which record ids a log holds, and which are missing between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace postern::windows {

/// Record ids that are in no record of the file though records around them are: evidence of
/// records that were removed, or of chunks that are lost.
struct RecordGap {
  std::uint64_t after = 0;   ///< The last id before the gap,
  std::uint64_t before = 0;  ///< and the first one behind it.
  WallTime from{}, to{};     ///< When these two were written.

  std::uint64_t missing() const { return before - after - 1; }
  bool operator==(const RecordGap&) const = default;
};

/// Is given ids in the order of the file, which need not be that of the ids: a log that is full is
/// written over from its start. Keeps runs of ids, one for a log that is whole.
class RecordIds {
 public:
  static constexpr std::size_t kMaxRuns = 1 << 16;  ///< A chunk has one; this is 4 GiB of chunks.

  void add(std::uint64_t id, WallTime written);

  /// All gaps, by id. False for `is_complete`: there were more runs than are kept, and nothing can
  /// be said.
  std::vector<RecordGap> gaps();
  bool is_complete() const { return is_complete_; }

 private:
  struct Run {
    std::uint64_t first = 0, last = 0;
    WallTime first_written{}, last_written{};
  };

  void merge();

  std::vector<Run> runs_;
  bool is_complete_ = true;
};

}  // namespace postern::windows
