// A BlockWatch that says what a test tells it to.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "feeds/feeds.h"

namespace postern::feeds::testing {

struct FakeWatch final : BlockWatch {
  void watch(std::uint64_t generation, const std::vector<std::string>& watched) override {
    from = generation;
    zones.with([&](auto& all) { all = {watched.begin(), watched.end()}; });
  }
  void watch_also(const std::vector<std::string>& watched) override {
    zones.with([&](auto& all) { all.insert(watched.begin(), watched.end()); });
  }
  void end_watch(event::WatchEnd end) override {
    from = 0;
    ++(end == event::WatchEnd::passed ? passed : taken_back);
  }
  std::optional<std::string> departure(std::string_view of) override {
    ++looks;
    if (from == 0 || !has_left || (!of.empty() && of != group.load())) return std::nullopt;
    return "had 40 % of 900 queries of the group staff blocked, where 1 to 7 % are usual";
  }
  void forget() override {
    from = 0;
    ++forgotten;
  }

  std::atomic<std::uint64_t> from{0};  ///< 0: no watch is on.
  Guarded<std::set<std::string>> zones;
  std::atomic<bool> has_left{false};
  std::atomic<const char*> group{"staff"};  ///< That has left its band.
  std::atomic<int> forgotten{0}, passed{0}, taken_back{0}, looks{0};
};

}  // namespace postern::feeds::testing
