#include "policy/exception_table.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "policy/limits.h"
#include "policy/name_hash.h"

namespace postern::policy {
namespace {

constexpr std::int64_t kForEver = std::numeric_limits<std::int64_t>::max();
constexpr std::uint32_t kNoEntry = 0xffffffff;

std::int64_t microseconds_of(WallTime at) {
  return at.time_since_epoch().count();
}

/// Each text once.
class TextPool {
 public:
  explicit TextPool(std::vector<std::string>& texts) : texts_(texts) {}
  std::uint32_t add(const std::string& text) {
    const auto [at, is_new] = numbers_.try_emplace(text, static_cast<std::uint32_t>(texts_.size()));
    if (is_new) texts_.push_back(text);
    return at->second;
  }

 private:
  std::vector<std::string>& texts_;
  std::map<std::string, std::uint32_t> numbers_;
};

}  // namespace

Result<std::shared_ptr<const ExceptionTable>> ExceptionTable::create(
    std::span<const Exception> exceptions, ZoneOptions answers, std::uint64_t hash_key) {
  if (exceptions.size() > kMaxExceptionsInForce) {
    return fail(Errc::limit_exceeded, std::to_string(exceptions.size()) +
                                          " exceptions and names of groups' own lists; " +
                                          "at most " + std::to_string(kMaxExceptionsInForce));
  }
  // Not make_shared: the constructor is private.
  std::shared_ptr<ExceptionTable> table(new ExceptionTable(std::move(answers), hash_key));
  table->fill(exceptions);
  return table;
}

std::shared_ptr<const ExceptionTable> ExceptionTable::none() {
  auto table = create({}, {}, 0);
  POSTERN_ASSERT(table.has_value());
  return *std::move(table);
}

ExceptionTable::ExceptionTable(ZoneOptions answers, std::uint64_t hash_key)
    : answers_(std::move(answers)), hash_key_(hash_key) {}

void ExceptionTable::fill(std::span<const Exception> exceptions) {
  for (const Exception& exception : exceptions) {
    POSTERN_ASSERT(exception.scope != Scope::below);
    audiences_.push_back(exception.audience);
    const Audience& audience = exception.audience;
    if (audience.kind != Audience::Kind::clients) continue;
    lengths_[audience.clients.address().is_v4() ? 0 : 1].set(audience.clients.length());
  }
  std::ranges::sort(audiences_);
  audiences_.erase(std::ranges::unique(audiences_).begin(), audiences_.end());
  audiences_.shrink_to_fit();
  std::vector<std::uint32_t> order(exceptions.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    const Exception& x = exceptions[a];
    const Exception& y = exceptions[b];
    if (const auto names = x.name <=> y.name; names != 0) return names < 0;
    if (const auto who = x.audience <=> y.audience; who != 0) return who < 0;
    if (x.scope != y.scope) return x.scope == Scope::exact;
    if (x.action != y.action) return x.action == Action::pass;
    return a > b;
  });
  add_names(exceptions, order);
  add_slots();
}

void ExceptionTable::add_names(std::span<const Exception> exceptions,
                               std::span<const std::uint32_t> order) {
  TextPool texts(texts_);
  entries_.reserve(order.size());
  const dns::Name* before = nullptr;
  for (const std::uint32_t at : order) {
    const Exception& from = exceptions[at];
    const auto audience = audience_number(from.audience);
    POSTERN_ASSERT(audience.has_value());
    Entry entry{.since_us = microseconds_of(from.since),
                .until_us = from.until ? microseconds_of(*from.until) : kForEver,
                .name = static_cast<std::uint32_t>(names_.size()),
                .audience = *audience,
                .id = from.id,
                .owner = texts.add(from.owner),
                .reason = texts.add(from.reason),
                .labels = static_cast<std::uint8_t>(from.name.label_count()),
                .scope = from.scope,
                .action = from.action};
    if (before != nullptr && *before == from.name) {
      entry.name = entries_.back().name;
    } else {
      const OctetView wire = from.name.wire();
      names_.insert(names_.end(), wire.begin(), wire.end());
      depths_.set(entry.labels);
    }
    before = &from.name;
    entries_.push_back(entry);
  }
  names_.shrink_to_fit();
  texts_.shrink_to_fit();
}

