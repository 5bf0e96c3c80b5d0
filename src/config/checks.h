// What no single option can tell: values that do not go together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/yaml.h"

namespace postern::config {

inline constexpr std::size_t kMaxFeeds = 1000;  ///< policy::Generation takes 1024 zones.
inline constexpr std::size_t kMaxGroups = 1000;
inline constexpr std::size_t kMaxVotes = 16;  ///< Each counts the rules of all its feeds.
inline constexpr std::size_t kMaxTenants = 1000;
inline constexpr std::size_t kMaxSchedules = 1000;
inline constexpr std::size_t kMaxDuring = 1000;  ///< Each is a group of a generation.
inline constexpr std::size_t kMaxForwardZones = 1000;
inline constexpr std::size_t kMaxKeys = 1000;
inline constexpr std::size_t kMaxPublished = 100;  ///< Each is made anew at each change of policy.

/// What was read, with where each list item stands: `feeds[i]` was read from `feed_nodes[i]`.
struct Draft {
  std::string folder;  ///< Relative paths are of it; "" where it is not known.
  Config config;
  std::vector<const Node*> feed_nodes;
  std::vector<const Node*> group_nodes;
  std::vector<const Node*> tenant_nodes;
  std::vector<const Node*> schedule_nodes;
  std::vector<const Node*> during_nodes;
  std::vector<const Node*> forward_nodes;
  std::vector<const Node*> key_nodes;
  std::vector<const Node*> publish_nodes;
  std::vector<const Node*> vote_nodes;
};

/// The value at "a.b" below `node`; null where there is none.
const Node* node_at(const Node& node, std::string_view path);
/// Where the value stands, or else its parent.
Place place_of(const Node& node, std::string_view path);

/// "feeds[2].name".
std::string item_path(std::string_view list, std::size_t index, std::string_view key);

/// A key's secret: in the file or beside it. `node` is the section that has it, at `path`.
void check_secret(const Node& node, const std::string& path, const std::string& secret,
                  Problems& problems);
/// Mistakes in where a feed comes from: a path, a URL, a primary or a TAXII server.
void check_feed_source(const Feed& feed, const Node& node, std::size_t index, Problems& problems);
/// Mistakes in `votes`.
void check_votes(const Draft& draft, Problems& problems);
/// Mistakes in `schedules` and `during`.
void check_schedules(const Draft& draft, Problems& problems);
/// Mistakes in `tenants`, and groups of tenants that are not there.
void check_tenants(const Draft& draft, Problems& problems);
/// Mistakes in the lists that the key `feeds` or `without` of an item of `list` names; `node` is
/// the item, `without` what it is without.
struct ListsOfItem {
  std::string_view list;  ///< "groups", "tenants".
  std::size_t index;
  const Node& node;
  const std::vector<std::string>& without;
};
void check_lists(const Draft& draft, const ListsOfItem& item, std::string_view key,
                 Problems& problems);
/// Mistakes in the lists of names to block that stand in the file.
void check_own_lists(const Draft& draft, const Node& root, Problems& problems);
/// Mistakes in `keys` and `publish`.
void check_publish(const Draft& draft, Problems& problems);
/// Mistakes. `root` is the document.
void check(const Draft& draft, const Node& root, Problems& problems);
/// What is taken and acts otherwise than it reads, of a draft without mistakes.
void warn(const Draft& draft, const Node& root, Problems& warnings);

}  // namespace postern::config
