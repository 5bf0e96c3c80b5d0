#include "cache/cache.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace postern::cache {
namespace {

/// What the allocator keeps beside each block.
constexpr std::size_t kAllocationOctets = 16;
/// Uses that the clock remembers of an entry: so many passes of its hand it survives.
constexpr std::uint8_t kMaxCredit = 3;
/// Entries looked at to find one that may go. Bounds the time of an insert: a whole turn of the
/// clock over a cache in which everything was just used would take milliseconds.
constexpr std::size_t kSweep = 64;
/// Hits since it was stored that make an entry worth a prefetch.
constexpr std::uint32_t kPopularHits = 3;
/// About what an entry takes; gives the number of hash heads.
constexpr std::size_t kTypicalEntryOctets = 512;

std::uint64_t hash_of(const Key& key, std::uint64_t hash_key) {
  const std::uint64_t rest = std::uint64_t{static_cast<std::uint16_t>(key.qtype)} << 32 |
                             std::uint64_t{static_cast<std::uint16_t>(key.qclass)} << 16 |
                             (key.dnssec_ok ? 2U : 0U) | (key.checking_disabled ? 1U : 0U);
  const OctetView name = key.qname.wire();
  return XXH3_64bits_withSeed(name.data(), name.size(), hash_key ^ (rest * 0x9e3779b97f4a7c15ULL));
}

/// An answer that says nothing about the name: SERVFAIL, REFUSED, …
bool is_failure(const Answer& answer) {
  if (answer.wire.size() < dns::kHeaderOctets) return false;
  const auto rcode = static_cast<dns::Rcode>(answer.wire[3] & 0xf);
  return rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain;
}

template <class T>
std::size_t heap_octets(const std::vector<T>& vector) {
  return vector.capacity() == 0 ? 0 : vector.capacity() * sizeof(T) + kAllocationOctets;
}

}  // namespace

// Entries are owned by `ring`, over which the clock's hand runs, and chained from `heads` by hash.
struct Cache::Impl {
  struct Entry {
    std::uint64_t hash = 0;
    Entry* next = nullptr;  ///< Of the same head.
    Octets qname;
    dns::RRType qtype{};
    dns::RRClass qclass{};
    bool dnssec_ok = false;
    bool checking_disabled = false;
    bool failure = false;
    std::uint8_t credit = 0;
    std::uint32_t hits = 0;
    Answer answer;
    MonoTime stored{};
    std::size_t cost = 0;
    std::size_t ring_index = 0;

    bool answers(const Key& key) const {
      const OctetView name = key.qname.wire();
      return qtype == key.qtype && qclass == key.qclass && dnssec_ok == key.dnssec_ok &&
             checking_disabled == key.checking_disabled && qname.size() == name.size() &&
             std::memcmp(qname.data(), name.data(), name.size()) == 0;
    }
  };
  /// Every entry costs at least this; so `ring` never grows past what was reserved.
  static constexpr std::size_t kLeastCost = sizeof(Entry) + 2 * kAllocationOctets;

  explicit Impl(const Options& from) : options(from) {
    const std::size_t most = options.max_octets / kLeastCost;
    if (most == 0) return;
    ring.reserve(most);
    heads.resize(std::bit_ceil(std::max<std::size_t>(1, options.max_octets / kTypicalEntryOctets)));
    fixed = ring.capacity() * sizeof(ring[0]) + heads.capacity() * sizeof(Entry*);
    octets = fixed;
  }

  Entry*& head(std::uint64_t hash) { return heads[hash & (heads.size() - 1)]; }

  Entry* lookup(std::uint64_t hash, const Key& key) {
    for (Entry* entry = head(hash); entry != nullptr; entry = entry->next) {
      if (entry->hash == hash && entry->answers(key)) return entry;
    }
    return nullptr;
  }

  /// When the entry's answer can no longer be served, not even stale.
  MonoTime end_of(const Entry& entry) const {
    const seconds life(entry.answer.ttl_s);
    return entry.stored + life + (entry.failure ? seconds(0) : seconds(options.stale_for_s));
  }

  static std::size_t cost_of(const Entry& entry) {
    const Answer& answer = entry.answer;
    const std::size_t cost = sizeof(Entry) + kAllocationOctets + heap_octets(entry.qname) +
                             heap_octets(answer.wire) + heap_octets(answer.ttl_offsets) +
                             heap_octets(answer.names) + heap_octets(answer.addresses) +
                             answer.ede_text.capacity() + kAllocationOctets;
    return std::max(cost, kLeastCost);
  }

