#include "exchange/task_cache.h"

#include <map>
#include <optional>
#include <utility>

#include "exchange/known_good.h"

namespace postern::exchange {
namespace {

constexpr std::string_view kTree = R"(Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree)";
constexpr std::string_view kTasks =
    R"(Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tasks)";

// Cells are counted from the first bin.
constexpr std::uint64_t kFirstBin = 4'096;

class CacheReader {
 public:
  explicit CacheReader(const windows::Hive& hive) : hive_(hive) {}

  TaskCache run() {
    const auto tree = hive_.find(kTree);
    if (!tree) return std::move(out_);
    out_.is_there = true;
    const auto tasks = hive_.find(kTasks);
    if (tasks) definitions_ = *tasks;
    walk(*tree, "", 0);
    return std::move(out_);
  }

 private:
  void walk(const windows::RegistryKey& folder, const std::string& above, std::size_t depth) {
    if (depth == TaskCache::kMaxDepth) {
      out_.is_whole = false;
      return;
    }
    const auto keys = hive_.subkeys(folder);
    out_.is_whole = out_.is_whole && keys.unreadable == 0;
    for (const windows::RegistryKey& key : keys.items) {
      // A hive whose keys lead in circles has no end of them.
      if (++keys_ > TaskCache::kMaxTasks) {
        out_.is_whole = false;
        return;
      }
      const std::string name = above.empty() ? key.name : above + '\\' + key.name;
      // A folder has no Id.
      if (const auto id = hive_.value(key, "Id")) take(key, name, id->text());
      walk(key, name, depth + 1);
    }
  }

  void take(const windows::RegistryKey& key, const std::string& name, const std::string& id) {
    CachedTask task;
    task.name = name;
    task.written = key.written;
    task.offset = kFirstBin + key.cell;
    const auto descriptor = hive_.value(key, "SD");
    task.has_descriptor = descriptor && !descriptor->data.empty();
    if (definitions_) task.has_definition = hive_.find_below(*definitions_, id).has_value();
    out_.tasks.push_back(std::move(task));
  }

  const windows::Hive& hive_;
  TaskCache out_;
  std::optional<windows::RegistryKey> definitions_;
  std::size_t keys_ = 0;
};

Finding finding_of(const CachedTask& task, std::string_view path, std::string_view title) {
  Finding out;
  out.rule = "F-13";
  out.title = title;
  out.tier = Tier::hunt;
  out.attack = {"T1053.005", "T1564"};
  out.place.path = path;
  if (task.written != WallTime{}) out.at = task.written;
  out.details = {{"task", task.name}};
  return out;
}

}  // namespace

TaskCache read_task_cache(const windows::Hive& software) {
  return CacheReader(software).run();
}

std::vector<Finding> check_task_cache(const TaskCache& cache, std::string_view hive,
                                      std::span<const TaskFile> files) {
  std::vector<Finding> out;
  if (!cache.is_there) return out;
  std::map<std::string, std::string_view> left;
  for (const TaskFile& file : files) left.emplace(lower(file.name), file.path);
  const bool has_files = !left.empty();
  for (const CachedTask& task : cache.tasks) {
    const auto file = left.find(lower(task.name));
    const bool has_file = file != left.end();
    const std::string_view place = has_file ? file->second : hive;
    if (has_file) left.erase(file);
    const std::size_t before = out.size();
    if (!task.has_descriptor) {
      Finding one =
          finding_of(task, place, "A task that no tool lists: its descriptor was removed");
      one.tier = Tier::exploited;
      one.confidence = 85;
      if (has_files && !has_file) one.details.push_back({"file", "is gone, too"});
      out.push_back(std::move(one));
    } else if (has_files && !has_file) {
      Finding one = finding_of(task, place, "A task in the registry whose file is gone");
      one.confidence = 50;
      out.push_back(std::move(one));
    } else if (!task.has_definition) {
      Finding one = finding_of(task, place, "A task in the registry without its definition");
      one.confidence = 40;
      out.push_back(std::move(one));
    }
    if (!has_file && out.size() > before) out.back().place.offset = task.offset;
  }
  // What could not be read may hold the others.
  if (!cache.is_whole) return out;
  for (const auto& [name, path] : left) {
    Finding one = finding_of({.name = name}, path, "A task's file that the registry does not know");
    one.confidence = 40;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace postern::exchange
