// What Windows keeps about its files and tasks, apart from them: the registry's cache of scheduled
// tasks (F-13), and the table of files of a volume (F-07).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exchange/task_cache.h"
#include "exchange/time_check.h"
#include "host/examiner.h"

namespace postern::host {

/// Reads SOFTWARE hives, and `$MFT` where somebody copied it. What they say is judged with all
/// files, when these were seen; until then it is in the facts.
class RecordExaminers final : public ExaminerFactory {
 public:
  // Of a table of files; what is beyond is named.
  static constexpr std::size_t kMaxFolders = 2'000'000;
  static constexpr std::size_t kMaxPages = 200'000;

  bool wants(FileKind kind, std::string_view placed, std::uint64_t size) const override;
  Result<std::unique_ptr<Examiner>> make() const override;
};

/// The times of pages that facts of a table of files tell; paths are beneath the swept root.
std::vector<exchange::PageTimes> page_times_of(const std::vector<exchange::Detail>& facts);

/// The cache of tasks that a hive's facts tell; empty where they tell none.
exchange::TaskCache task_cache_of(const std::vector<exchange::Detail>& facts);

/// F-13 of each hive against the files of tasks beside it. `hives`: paths of hives with what they
/// say; `files`: paths of files of tasks.
std::vector<exchange::Finding> judge_tasks(
    const std::vector<std::pair<std::string, exchange::TaskCache>>& hives,
    const std::vector<std::string>& files);

}  // namespace postern::host
