#include "config/groups.h"

#include <algorithm>
#include <cstddef>

namespace postern::config {
namespace {

/// All lists there are, in the order that holds where a group says nothing.
std::vector<std::string> all_lists(const Config& config) {
  std::vector<std::string> lists(std::begin(kBuiltInLists), std::end(kBuiltInLists));
  for (const Feed& feed : config.feeds) lists.push_back(feed.name);
  for (const Vote& vote : config.votes) lists.push_back(vote.name);
  return lists;
}

/// Without those that only vote, or raise doubts.
std::vector<std::string> lists_in_force(const Config& config, std::vector<std::string> lists) {
  for (const Vote& vote : config.votes) {
    std::erase_if(lists, [&](const std::string& name) {
      return std::ranges::find(vote.feeds, name) != vote.feeds.end() ||
             std::ranges::find(vote.doubt_feeds, name) != vote.doubt_feeds.end();
    });
  }
  return lists;
}

/// Puts the built-in lists that are not in `lists` where they belong.
void complete(std::vector<std::string>& lists, const std::vector<std::string>& all) {
  const auto rank = [&](const std::string& name) { return std::ranges::find(all, name); };
  for (std::size_t i = 0; i < std::size(kBuiltInLists); ++i) {
    const auto own = all.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::ranges::find(lists, *own) != lists.end()) continue;
    const auto behind =
        std::ranges::find_if(lists, [&](const std::string& name) { return rank(name) > own; });
    lists.insert(behind, *own);
  }
}

}  // namespace

std::vector<std::string> lists_of(const Config& config, const Group& group) {
  const std::vector<std::string> all = all_lists(config);
  std::vector<std::string> lists = group.feeds.value_or(lists_in_force(config, all));
  complete(lists, all);
  std::erase_if(lists, [&](const std::string& name) {
    return std::ranges::find(group.without, name) != group.without.end();
  });
  return lists;
}

}  // namespace postern::config
