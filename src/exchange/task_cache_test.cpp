#include "exchange/task_cache.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "windows/testing/hive_writer.h"

namespace postern::exchange {
namespace {

using windows::testing::TestKey;
using windows::testing::text_value;

TestKey task_key(std::string name, std::string_view id, bool described) {
  TestKey key{.name = std::move(name)};
  key.values = {text_value("Id", id)};
  if (described) key.values.push_back({"SD", windows::RegistryType::binary, {1, 0, 4, 0x80}});
  return key;
}

/// Keys from the root down to TaskCache.
TestKey beneath(std::vector<std::string> path, std::vector<TestKey> keys) {
  TestKey key{.name = path.back(), .keys = std::move(keys)};
  path.pop_back();
  while (!path.empty()) {
    key = TestKey{.name = path.back(), .keys = {std::move(key)}};
    path.pop_back();
  }
  return TestKey{.name = "ROOT", .keys = {std::move(key)}};
}

TaskCache cache_of(std::vector<TestKey> tree, std::vector<TestKey> tasks) {
  const Octets octets = windows::testing::write_hive(beneath(
      {"Microsoft", "Windows NT", "CurrentVersion", "Schedule", "TaskCache"},
      {{.name = "Tree", .keys = std::move(tree)}, {.name = "Tasks", .keys = std::move(tasks)}}));
  const auto hive = windows::Hive::open(octets);
  EXPECT_TRUE(hive.has_value());
  return read_task_cache(*hive);
}

std::string told(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& one : findings) {
    out += fmt::format("{} {} {} {}; ", to_string(one.tier), one.confidence,
                       one.details.front().value, one.place.path);
  }
  return out;
}

TEST(TaskCache, TasksAreReadWithTheirFolders) {
  const TaskCache cache =
      cache_of({{.name = "Microsoft", .keys = {task_key("Defrag", "{1}", true)}},
                task_key("x", "{2}", false),
                task_key("y", "{3}", true)},
               {{.name = "{1}"}, {.name = "{2}"}});
  ASSERT_TRUE(cache.is_there);
  EXPECT_TRUE(cache.is_whole);
  ASSERT_EQ(cache.tasks.size(), 3U);
  EXPECT_EQ(cache.tasks[0].name, "Microsoft\\Defrag");
  EXPECT_TRUE(cache.tasks[0].has_descriptor);
  EXPECT_TRUE(cache.tasks[0].has_definition);
  EXPECT_FALSE(cache.tasks[1].has_descriptor);
  EXPECT_FALSE(cache.tasks[2].has_definition);
}

TEST(TaskCache, AHiveWithoutTasksSaysNothing) {
  const Octets octets = windows::testing::write_hive(TestKey{.name = "ROOT"});
  const auto hive = windows::Hive::open(octets);
  ASSERT_TRUE(hive.has_value());
  const TaskCache cache = read_task_cache(*hive);
  EXPECT_FALSE(cache.is_there);
  EXPECT_TRUE(check_task_cache(cache, "SOFTWARE", {}).empty());
}

TEST(TaskCache, WhatOneOfTheTwoLacksIsTold) {
  TaskCache cache{.is_there = true, .tasks = {{.name = "Microsoft\\Defrag"}}};
  const std::vector<TaskFile> same = {{"microsoft\\DEFRAG", "Tasks/Microsoft/Defrag"}};
  struct Case {
    const char* what;
    CachedTask task;
    bool has_file;
    const char* told;
  };
  const Case cases[] = {
      {"both", {.name = "x"}, true, ""},
      {"no descriptor", {.name = "x", .has_descriptor = false}, true, "exploited 85 x Tasks/x; "},
      {"nothing but its key",
       {.name = "x", .has_descriptor = false},
       false,
       "exploited 85 x SOFTWARE; "},
      {"no file", {.name = "x"}, false, "hunt 50 x SOFTWARE; "},
      {"no definition", {.name = "x", .has_definition = false}, true, "hunt 40 x Tasks/x; "},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    TaskCache all = cache;
    all.tasks.push_back(one.task);
    std::vector<TaskFile> files = same;
    if (one.has_file) files.push_back({"X", "Tasks/x"});
    EXPECT_EQ(told(check_task_cache(all, "SOFTWARE", files)), one.told);
  }
  auto files = same;
  files.push_back({"new", "Tasks/new"});
  EXPECT_EQ(told(check_task_cache(cache, "SOFTWARE", files)), "hunt 40 new Tasks/new; ");
  // Of a hive that was read in part, and of a tree without tasks, nothing is known.
  cache.is_whole = false;
  EXPECT_EQ(told(check_task_cache(cache, "SOFTWARE", files)), "");
  EXPECT_EQ(told(check_task_cache(cache, "SOFTWARE", {})), "");
}

}  // namespace
}  // namespace postern::exchange
