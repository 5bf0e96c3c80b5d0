// Who is in which group: the prefixes, devices and names of clients that groups list, joined and
// checked.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/mac.h"
#include "base/result.h"
#include "policy/client_id.h"
#include "policy/client_table.h"
#include "policy/generation.h"

namespace postern::policy {

/// The prefixes of all groups, sorted. Errors: too many (policy/limits.h), or one prefix in two
/// groups, whose clients' policy would then depend on the order of the groups.
Result<std::vector<ClientPrefix>> client_prefixes(const std::vector<Group>& groups);

/// A device or name of a client, and the group that has it.
template <class Key>
struct Owned {
  Key key;
  std::uint16_t group = 0;
};

/// The devices of all groups, sorted. Errors: as for their prefixes.
Result<std::vector<Owned<MacAddress>>> devices_of(const std::vector<Group>& groups);
/// The same of what clients are called.
Result<std::vector<Owned<ClientId>>> client_ids_of(const std::vector<Group>& groups);

/// Whose `key` is; nothing where it is nobody's. Never allocates.
template <class Key>
std::optional<std::uint16_t> owner_of(const std::vector<Owned<Key>>& all, const Key& key) {
  const auto found = std::ranges::lower_bound(all, key, {}, &Owned<Key>::key);
  if (found == all.end() || found->key != key) return std::nullopt;
  return found->group;
}

}  // namespace postern::policy
