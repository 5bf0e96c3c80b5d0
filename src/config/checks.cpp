#include "config/checks.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/groups.h"
#include "config/suggest.h"
#include "policy/limits.h"

namespace postern::config {
namespace {

void check_server(const Config& config, const Node& root, Problems& problems) {
  const Node* listen = node_at(root, "server.listen");
  if (config.listen.empty()) {
    problems.add(place_of(root, "server.listen"), "server.listen", "the list is empty",
                 "give at least one address:port, e.g. 127.0.0.1:53");
  }
  const bool is_shared =
      config.console_enabled && config.console_listen && config.console_listen->port != 0 &&
      std::ranges::find(config.listen, *config.console_listen) != config.listen.end();
  if (is_shared) {
    const Node* console = node_at(root, "console.listen");
    problems.add(console != nullptr  ? console->place
                 : listen != nullptr ? listen->place
                                     : Place{},
                 "console.listen",
                 fmt::format("{} is in server.listen too", config.console_listen->to_text()),
                 "give the console a port of its own");
  }
}

void check_transfer_tls(const Config& config, const Node& root, Problems& problems) {
  const bool has_files =
      !config.transfer_tls_certificate_file.empty() && !config.transfer_tls_key_file.empty();
  if (!config.transfer_tls_listen.empty() && !has_files) {
    problems.add(place_of(root, "server.transfer_tls.listen"), "server.transfer_tls",
                 "there is an address to listen at, but no certificate with its key",
                 "give certificate_file and key_file");
  }
  for (const Endpoint& at : config.transfer_tls_listen) {
    if (std::ranges::find(config.listen, at) == config.listen.end()) continue;
    problems.add(place_of(root, "server.transfer_tls.listen"), "server.transfer_tls.listen",
                 fmt::format("{} is in server.listen too", at.to_text()),
                 "give transfers over TLS a port of their own, e.g. 853");
  }
}

void check_forward(const Draft& draft, const Node& root, Problems& problems) {
  const bool forwards = draft.config.resolver_mode == ResolverMode::forward;
  bool has_root = false;
  std::set<std::string> zones;
  for (std::size_t i = 0; i < draft.config.forward.size(); ++i) {
    const ForwardZone& zone = draft.config.forward[i];
    const Node& node = *draft.forward_nodes[i];
    const Node* zone_node = node.find("zone");
    // A zone that is missing or could not be read stands here as the root; that is reported
    // already.
    if (zone_node == nullptr || (zone.zone.is_root() && zone_node->text != ".")) continue;
    const std::string path = item_path("resolver.forward", i, "zone");
    if (!zones.insert(zone.zone.to_text()).second) {
      problems.add(place_of(node, "zone"), path,
                   fmt::format("the zone \"{}\" is there twice", zone.zone.to_display()),
                   "put all its servers into one item");
    }
    if (!zone.zone.is_root()) continue;
    has_root = true;
    if (!forwards) {
      problems.add(place_of(node, "zone"), path, "the zone \".\" would take everything",
                   "set resolver.mode to forward, or name a smaller zone");
    }
  }
  for (std::size_t i = 0; i < draft.forward_nodes.size(); ++i) {
    const Node* servers = draft.forward_nodes[i]->find("servers");
    if (servers != nullptr && servers->kind == Node::Kind::list && servers->children.empty()) {
      problems.add(servers->place, item_path("resolver.forward", i, "servers"), "the list is empty",
                   "give at least one server");
    }
  }
  if (forwards && !has_root) {
    problems.add(place_of(root, "resolver.mode"), "resolver.mode",
                 "forward, but no server is given for \".\"",
                 "add \"- zone: .\" with its servers to resolver.forward");
  }
}

void check_sinkhole(const Draft& draft, const Node& root, Problems& problems) {
  const Config& config = draft.config;
  if (config.sinkhole_v4 || config.sinkhole_v6) return;
  // A sinkhole address that was there but wrong has been reported already.
  if (node_at(root, "policy.sinkhole.ipv4") != nullptr ||
      node_at(root, "policy.sinkhole.ipv6") != nullptr) {
    return;
  }
  const auto complain = [&](const Node& node, std::string_view key, std::string path) {
    problems.add(place_of(node, key), std::move(path),
                 "the answer is sinkhole, but no address is set",
                 "set policy.sinkhole.ipv4 or policy.sinkhole.ipv6");
  };
  constexpr auto kSinkhole = policy::BlockAnswer::sinkhole;
  if (config.block_answer == kSinkhole) {
    complain(root, "policy.block_answer", "policy.block_answer");
  }
  for (std::size_t i = 0; i < config.feeds.size(); ++i) {
    if (config.feeds[i].answer == kSinkhole) {
      complain(*draft.feed_nodes[i], "answer", item_path("feeds", i, "answer"));
    }
  }
  for (std::size_t i = 0; i < config.groups.size(); ++i) {
    if (config.groups[i].answer == kSinkhole) {
      complain(*draft.group_nodes[i], "answer", item_path("groups", i, "answer"));
    }
  }
}

/// An option that only some formats have a use for.
struct FormatOption {
  std::string_view key;
  std::size_t format_count;
  std::array<std::string_view, 8> formats;
};

constexpr FormatOption kFormatOptions[] = {
    {"csv", 1, {"csv"}},
    {"json", 1, {"json"}},
    {"min_confidence", 1, {"stix"}},
    {"nsdname_wait", 1, {"rpz"}},
    {"nsip_wait", 1, {"rpz"}},
    {"origin", 1, {"rpz"}},
    {"scope", 8, {"hosts", "domains", "wildcard", "csv", "stix", "misp", "maltrail", "json"}},
    {"url_hosts", 4, {"stix", "misp", "maltrail", "json"}},
};

/// Options of a feed that mean nothing in its format.
void check_feed_format(const Feed& feed, const Node& node, std::size_t index, Problems& problems) {
  if (feed.format.empty()) return;
  for (const FormatOption& option : kFormatOptions) {
    const Node* value = node.find(option.key);
    const auto formats = std::span(option.formats).first(option.format_count);
    if (value == nullptr || std::ranges::find(formats, feed.format) != formats.end()) continue;
    problems.add(
        value->place, item_path("feeds", index, option.key),
        fmt::format("means nothing for a feed of format {}", feed.format),
        fmt::format("it is for {}: remove it, or correct the format", fmt::join(formats, ", ")));
  }
  const bool is_csv = feed.format == "csv";
  const bool is_number =
      std::ranges::all_of(feed.csv_column, [](char c) { return c >= '0' && c <= '9'; });
  if (is_csv && !feed.csv_has_header && !is_number) {
    problems.add(place_of(node, "csv"), item_path("feeds", index, "csv.column"),
                 fmt::format("\"{}\" is a title, but csv.header is false", feed.csv_column),
                 "give the column's number, 1 for the first");
  }
}

void check_override(const Feed& feed, const Node& node, std::size_t index, Problems& problems) {
  const bool is_cname = feed.policy_override == "cname";
  const bool has_target = !feed.override_target.empty();
  if (is_cname == has_target) return;
  const std::string_view key = is_cname ? "override" : "override_target";
  problems.add(place_of(node, key), item_path("feeds", index, key),
               is_cname ? "cname leads nowhere" : "a target without override: cname",
               is_cname ? "add override_target: a name" : "remove it, or set override: cname");
}

/// Options of a feed that say how it blocks, where it is an allow list.
void check_allow_list(const Feed& feed, const Node& node, std::size_t index, Problems& problems) {
  if (!feed.allow) return;
  for (const std::string_view key : {"answer", "ede", "log_only", "ttl_s"}) {
    const Node* value = node.find(key);
    if (value == nullptr || (key == "log_only" && !feed.log_only)) continue;
    problems.add(value->place, item_path("feeds", index, key), "an allow list blocks nothing",
                 fmt::format("remove {}, or allow: true", key));
  }
}

void check_feeds(const Draft& draft, Problems& problems) {
  std::map<std::string, std::size_t> first_lines;
  for (std::size_t i = 0; i < draft.config.feeds.size(); ++i) {
    const Feed& feed = draft.config.feeds[i];
    const Node& node = *draft.feed_nodes[i];
    check_feed_source(feed, node, i, problems);
    check_feed_format(feed, node, i, problems);
    check_override(feed, node, i, problems);
    check_allow_list(feed, node, i, problems);
    if (feed.name.empty()) continue;
    const Place place = place_of(node, "name");
    const bool is_built_in = std::ranges::find(kBuiltInLists, feed.name) != std::end(kBuiltInLists);
    if (feed.name.find_first_not_of("0123456789") == std::string::npos) {
      problems.add(place, item_path("feeds", i, "name"),
                   fmt::format("\"{}\" reads like the number of a generation", feed.name),
                   "choose a name with a letter in it");
    }
    if (is_built_in || feed.name == kExceptionsList) {
      problems.add(place, item_path("feeds", i, "name"),
                   fmt::format("\"{}\" is the name of a built-in list", feed.name),
                   "choose another name");
    }
    const auto [at_line, is_new] = first_lines.emplace(feed.name, place.line);
    if (!is_new) {
      problems.add(
          place, item_path("feeds", i, "name"),
          fmt::format("the feed of line {} is called \"{}\" too", at_line->second, feed.name),
          "give each feed a name of its own");
    }
  }
}

/// Of tenants, groups and hours together.
void check_own_names(const Draft& draft, Problems& problems) {
  std::size_t names = 0;
  for (const Tenant& tenant : draft.config.tenants) {
    names += tenant.allow.size() + tenant.block.size();
  }
  for (const Group& group : draft.config.groups) names += group.allow.size() + group.block.size();
  for (const During& during : draft.config.during) {
    names += during.allow.size() + during.block.size() + (during.block_all ? 1 : 0);
  }
  if (names <= policy::kMaxOwnNames) return;
  problems.add({}, "groups",
               fmt::format("{} names in the own lists of tenants, groups and hours; at most {}",
                           names, policy::kMaxOwnNames),
               "make a feed of the longest list");
}

void check_groups(const Draft& draft, Problems& problems) {
  std::set<std::string> names;
  std::map<IpPrefix, std::string> owners;
  std::map<MacAddress, std::string> device_owners;
  std::map<std::string, std::string> id_owners;
  for (std::size_t i = 0; i < draft.config.groups.size(); ++i) {
    const Group& group = draft.config.groups[i];
    const Node& node = *draft.group_nodes[i];
    for (const std::string_view key : {"feeds", "without"}) {
      check_lists(draft, {"groups", i, node, group.without}, key, problems);
    }
    if (!group.name.empty() && !names.insert(group.name).second) {
      problems.add(place_of(node, "name"), item_path("groups", i, "name"),
                   fmt::format("another group is called \"{}\" too", group.name),
                   "give each group a name of its own");
    }
    const bool is_default = group.name == "default";
    const bool has_clients = !group.clients.empty();
    const Node* clients = node.find("clients");
    for (const auto& [key, has_any] : {std::pair("devices", !group.devices.empty()),
                                       {"client_ids", !group.client_ids.empty()},
                                       {"clients", has_clients}}) {
      if (!is_default || !has_any) continue;
      problems.add(place_of(node, key), item_path("groups", i, key),
                   "the group \"default\" is for the clients of no other group",
                   fmt::format("remove {}, or name the group otherwise", key));
    }
    const bool is_published = std::ranges::find(draft.config.publish, group.name,
                                                &Publish::group) != draft.config.publish.end();
    if (!is_default && !is_published && node.find("devices") == nullptr &&
        node.find("client_ids") == nullptr &&
        (clients == nullptr || (clients->kind == Node::Kind::list && clients->children.empty()))) {
      problems.add(place_of(node, "clients"), item_path("groups", i, "clients"),
                   "the group has no clients",
                   "list their addresses or prefixes, or devices or client_ids");
    }
    const auto belongs_to_another = [&](std::string_view key, const std::string& what,
                                        const std::string& owner) {
      problems.add(place_of(node, key), item_path("groups", i, key),
                   fmt::format("{} is in group \"{}\" too", what, owner), "keep it in one group");
    };
    for (const MacAddress& device : group.devices) {
      const auto [owner, is_new] = device_owners.emplace(device, group.name);
      if (is_new || owner->second == group.name) continue;
      belongs_to_another("devices", device.to_text(), owner->second);
    }
    for (const std::string& id : group.client_ids) {
      const auto [owner, is_new] = id_owners.emplace(id, group.name);
      if (is_new || owner->second == group.name) continue;
      belongs_to_another("client_ids", id, owner->second);
    }
    for (const IpPrefix& prefix : group.clients) {
      const auto [owner, is_new] = owners.emplace(prefix, group.name);
      if (is_new || owner->second == group.name) continue;
      if (group.name.empty() || owner->second.empty()) continue;  // That is a mistake already.
      belongs_to_another("clients", prefix.to_text(), owner->second);
    }
  }
}

}  // namespace

std::string item_path(std::string_view list, std::size_t index, std::string_view key) {
  return fmt::format("{}[{}].{}", list, index, key);
}

const Node* node_at(const Node& node, std::string_view path) {
  const std::size_t dot = path.find('.');
  const Node* child = node.find(path.substr(0, dot));
  if (child == nullptr || dot == std::string_view::npos) return child;
  return node_at(*child, path.substr(dot + 1));
}

Place place_of(const Node& node, std::string_view path) {
  const Node* value = node_at(node, path);
  return value != nullptr ? value->place : node.place;
}

void check_lists(const Draft& draft, const ListsOfItem& item, std::string_view key,
                 Problems& problems) {
  const Node* list = item.node.find(key);
  if (list == nullptr) return;
  std::vector<std::string_view> known(std::begin(kBuiltInLists), std::end(kBuiltInLists));
  for (const Node* node : draft.feed_nodes) {
    // As written, so that a feed with another mistake is not unknown as well.
    if (const Node* name = node->find("name")) known.push_back(name->text);
  }
  for (const Vote& vote : draft.config.votes) known.push_back(vote.name);
  const bool is_single = list->kind == Node::Kind::scalar;
  for (std::size_t i = 0; i < (is_single ? 1 : list->children.size()); ++i) {
    const Node& name = is_single ? *list : list->children[i];
    if (name.kind != Node::Kind::scalar) continue;
    const auto complain = [&](std::string text, std::string advice) {
      const std::string path = item_path(item.list, item.index, key);
      problems.add(name.place, is_single ? path : fmt::format("{}[{}]", path, i), std::move(text),
                   std::move(advice));
    };
    if (std::ranges::find(known, name.text) == known.end()) {
      const auto near = nearest(name.text, known);
      complain(
          fmt::format("no feed is called \"{}\"", name.text),
          near ? fmt::format("did you mean {}?", *near) : "add it under feeds, or remove it here");
    } else if (key == "without") {
      continue;
    } else if (name.text == "hafnium" && !draft.config.pack_hafnium) {
      complain("the pack \"hafnium\" is off", "set packs.hafnium to true, or remove it here");
    } else if (std::ranges::find(item.without, name.text) != item.without.end()) {
      complain(fmt::format("\"{}\" is in without too", name.text), "keep it in one of them");
    }
  }
}

namespace {

void check_canary_group(const Draft& draft, const Node& root, Problems& problems) {
  const std::string& name = draft.config.gate_canary_group;
  if (name.empty()) return;
  std::vector<std::string_view> known{"default"};
  for (const Group& group : draft.config.groups) known.push_back(group.name);
  if (std::ranges::find(known, name) != known.end()) return;
  const auto near = nearest(name, known);
  problems.add(place_of(root, "gate.canary_group"), "gate.canary_group",
               fmt::format("no group is called \"{}\"", name),
               near ? fmt::format("did you mean {}?", *near) : "add it under groups");
}

}  // namespace

namespace {

void check_structured_error(const Config& config, const Node& root, Problems& problems) {
  constexpr std::size_t kMaxContacts = 3;  // All of it must fit beside an answer.
  constexpr std::size_t kMaxOrganization = 64;
  constexpr std::uint32_t kPlainError = 15;  // RFC 8914: asks for it anyway.
  const auto complain = [&](std::string_view key, std::string text, std::string advice) {
    problems.add(place_of(root, key), std::string(key), std::move(text), std::move(advice));
  };
  if (config.error_contacts.size() > kMaxContacts) {
    complain("structured_error.contacts", fmt::format("more than {} contacts", kMaxContacts),
             "keep the first ones");
  }
  if (config.error_organization.size() > kMaxOrganization) {
    complain("structured_error.organization", "it is longer than 64 octets", "shorten it");
  }
  const bool has_other = !config.error_organization.empty() || config.error_option_code != 0;
  if (has_other && config.error_contacts.empty() &&
      node_at(root, "structured_error.contacts") == nullptr) {
    complain("structured_error", "without contacts no structured errors are sent",
             "add contacts: [mailto:…]");
  }
  if (config.error_option_code > 0 && config.error_option_code <= kPlainError) {
    complain("structured_error.option_code",
             fmt::format("{} is the code of another EDNS option", config.error_option_code),
             "write the one that IANA has assigned, or remove it");
  }
}

}  // namespace

void check(const Draft& draft, const Node& root, Problems& problems) {
  check_server(draft.config, root, problems);
  check_transfer_tls(draft.config, root, problems);
  check_forward(draft, root, problems);
  check_sinkhole(draft, root, problems);
  check_feeds(draft, problems);
  check_groups(draft, problems);
  check_own_names(draft, problems);
  check_own_lists(draft, root, problems);
  check_structured_error(draft.config, root, problems);
  check_votes(draft, problems);
  check_tenants(draft, problems);
  check_schedules(draft, problems);
  check_publish(draft, problems);
  check_canary_group(draft, root, problems);
}

}  // namespace postern::config