void ExceptionTable::add_slots() {
  if (entries_.empty()) return;
  // At most half of them taken, so that a search ends soon.
  slots_.assign(std::bit_ceil(entries_.size() * 2), kNoEntry);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    if (i > 0 && entries_[i - 1].name == entries_[i].name) continue;
    const OctetView wire = name_of(entries_[i]);
    std::size_t slot = hash_name(wire, Labels(wire), hash_key_) & mask;
    while (slots_[slot] != kNoEntry) slot = (slot + 1) & mask;
    slots_[slot] = i;
  }
}

std::size_t ExceptionTable::memory_octets() const {
  std::size_t octets = sizeof *this + entries_.capacity() * sizeof(Entry) + names_.capacity() +
                       audiences_.capacity() * sizeof(Audience) +
                       texts_.capacity() * sizeof(std::string) +
                       slots_.capacity() * sizeof(std::uint32_t);
  for (const std::string& text : texts_) octets += text.capacity();
  return octets;
}

OctetView ExceptionTable::name_of(const Entry& entry) const {
  std::size_t end = entry.name;
  while (names_[end] != 0) end += names_[end] + 1U;
  return {&names_[entry.name], end + 1 - entry.name};
}

std::optional<std::uint32_t> ExceptionTable::audience_number(const Audience& audience) const {
  const auto at = std::ranges::lower_bound(audiences_, audience);
  if (at == audiences_.end() || *at != audience) return std::nullopt;
  return static_cast<std::uint32_t>(at - audiences_.begin());
}

void ExceptionTable::find_names(const dns::Name& name, Hits& hits) const {
  const OctetView wire = name.wire();
  const Labels labels(wire);
  const std::size_t mask = slots_.size() - 1;
  std::uint64_t hash = hash_key_;
  // From the root on, so the longest comes last; turned round at the end.
  for (std::size_t depth = 0;; ++depth) {
    if (depths_[depth]) {
      const OctetView suffix = wire.subspan(labels.start_of(depth));
      for (std::size_t slot = hash & mask; slots_[slot] != kNoEntry; slot = (slot + 1) & mask) {
        const Entry& entry = entries_[slots_[slot]];
        if (entry.labels != depth || !std::ranges::equal(name_of(entry), suffix)) continue;
        const std::uint32_t first = slots_[slot];
        std::uint32_t end = first + 1;
        // Names are in order: the range ends where the next name begins, found by halves.
        const auto next =
            std::partition_point(entries_.begin() + end, entries_.end(),
                                 [&](const Entry& other) { return other.name <= entry.name; });
        end = static_cast<std::uint32_t>(next - entries_.begin());
        hits.items[hits.count++] = {first, end - first, depth == labels.count};
        break;
      }
    }
    if (depth == labels.count) break;
    hash = extend_hash(hash, &wire[labels.starts[labels.count - depth - 1]]);
  }
  std::reverse(hits.items.begin(), hits.items.begin() + static_cast<std::ptrdiff_t>(hits.count));
}

template <class Take>
void ExceptionTable::for_each_audience(const Asker& asker, Take take) const {
  // Names are compared where they are: making an Audience of a long name would allocate.
  const auto with_name = [&](Audience::Kind kind, std::string_view name) {
    if (name.empty()) return false;
    const auto at = std::ranges::lower_bound(
        audiences_, std::pair(kind, name), {},
        [](const Audience& a) { return std::pair(a.kind, std::string_view(a.name)); });
    const bool found = at != audiences_.end() && at->kind == kind && at->name == name;
    return found && take(static_cast<std::uint32_t>(at - audiences_.begin()));
  };
  const bool is_v4 = asker.client && asker.client->is_v4();
  const std::bitset<129>& lengths = lengths_[is_v4 ? 0 : 1];
  if (asker.client && lengths.any()) {
    Audience of{.kind = Audience::Kind::clients};
    for (unsigned length = asker.client->bit_count() + 1; length-- > 0;) {
      if (!lengths[length]) continue;
      of.clients = IpPrefix(*asker.client, length);
      const auto number = audience_number(of);
      if (number && take(*number)) return;
    }
  }
  if (with_name(Audience::Kind::hours, asker.hours)) return;
  if (with_name(Audience::Kind::group, asker.group)) return;
  if (with_name(Audience::Kind::tenant, asker.tenant)) return;
  if (const auto number = audience_number({})) take(*number);
}

