#include "windows/record_gaps.h"

#include <algorithm>

namespace postern::windows {

void RecordIds::add(std::uint64_t id, WallTime written) {
  if (!runs_.empty()) {
    Run& run = runs_.back();
    if (id >= run.first && id <= run.last) return;
    if (id == run.last + 1) {
      run.last = id;
      run.last_written = written;
      return;
    }
  }
  if (runs_.size() == kMaxRuns) merge();
  if (runs_.size() == kMaxRuns) {
    is_complete_ = false;
    return;
  }
  runs_.push_back({id, id, written, written});
}

void RecordIds::merge() {
  std::sort(runs_.begin(), runs_.end(),
            [](const Run& a, const Run& b) { return a.first < b.first; });
  std::vector<Run> merged;
  for (const Run& run : runs_) {
    if (merged.empty() || (run.first > merged.back().last && run.first - merged.back().last > 1)) {
      merged.push_back(run);
    } else if (run.last > merged.back().last) {
      merged.back().last = run.last;
      merged.back().last_written = run.last_written;
    }
  }
  runs_ = std::move(merged);
}

std::vector<RecordGap> RecordIds::gaps() {
  std::vector<RecordGap> gaps;
  if (!is_complete_) return gaps;
  merge();
  for (std::size_t i = 1; i < runs_.size(); ++i) {
    const Run& a = runs_[i - 1];
    const Run& b = runs_[i];
    gaps.push_back({a.last, b.first, a.last_written, b.first_written});
  }
  return gaps;
}

}  // namespace postern::windows