  void add(std::unique_ptr<Entry> entry) {
    entry->ring_index = ring.size();
    entry->next = head(entry->hash);
    head(entry->hash) = entry.get();
    octets += entry->cost;
    ring.push_back(std::move(entry));
  }

  void remove(Entry& entry) {
    Entry** link = &head(entry.hash);
    while (*link != &entry) link = &(*link)->next;
    *link = entry.next;
    octets -= entry.cost;
    const std::size_t index = entry.ring_index;
    ring.back()->ring_index = index;
    std::swap(ring[index], ring.back());
    ring.pop_back();  // Frees `entry`.
  }

  /// One turn of the clock's hand: the first entry that is dead or out of credit goes, at the
  /// latest the one with the least credit of kSweep entries.
  void evict(MonoTime now) {
    Entry* victim = nullptr;
    for (std::size_t i = 0; i < kSweep; ++i) {
      if (hand >= ring.size()) hand = 0;
      Entry& entry = *ring[hand++];
      if (now >= end_of(entry)) entry.credit = 0;
      if (victim == nullptr || entry.credit < victim->credit) victim = &entry;
      if (entry.credit == 0) break;
      --entry.credit;
    }
    remove(*victim);
    stats.evictions.add();
  }

  Options options;
  Stats stats;
  std::vector<Entry*> heads;
  std::vector<std::unique_ptr<Entry>> ring;
  std::size_t hand = 0;
  std::size_t fixed = 0;  ///< Octets of the two vectors.
  std::size_t octets = 0;
};

Cache::Cache(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
Cache::~Cache() = default;

Cache::Hit Cache::find(const Key& key, MonoTime now) {
  Impl& impl = *impl_;
  Impl::Entry* const entry =
      impl.heads.empty() ? nullptr : impl.lookup(hash_of(key, impl.options.hash_key), key);
  if (entry == nullptr || now >= impl.end_of(*entry)) {
    impl.stats.misses.add();
    return {};
  }
  entry->credit = std::min<std::uint8_t>(kMaxCredit, static_cast<std::uint8_t>(entry->credit + 1));
  if (entry->hits < kPopularHits) ++entry->hits;
  const microseconds age = std::max(now - entry->stored, microseconds(0));
  const microseconds life = seconds(entry->answer.ttl_s);
  Hit hit;
  hit.answer = &entry->answer;
  hit.age_s = static_cast<std::uint32_t>(std::chrono::duration_cast<seconds>(age).count());
  if (age < life) {
    hit.state = State::fresh;
    hit.prefetch = !entry->failure && entry->hits >= kPopularHits && (life - age) * 10 <= life;
    impl.stats.hits.add();
  } else {
    hit.state = State::stale;
    impl.stats.stale_hits.add();
  }
  return hit;
}

void Cache::insert(const Key& key, Answer answer, MonoTime now) {
  Impl& impl = *impl_;
  if (impl.heads.empty()) return;
  const std::uint64_t hash = hash_of(key, impl.options.hash_key);
  const bool failure = is_failure(answer);
  if (Impl::Entry* const old = impl.lookup(hash, key); old != nullptr) {
    if (failure && !old->failure && now < impl.end_of(*old)) return;
    impl.remove(*old);
  }
  if (answer.ttl_s == 0) return;
  auto entry = std::make_unique<Impl::Entry>();
  entry->hash = hash;
  entry->qname.assign(key.qname.wire().begin(), key.qname.wire().end());
  entry->qtype = key.qtype;
  entry->qclass = key.qclass;
  entry->dnssec_ok = key.dnssec_ok;
  entry->checking_disabled = key.checking_disabled;
  entry->failure = failure;
  entry->answer = std::move(answer);
  entry->stored = now;
  entry->cost = Impl::cost_of(*entry);
  if (impl.fixed + entry->cost > impl.options.max_octets) return;
  while (impl.octets + entry->cost > impl.options.max_octets) impl.evict(now);
  impl.add(std::move(entry));
  impl.stats.inserts.add();
}

void Cache::clear() {
  std::fill(impl_->heads.begin(), impl_->heads.end(), nullptr);
  impl_->ring.clear();
  impl_->hand = 0;
  impl_->octets = impl_->fixed;
}

std::size_t Cache::size() const {
  return impl_->ring.size();
}
std::size_t Cache::octets() const {
  return impl_->octets;
}
const Stats& Cache::stats() const {
  return impl_->stats;
}

}  // namespace postern::cache
