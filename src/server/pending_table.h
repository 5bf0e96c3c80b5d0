// PendingTable: questions under way at the resolver, and who waits for each.
//
// Time is an argument; one thread owns a PendingTable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "cache/cache.h"
#include "resolve/shares.h"
#include "server/asker.h"

namespace postern::server {

/// One question under way. Equal questions of several clients are asked once, with or without DO:
/// the resolver's reply serves both.
struct Pending {
  cache::Key key;  ///< `dnssec_ok` is false: not part of what is asked.
  std::uint64_t ticket = 0;
  std::uint64_t party = 0;  ///< Who asked first.
  MonoTime started{};
  MonoTime deadline{};        ///< The resolver's.
  bool wants_plain = false;   ///< Whose answers are to be cached: clients without DO …
  bool wants_dnssec = false;  ///< … and with it.
  std::vector<Waiter> waiters;
  MonoTime due = MonoTime::max();  ///< When PendingTable will next bring it up.
};

class PendingTable {
 public:
  /// `hash_key`: secret, against questions chosen to collide.
  explicit PendingTable(std::uint64_t hash_key);
  PendingTable(const PendingTable&) = delete;
  PendingTable& operator=(const PendingTable&) = delete;

  /// The question under way that `key` is an instance of; null where there is none. Pointers stay
  /// good until the Pending is erased.
  Pending* find(const cache::Key& key);
  Pending* find(std::uint64_t ticket);
  /// A new one, not there yet; null at limits::kPendingQuestions, and where `party` has its share
  /// of them.
  Pending* add(const cache::Key& key, std::uint64_t party, MonoTime now, MonoTime deadline);
  /// False at the bounds of waiters, and where the asker's party has its share of them.
  bool add_waiter(Pending& pending, const Asker& asker, const ReturnPath& path);
  /// Takes all waiters out.
  std::vector<Waiter> take_waiters(Pending& pending);
  /// Gives back some of those taken out, before any that came meanwhile.
  void put_back(Pending& pending, std::vector<Waiter> waiters);
  void erase(Pending& pending);

  /// Has `pop_due` bring `pending` up at `at`, or before.
  void set_due(Pending& pending, MonoTime at);
  std::optional<MonoTime> next_due() const;
  /// One that is due at `now`, no longer marked so; null where there is none.
  Pending* pop_due(MonoTime now);

  std::size_t size() const { return by_key_.size(); }
  std::size_t waiter_count() const { return waiters_.taken(); }
  /// Times kept for `pop_due`, outdated ones too: at most 4 * size() + 1024 after a `set_due`.
  std::size_t due_count() const { return due_.size(); }

 private:
  struct KeyHash {
    std::uint64_t secret;
    std::size_t operator()(const cache::Key& key) const noexcept;
  };
  struct Slot {
    Pending pending;
    std::uint32_t serial = 0;
    bool used = false;
  };
  struct Due {
    MonoTime at;
    std::uint64_t ticket;
    bool operator>(const Due& other) const { return at > other.at; }
  };
  void tidy_dues();
  static cache::Key plain(cache::Key key) {
    key.dnssec_ok = false;
    return key;
  }

  const std::uint64_t secret_;
  std::deque<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<cache::Key, std::uint32_t, KeyHash> by_key_;
  std::vector<Due> due_;  ///< A heap, the earliest first; also of what has been erased since.
  resolve::Shares questions_{limits::kPendingQuestions};
  resolve::Shares waiters_{limits::kWaiters};
};

/// Who shares with whom what one client may have under way, as a keyed hash: an IPv4 address, or
/// the /56 that a site has of IPv6 (RFC 6177 §2).
std::uint64_t party_of(const IpAddress& client, std::uint64_t secret);

/// A keyed hash of a question: multiply and fold, eight octets at a time. About 10 ns.
std::uint64_t hash_of(const cache::Key& key, std::uint64_t secret);

}  // namespace postern::server