template <class Take>
bool ExceptionTable::for_each_entry(const Hit& hit, std::uint32_t audience, std::int64_t now_us,
                                    Take take) const {
  const std::span<const Entry> range(&entries_[hit.first], hit.count);
  const auto first = std::ranges::lower_bound(range, audience, {}, &Entry::audience);
  for (auto at = first; at != range.end() && at->audience == audience; ++at) {
    if (at->until_us <= now_us || (at->scope == Scope::exact && !hit.whole)) continue;
    if (take(static_cast<std::uint32_t>(hit.first + (at - range.begin())))) return true;
  }
  return false;
}

std::optional<std::uint32_t> ExceptionTable::find_among(const Asker& asker, const dns::Name& name,
                                                        WallTime now) const {
  Hits hits;
  find_names(name, hits);
  std::optional<std::uint32_t> found;
  if (hits.count == 0) return found;
  for_each_audience(asker, [&](std::uint32_t audience) {
    for (std::size_t i = 0; i < hits.count; ++i) {
      const auto take = [&](std::uint32_t number) {
        found = number;
        return true;
      };
      if (for_each_entry(hits.items[i], audience, microseconds_of(now), take)) return true;
    }
    return false;
  });
  return found;
}

std::vector<std::uint32_t> ExceptionTable::find_all(const Asker& asker, const dns::Name& name,
                                                    WallTime now) const {
  std::vector<std::uint32_t> all;
  if (entries_.empty()) return all;
  Hits hits;
  find_names(name, hits);
  for_each_audience(asker, [&](std::uint32_t audience) {
    for (std::size_t i = 0; i < hits.count; ++i) {
      for_each_entry(hits.items[i], audience, microseconds_of(now), [&](std::uint32_t number) {
        all.push_back(number);
        return false;
      });
    }
    return false;
  });
  return all;
}

std::vector<std::uint32_t> ExceptionTable::holding(const Asker& asker, WallTime now) const {
  std::vector<bool> is_in(audiences_.size());
  for_each_audience(asker, [&](std::uint32_t audience) {
    is_in[audience] = true;
    return false;
  });
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    const bool holds = entries_[i].until_us > microseconds_of(now);
    if (holds && is_in[entries_[i].audience]) numbers.push_back(i);
  }
  return numbers;
}

std::optional<WallTime> ExceptionTable::next_end(WallTime now) const {
  std::int64_t next = kForEver;
  for (const Entry& entry : entries_) {
    if (entry.until_us > microseconds_of(now)) next = std::min(next, entry.until_us);
  }
  if (next == kForEver) return std::nullopt;
  return WallTime(microseconds(next));
}

Exception ExceptionTable::at(std::uint32_t number) const {
  POSTERN_ASSERT(number < entries_.size());
  const Entry& entry = entries_[number];
  const auto name = dns::Name::from_labels(name_of(entry));
  POSTERN_ASSERT(name.has_value());
  Exception exception{.id = entry.id,
                      .name = *name,
                      .scope = entry.scope,
                      .action = entry.action,
                      .audience = audiences_[entry.audience],
                      .since = WallTime(microseconds(entry.since_us)),
                      .owner = texts_[entry.owner],
                      .reason = texts_[entry.reason]};
  if (entry.until_us != kForEver) exception.until = WallTime(microseconds(entry.until_us));
  return exception;
}

}  // namespace postern::policy
