#include "policy/rule.h"

#include <utility>

#include "base/assert.h"

namespace postern::policy {

void ZoneRules::add(const Rule& rule) {
  POSTERN_ASSERT(entries_.size() < kMaxRules);
  // Plan and writers of answers follow the index without looking again.
  POSTERN_ASSERT(rule.action != Action::local_data || rule.data < data_.size());
  const OctetView name = rule.name.wire();
  Entry entry{};
  entry.name_offset = names_.size() & ((std::uint64_t{1} << 40) - 1);
  entry.name_size = static_cast<std::uint8_t>(name.size());
  entry.scope = static_cast<std::uint8_t>(rule.scope) & 0xf;
  entry.action = static_cast<std::uint8_t>(rule.action) & 0xf;
  entry.rank = static_cast<std::uint8_t>(rule.rank);
  entry.line = rule.line;
  entry.data = rule.data;
  names_.insert(names_.end(), name.begin(), name.end());
  entries_.push_back(entry);
}

std::uint32_t ZoneRules::add_local_data(std::vector<LocalRecord> records) {
  POSTERN_ASSERT(data_.size() < kNoData);
  data_.push_back(std::move(records));
  return static_cast<std::uint32_t>(data_.size() - 1);
}

void ZoneRules::reserve(std::size_t rules, std::size_t name_octets) {
  entries_.reserve(rules);
  names_.reserve(name_octets);
}

Rule ZoneRules::at(std::size_t index) const {
  const Entry& entry = entries_[index];
  const auto name = dns::Name::from_labels(name_at(index));
  POSTERN_ASSERT(name.has_value());
  return {.name = *name,
          .scope = static_cast<Scope>(entry.scope),
          .action = static_cast<Action>(entry.action),
          .rank = static_cast<Rank>(entry.rank),
          .line = entry.line,
          .data = entry.data};
}

RuleTraits ZoneRules::traits_at(std::size_t index) const {
  const Entry& entry = entries_[index];
  return {.scope = static_cast<Scope>(entry.scope),
          .action = static_cast<Action>(entry.action),
          .rank = static_cast<Rank>(entry.rank)};
}

std::size_t ZoneRules::memory_octets() const {
  std::size_t octets = sizeof *this + names_.capacity() + entries_.capacity() * sizeof(Entry) +
                       data_.capacity() * sizeof(std::vector<LocalRecord>);
  for (const auto& records : data_) {
    octets += records.capacity() * sizeof(LocalRecord);
    for (const LocalRecord& record : records) octets += record.rdata.capacity();
  }
  return octets;
}

}  // namespace postern::policy
