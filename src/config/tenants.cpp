#include "config/tenants.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/assert.h"
#include "config/checks.h"
#include "config/suggest.h"

namespace postern::config {

void check_tenants(const Draft& draft, Problems& problems) {
  const std::vector<Tenant>& tenants = draft.config.tenants;
  std::set<std::string> names;
  for (std::size_t i = 0; i < tenants.size(); ++i) {
    const Node& node = *draft.tenant_nodes[i];
    for (const std::string_view key : {"feeds", "without"}) {
      check_lists(draft, {"tenants", i, node, tenants[i].without}, key, problems);
    }
    if (tenants[i].name.empty() || names.insert(tenants[i].name).second) continue;
    problems.add(place_of(node, "name"), item_path("tenants", i, "name"),
                 fmt::format("another tenant is called \"{}\" too", tenants[i].name),
                 "give each tenant a name of its own");
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  for (std::size_t i = 0; i < draft.config.groups.size(); ++i) {
    const std::string& tenant = draft.config.groups[i].tenant;
    if (tenant.empty() || names.contains(tenant)) continue;
    const auto near = nearest(tenant, known);
    problems.add(place_of(*draft.group_nodes[i], "tenant"), item_path("groups", i, "tenant"),
                 fmt::format("no tenant is called \"{}\"", tenant),
                 near ? fmt::format("did you mean {}?", *near) : "add it under tenants");
  }
}

void inherit_from_tenants(Config& config) {
  for (Group& group : config.groups) {
    if (group.tenant.empty()) continue;
    const auto tenant = std::ranges::find(config.tenants, group.tenant, &Tenant::name);
    POSTERN_ASSERT(tenant != config.tenants.end());
    if (!group.answer) group.answer = tenant->answer;
    std::vector<std::string> without = tenant->without;
    if (group.feeds) {
      // What a group names itself is in force for it, whatever its tenant is without.
      std::erase_if(without, [&](const std::string& list) {
        return std::ranges::find(*group.feeds, list) != group.feeds->end();
      });
    } else {
      group.feeds = tenant->feeds;
    }
    group.without.insert(group.without.end(), without.begin(), without.end());
  }
}

}  // namespace postern::config
