#include "policy/members.h"

#include <iterator>
#include <string>

#include "policy/limits.h"

namespace postern::policy {
namespace {

std::string text_of(const MacAddress& device) {
  return "device " + device.to_text();
}
std::string text_of(const ClientId& id) {
  return "client " + std::string(id.view());
}

template <class Key>
Result<std::vector<Owned<Key>>> owned_by(const std::vector<Group>& groups,
                                         std::vector<Key> Group::* keys) {
  std::vector<Owned<Key>> all;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const Key& key : groups[i].*keys) all.push_back({key, static_cast<std::uint16_t>(i)});
  }
  if (all.size() > kMaxDevices) {
    return fail(Errc::limit_exceeded, std::to_string(all.size()) +
                                          " devices or client ids in all groups; at most " +
                                          std::to_string(kMaxDevices));
  }
  std::ranges::stable_sort(all, {}, &Owned<Key>::key);
  const auto twice = std::ranges::adjacent_find(
      all, [](const auto& a, const auto& b) { return a.key == b.key && a.group != b.group; });
  if (twice == all.end()) return all;
  return fail(Errc::invalid_input, "the " + text_of(twice->key) + " is in group \"" +
                                       groups[twice->group].name + "\" and in group \"" +
                                       groups[std::next(twice)->group].name + "\"; keep it in one");
}

}  // namespace

Result<std::vector<ClientPrefix>> client_prefixes(const std::vector<Group>& groups) {
  std::vector<ClientPrefix> prefixes;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const IpPrefix& prefix : groups[i].clients) {
      prefixes.push_back({prefix, static_cast<std::uint16_t>(i)});
    }
  }
  if (prefixes.size() > kMaxClientPrefixes) {
    return fail(Errc::limit_exceeded, std::to_string(prefixes.size()) +
                                          " client prefixes in all groups; at most " +
                                          std::to_string(kMaxClientPrefixes));
  }
  std::stable_sort(
      prefixes.begin(), prefixes.end(),
      [](const ClientPrefix& a, const ClientPrefix& b) { return a.prefix < b.prefix; });
  for (std::size_t i = 1; i < prefixes.size(); ++i) {
    const ClientPrefix& a = prefixes[i - 1];
    const ClientPrefix& b = prefixes[i];
    if (a.prefix != b.prefix || a.group == b.group) continue;
    return fail(Errc::invalid_input, "the clients " + a.prefix.to_text() + " are in group \"" +
                                         groups[a.group].name + "\" and in group \"" +
                                         groups[b.group].name + "\"; keep them in one");
  }
  return prefixes;
}

Result<std::vector<Owned<MacAddress>>> devices_of(const std::vector<Group>& groups) {
  return owned_by(groups, &Group::devices);
}

Result<std::vector<Owned<ClientId>>> client_ids_of(const std::vector<Group>& groups) {
  return owned_by(groups, &Group::client_ids);
}

}  // namespace postern::policy
