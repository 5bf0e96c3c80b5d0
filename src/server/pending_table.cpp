#include "server/pending_table.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "base/assert.h"

namespace postern::server {

namespace {

constexpr std::uint64_t kOdd1 = 0x9e3779b97f4a7c15;
constexpr std::uint64_t kOdd2 = 0xd6e8feb86659fd93;

/// Outdated entries that are not worth tidying up.
constexpr std::size_t kSpareDues = 1024;

std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::uint64_t hash_of(const cache::Key& key, std::uint64_t secret) {
  const OctetView octets = key.qname.wire();
  std::uint64_t hash = secret ^ kOdd1;
  for (std::size_t at = 0; at < octets.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, &octets[at], std::min<std::size_t>(8, octets.size() - at));
    hash = fold(hash ^ word, secret ^ kOdd2);
  }
  const std::uint64_t rest = (static_cast<std::uint64_t>(key.qtype) << 32) |
                             (static_cast<std::uint64_t>(key.qclass) << 16) |
                             (key.dnssec_ok ? 2U : 0U) | (key.checking_disabled ? 1U : 0U);
  return fold(hash ^ rest ^ (octets.size() << 56), kOdd1);
}

std::size_t PendingTable::KeyHash::operator()(const cache::Key& key) const noexcept {
  return hash_of(key, secret);
}

std::uint64_t party_of(const IpAddress& client, std::uint64_t secret) {
  constexpr std::size_t kSiteOctets = 7;
  const OctetView octets = client.octets();
  const std::size_t size = client.is_v4() ? octets.size() : kSiteOctets;
  std::uint64_t word = client.is_v4() ? 1 : 0;
  for (std::size_t i = 0; i < size; ++i) word = (word << 8) | octets[i];
  return fold(fold(word ^ secret, kOdd1), secret ^ kOdd2);
}

PendingTable::PendingTable(std::uint64_t hash_key)
    : secret_(hash_key), by_key_(64, KeyHash{hash_key}) {}

Pending* PendingTable::find(const cache::Key& key) {
  const auto found = by_key_.find(plain(key));
  return found == by_key_.end() ? nullptr : &slots_[found->second].pending;
}

Pending* PendingTable::find(std::uint64_t ticket) {
  const auto index = static_cast<std::uint32_t>(ticket);
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  return slot.used && slot.pending.ticket == ticket ? &slot.pending : nullptr;
}

Pending* PendingTable::add(const cache::Key& key, std::uint64_t party, MonoTime now,
                           MonoTime deadline) {
  if (!questions_.may_take(party)) return nullptr;
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  const bool is_new = by_key_.emplace(plain(key), index).second;
  POSTERN_ASSERT(is_new);
  free_.pop_back();
  questions_.take(party);
  Slot& slot = slots_[index];
  slot.used = true;
  ++slot.serial;
  slot.pending = Pending{.key = plain(key),
                         .ticket = (std::uint64_t{slot.serial} << 32) | index,
                         .party = party,
                         .started = now,
                         .deadline = deadline,
                         .waiters = {}};
  return &slot.pending;
}

bool PendingTable::add_waiter(Pending& pending, const Asker& asker, const ReturnPath& path) {
  const std::uint64_t party = party_of(asker.client, secret_);
  if (!waiters_.may_take(party) || pending.waiters.size() >= limits::kWaitersPerQuestion) {
    return false;
  }
  waiters_.take(party);
  pending.waiters.emplace_back(asker, path).party = party;
  return true;
}

std::vector<Waiter> PendingTable::take_waiters(Pending& pending) {
  for (const Waiter& waiter : pending.waiters) waiters_.give_back(waiter.party);
  return std::exchange(pending.waiters, {});
}

void PendingTable::put_back(Pending& pending, std::vector<Waiter> waiters) {
  for (const Waiter& waiter : waiters) waiters_.take(waiter.party);
  waiters.insert(waiters.end(), pending.waiters.begin(), pending.waiters.end());
  pending.waiters = std::move(waiters);
}

void PendingTable::erase(Pending& pending) {
  take_waiters(pending);
  questions_.give_back(pending.party);
  const auto index = static_cast<std::uint32_t>(pending.ticket);
  by_key_.erase(pending.key);
  slots_[index].used = false;
  free_.push_back(index);
}

void PendingTable::set_due(Pending& pending, MonoTime at) {
  if (at >= pending.due) return;
  pending.due = at;
  due_.push_back({at, pending.ticket});
  std::push_heap(due_.begin(), due_.end(), std::greater<>());
  if (due_.size() > 4 * by_key_.size() + kSpareDues) tidy_dues();
}

/// Drops the entries of questions that are gone, and those replaced by earlier ones.
void PendingTable::tidy_dues() {
  due_.clear();
  for (const auto& [key, index] : by_key_) {
    const Pending& pending = slots_[index].pending;
    if (pending.due != MonoTime::max()) due_.push_back({pending.due, pending.ticket});
  }
  std::make_heap(due_.begin(), due_.end(), std::greater<>());
}

std::optional<MonoTime> PendingTable::next_due() const {
  if (due_.empty()) return std::nullopt;
  return due_.front().at;
}

Pending* PendingTable::pop_due(MonoTime now) {
  while (!due_.empty() && due_.front().at <= now) {
    std::pop_heap(due_.begin(), due_.end(), std::greater<>());
    const Due due = due_.back();
    due_.pop_back();
    Pending* pending = find(due.ticket);
    // An entry that is not the latest was replaced by an earlier one.
    if (pending == nullptr || pending->due != due.at) continue;
    pending->due = MonoTime::max();
    return pending;
  }
  return nullptr;
}

}  // namespace postern::server
