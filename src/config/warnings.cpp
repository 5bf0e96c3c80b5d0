// What may be meant, and more often is not: a configuration that is taken and acts otherwise than
// it reads.
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "config/checks.h"
#include "config/groups.h"

namespace postern::config {
namespace {

bool is_loopback(const IpPrefix& prefix) {
  const unsigned whole = prefix.address().is_v4() ? 8 : 128;
  return prefix.address().is_loopback() && prefix.length() >= whole;
}

/// The half of a prefix whose first bit behind the prefix is 1.
IpPrefix upper_half(const IpPrefix& prefix) {
  const OctetView octets = prefix.address().octets();
  std::array<std::uint8_t, 16> upper{};
  std::ranges::copy(octets, upper.begin());
  upper[prefix.length() / 8] |= static_cast<std::uint8_t>(0x80U >> (prefix.length() % 8));
  return {IpAddress::from_octets(OctetView(upper).first(octets.size())), prefix.length() + 1};
}

/// True where every address of `prefix` is in one of `others`, all of them taken together.
bool is_covered(const IpPrefix& prefix, const std::set<IpPrefix>& others) {
  for (unsigned length = 0; length <= prefix.length(); ++length) {
    if (others.contains(IpPrefix(prefix.address(), length))) return true;
  }
  // Halves are looked at only where something lies in them: not all addresses one by one.
  const bool is_split = std::ranges::any_of(
      others, [&](const IpPrefix& other) { return prefix.contains(other.address()); });
  if (!is_split) return false;
  return is_covered(IpPrefix(prefix.address(), prefix.length() + 1), others) &&
         is_covered(upper_half(prefix), others);
}

/// Prefixes of access.allow that the others hold: who removes one of them removes nobody.
void warn_of_covered(const Config& config, const Node& root, Problems& warnings) {
  const Node* list = node_at(root, "access.allow");
  if (list == nullptr || list->kind != Node::Kind::list) return;
  std::set<IpPrefix> others(config.access_allow.begin(), config.access_allow.end());
  std::vector<std::size_t> order(config.access_allow.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // The narrowest first, each out of the set once it is named: what is left holds all of them.
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::size_t i) { return config.access_allow[i].length(); });
  for (const std::size_t i : order) {
    const IpPrefix& prefix = config.access_allow[i];
    others.erase(prefix);
    if (!is_covered(prefix, others)) {
      others.insert(prefix);
      continue;
    }
    warnings.add(list->children[i].place, fmt::format("access.allow[{}]", i),
                 fmt::format("{} adds nobody: the other prefixes hold all of it", prefix.to_text()),
                 "remove it, or narrow the others if they are not meant to be so wide");
  }
}

void warn_of_clients(const Draft& draft, Problems& warnings) {
  const Config& config = draft.config;
  const std::set<IpPrefix> allowed(config.access_allow.begin(), config.access_allow.end());
  if (allowed.empty()) return;  // That is said already.
  for (std::size_t i = 0; i < config.groups.size(); ++i) {
    for (const IpPrefix& prefix : config.groups[i].clients) {
      if (is_covered(prefix, allowed)) continue;
      warnings.add(
          place_of(*draft.group_nodes[i], "clients"), fmt::format("groups[{}].clients", i),
          fmt::format("{} is not wholly in access.allow, so that clients of it are refused",
                      prefix.to_text()),
          "add it to access.allow");
    }
  }
}

/// Looks for allow lists behind blocking feeds: the first list that has a name decides.
class OrderWatch {
 public:
  OrderWatch(const Draft& draft, Problems& warnings) : draft_(draft), warnings_(warnings) {
    for (std::size_t i = 0; i < draft.config.feeds.size(); ++i) {
      feeds_.emplace(draft.config.feeds[i].name, i);
    }
  }

  /// `node` is where the group stands; null for the default one that the file does not have.
  void look_at(const Group& group, const Node* node) {
    std::string_view blocking;
    for (const std::string& list : lists_of(draft_.config, group)) {
      const auto feed = feeds_.find(list);
      if (feed == feeds_.end()) {
        const bool is_late = list == "allow" && !blocking.empty() && !draft_.config.allow.empty();
        if (is_late && node != nullptr) warn_of_policy_allow(group, *node, blocking);
        continue;
      }
      const Feed& found = draft_.config.feeds[feed->second];
      if (!found.allow && !found.log_only) blocking = found.name;
      if (found.allow && !blocking.empty()) warn_of_feed(feed->second, blocking);
    }
  }

