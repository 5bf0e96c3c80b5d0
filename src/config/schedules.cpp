#include "config/schedules.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "config/checks.h"
#include "config/suggest.h"

namespace postern::config {
void check_schedules(const Draft& draft, Problems& problems) {
  std::set<std::string> schedules;
  for (std::size_t i = 0; i < draft.config.schedules.size(); ++i) {
    const std::string& name = draft.config.schedules[i].name;
    if (name.empty() || schedules.insert(name).second) continue;
    problems.add(place_of(*draft.schedule_nodes[i], "name"), item_path("schedules", i, "name"),
                 fmt::format("another schedule is called \"{}\" too", name),
                 "give each schedule a name of its own");
  }
  std::set<std::string> groups = {"default"};
  for (const Group& group : draft.config.groups) groups.insert(group.name);
  const auto check_known = [&](std::size_t index, std::string_view key, const std::string& name,
                               const std::set<std::string>& known) {
    if (name.empty() || known.contains(name)) return;
    const std::vector<std::string_view> views(known.begin(), known.end());
    const auto near = nearest(name, views);
    problems.add(
        place_of(*draft.during_nodes[index], key), item_path("during", index, key),
        fmt::format("no {} is called \"{}\"", key, name),
        near ? fmt::format("did you mean {}?", *near) : fmt::format("add it under {}s", key));
  };
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t i = 0; i < draft.config.during.size(); ++i) {
    const During& during = draft.config.during[i];
    check_known(i, "group", during.group, groups);
    check_known(i, "schedule", during.schedule, schedules);
    for (const std::string_view key : {"feeds", "without"}) {
      check_lists(draft, {"during", i, *draft.during_nodes[i], during.without}, key, problems);
    }
    if (seen.emplace(during.group, during.schedule).second) continue;
    problems.add(
        place_of(*draft.during_nodes[i], "schedule"), item_path("during", i, "schedule"),
        fmt::format("\"{}\" has the schedule \"{}\" already", during.group, during.schedule),
        "join the two items");
  }
}

Group group_during(const Group& group, const During& during) {
  Group changed = group;
  changed.clients.clear();
  changed.allow.clear();
  changed.block.clear();
  if (during.answer) changed.answer = during.answer;
  if (during.feeds) {
    changed.feeds = during.feeds;
    // What these hours name is in force, whatever the group is without.
    std::erase_if(changed.without, [&](const std::string& list) {
      return std::ranges::find(*during.feeds, list) != during.feeds->end();
    });
  }
  changed.without.insert(changed.without.end(), during.without.begin(), during.without.end());
  return changed;
}

}  // namespace postern::config
