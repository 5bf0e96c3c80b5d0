#include "exchange/traffic.h"

#include <algorithm>
#include <utility>

namespace postern::exchange {
namespace {

template <class Value>
void add_all(RankedMap<Value>& to, const RankedMap<Value>& from) {
  for (const auto& item : from.items()) {
    if (Value* const known = to.of(*item.key)) known->add(*item.value);
  }
}

}  // namespace

void ClientDay::add(const ClientDay& other) {
  octets += other.octets;
  requests += other.requests;
  users |= other.users;
  if (!other.largest) return;
  // Of equal ones the first.
  const bool is_larger =
      !largest || other.largest->octets > largest->octets ||
      (other.largest->octets == largest->octets && other.largest->seen < largest->seen);
  if (is_larger) largest = other.largest;
}

void PageVisits::add(const PageVisits& other) {
  const bool is_first = count == 0 || other.first < first;
  count += other.count;
  if (is_first) {
    first = other.first;
    posted = other.posted;
    no_referer = other.no_referer;
    agent_hash = other.agent_hash;
    agent = other.agent;
    user = other.user;
  }
  for (const std::uint64_t hash : other.agents) see_agent(hash);
  for (const auto& [slot, rate] : other.rates) {
    Rate& sum = rates[slot];
    sum.posts += rate.posts;
    sum.small += rate.small;
    sum.swings += rate.swings;
    sum.sized += rate.sized;
  }
  while (rates.size() > kMaxRates) rates.erase(std::prev(rates.end()));
}

void PageVisits::see_agent(std::uint64_t hash) {
  agents.insert(hash);
  if (agents.size() > kMaxAgents) agents.erase(std::prev(agents.end()));
}

void PageMisses::add(const PageMisses& other) {
  if (count == 0 || other.first < first) first = other.first;
  count += other.count;
  if (!other.first_missing) return;
  if (!first_missing || *other.first_missing < *first_missing) first_missing = other.first_missing;
}

void Failures::add(const Failures& other) {
  if (count == 0 || other.first < first) first = other.first;
  count += other.count;
  for (const auto& [client, times] : other.clients) see_client(client, times);
}

void Failures::see_client(std::string_view client, std::uint64_t times) {
  const auto known = clients.find(client);
  if (known != clients.end()) {
    known->second += times;
    return;
  }
  clients.emplace(client, times);
  if (clients.size() > kMaxClients) clients.erase(std::prev(clients.end()));
}

void SourceTraffic::see_agent(std::uint64_t hash, Second at) {
  const auto [known, is_new] = agents.try_emplace(hash, at);
  if (!is_new) {
    known->second = std::min(known->second, at);
    return;
  }
  if (agents.size() <= kMaxAgents) return;
  ++left_out;
  agents.erase(std::prev(agents.end()));
}

void SourceTraffic::add(const SourceTraffic& other) {
  add_all(client_days, other.client_days);
  add_all(visits, other.visits);
  add_all(misses, other.misses);
  add_all(failures, other.failures);
  for (const auto& [hash, at] : other.agents) see_agent(hash, at);
  days.insert(other.days.begin(), other.days.end());
  while (days.size() > kMaxDays) days.erase(std::prev(days.end()));
  if (other.first) first = first ? std::min(*first, *other.first) : *other.first;
  left_out += other.left_out;
}

bool TrafficFacts::is_cut() const {
  const auto is_full = [](const SourceTraffic& one) {
    return one.client_days.left_out() + one.visits.left_out() + one.misses.left_out() +
               one.failures.left_out() >
           0;
  };
  return is_full(iis) || is_full(proxy);
}

void TrafficFacts::add(const TrafficFacts& other) {
  iis.add(other.iis);
  proxy.add(other.proxy);
}

std::string traffic_key(std::string_view one, std::string_view other) {
  std::string key(one);
  key += '\n';
  key += other;
  return key;
}

std::pair<std::string_view, std::string_view> parts_of_key(std::string_view key) {
  const std::size_t at = std::min(key.find('\n'), key.size());
  return {key.substr(0, at), key.substr(std::min(at + 1, key.size()))};
}

}  // namespace postern::exchange