 private:
  void warn_of_policy_allow(const Group& group, const Node& node, std::string_view blocking) {
    warnings_.add(place_of(node, "feeds"), fmt::format("group \"{}\"", group.name),
                  fmt::format("allow stands behind {}, whose blocks it cannot undo", blocking),
                  "put it first, or leave it out of feeds: it is then first by itself");
  }

  void warn_of_feed(std::size_t index, std::string_view blocking) {
    if (!warned_.insert(index).second) return;
    warnings_.add(
        place_of(*draft_.feed_nodes[index], "allow"), fmt::format("feeds[{}].allow", index),
        fmt::format("this allow list stands behind {}, whose blocks it cannot undo", blocking),
        "move it before the feeds that it makes exceptions to");
  }

  const Draft& draft_;
  Problems& warnings_;
  std::map<std::string, std::size_t> feeds_;
  std::set<std::size_t> warned_;
};

/// A published zone is made of lists that many groups share; what is one group's own is not there.
void warn_of_published(const Draft& draft, Problems& warnings) {
  const Config& config = draft.config;
  for (std::size_t i = 0; i < config.publish.size(); ++i) {
    const auto group = std::ranges::find(config.groups, config.publish[i].group, &Group::name);
    if (group == config.groups.end()) continue;
    const auto tenant = std::ranges::find(config.tenants, group->tenant, &Tenant::name);
    const bool has_own = !group->allow.empty() || !group->block.empty();
    const bool has_tenants =
        tenant != config.tenants.end() && (!tenant->allow.empty() || !tenant->block.empty());
    if (!has_own && !has_tenants) continue;
    warnings.add(place_of(*draft.publish_nodes[i], "group"), item_path("publish", i, "group"),
                 fmt::format("the {} own allow and block lists are not in the published zone",
                             has_own ? "group's" : "tenant's"),
                 "put what other name servers are to have into a feed");
  }
}

void warn_of_client_ids(const Draft& draft, Problems& warnings) {
  if (!draft.config.identity_from.empty()) return;
  for (std::size_t i = 0; i < draft.config.groups.size(); ++i) {
    if (draft.config.groups[i].client_ids.empty()) continue;
    warnings.add(place_of(*draft.group_nodes[i], "client_ids"),
                 item_path("groups", i, "client_ids"),
                 "nobody is believed who says what a client is called",
                 "list the forwarders that say so in devices.edns_from");
  }
}

void warn_of_order(const Draft& draft, Problems& warnings) {
  OrderWatch watch(draft, warnings);
  const auto& groups = draft.config.groups;
  for (std::size_t i = 0; i < groups.size(); ++i) watch.look_at(groups[i], draft.group_nodes[i]);
  if (std::ranges::find(groups, "default", &Group::name) == groups.end())
    watch.look_at({}, nullptr);
}

}  // namespace

std::optional<Problem> access_warning(const Config& config) {
  Problem warning;
  warning.path = "access.allow";
  warning.advice = "add your networks to it, e.g. 192.168.0.0/16";
  warning.severity = Severity::warning;
  if (config.access_allow.empty()) {
    warning.text = "the list is empty, so that every client is refused";
    return warning;
  }
  const auto outside = std::ranges::find_if(
      config.listen, [](const Endpoint& endpoint) { return !endpoint.address.is_loopback(); });
  if (outside == config.listen.end()) return std::nullopt;
  if (!std::ranges::all_of(config.access_allow, is_loopback)) return std::nullopt;
  warning.text =
      fmt::format("it has loopback addresses alone, so that all others that ask {} are refused",
                  outside->to_text());
  return warning;
}

void warn(const Draft& draft, const Node& root, Problems& warnings) {
  if (const auto warning = access_warning(draft.config)) {
    const Node* allow = node_at(root, warning->path);
    warnings.add(allow != nullptr ? allow->place : place_of(root, "server.listen"), warning->path,
                 warning->text, warning->advice);
  }
  warn_of_covered(draft.config, root, warnings);
  warn_of_clients(draft, warnings);
  warn_of_order(draft, warnings);
  warn_of_published(draft, warnings);
  warn_of_client_ids(draft, warnings);
}

}  // namespace postern::config
