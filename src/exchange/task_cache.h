// What the registry knows of scheduled tasks, against the files that they are: F-13.
//
// The task scheduler keeps each task twice: an XML file beneath System32\Tasks, and keys beneath
// TaskCache of the SOFTWARE hive. Who hides a task takes one of them away, or the value that says
// who may see it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/finding.h"
#include "windows/hive.h"

namespace postern::exchange {

/// A task as TaskCache\Tree has it.
struct CachedTask {
  std::string name;            ///< "Microsoft\Windows\Defrag\ScheduledDefrag".
  bool has_descriptor = true;  ///< The value SD, without which no tool lists the task.
  bool has_definition = true;  ///< Its key beneath TaskCache\Tasks.
  WallTime written{};          ///< When its key was last changed.
  std::uint64_t offset = 0;    ///< Of its key in the hive.

  bool operator==(const CachedTask&) const = default;
};

struct TaskCache {
  static constexpr std::size_t kMaxTasks = 50'000;
  static constexpr std::size_t kMaxDepth = 32;

  bool is_there = false;  ///< The hive has such a key.
  bool is_whole = true;   ///< All of it could be read.
  std::vector<CachedTask> tasks;
};

/// Of a SOFTWARE hive. Bounded by the limits above.
TaskCache read_task_cache(const windows::Hive& software);

/// A task's file.
struct TaskFile {
  std::string name;  ///< As CachedTask::name, in any case.
  std::string path;  ///< Where it lies.
};

/// What the hive at `hive` says against the files of tasks. Without any file nothing is said of
/// missing ones: they were not collected. Findings are of the file where there is one, else of the
/// key in the hive. O(tasks log files).
std::vector<Finding> check_task_cache(const TaskCache& cache, std::string_view hive,
                                      std::span<const TaskFile> files);

}  // namespace postern::exchange
