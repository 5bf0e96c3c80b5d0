#include "policy/rule.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "base/assert.h"

namespace postern::policy {
namespace {

OctetView packed_prefix(const IpPrefix& prefix, std::array<std::uint8_t, 17>& out) {
  const OctetView address = prefix.address().octets();
  out[0] = static_cast<std::uint8_t>(prefix.length());
  std::ranges::copy(address, out.begin() + 1);
  return OctetView(out).first(1 + address.size());
}

/// "24.0.2.0.192", "48.zz.db8.2001": length, then the address backwards; "zz" for the longest run
/// of at least two groups of zeros (RPZ draft §4.1.1).
std::string backwards(const IpPrefix& prefix) {
  const OctetView octets = prefix.address().octets();
  std::string text = std::to_string(prefix.length());
  if (prefix.address().is_v4()) {
    for (std::size_t i = 4; i-- > 0;) text += "." + std::to_string(octets[i]);
    return text;
  }
  std::size_t run_begin = 8;
  std::size_t run_size = 1;
  for (std::size_t begin = 0; begin < 8; ++begin) {
    std::size_t end = begin;
    while (end < 8 && load_u16(&octets[2 * end]) == 0) ++end;
    if (end - begin > run_size) {
      run_begin = begin;
      run_size = end - begin;
    }
  }
  for (std::size_t i = 8; i-- > 0;) {
    if (i >= run_begin && i < run_begin + run_size) {
      text += ".zz";
      i = run_begin;
      continue;
    }
    std::array<char, 4> hex{};
    const auto end = std::to_chars(hex.data(), hex.data() + 4, load_u16(&octets[2 * i]), 16).ptr;
    text += "." + std::string(hex.data(), end);
  }
  return text;
}

}  // namespace

dns::Name rpz_owner(const Rule& rule) {
  std::string_view suffix;
  switch (rule.trigger) {
    case Trigger::qname:
      return rule.name;
    case Trigger::nsdname:
      suffix = "rpz-nsdname";
      break;
    case Trigger::client_ip:
      suffix = "rpz-client-ip";
      break;
    case Trigger::response_ip:
      suffix = "rpz-ip";
      break;
    case Trigger::nsip:
      suffix = "rpz-nsip";
      break;
  }
  const auto below = dns::Name::from_text(suffix);
  const auto before =
      has_prefix(rule.trigger) ? dns::Name::from_text(backwards(rule.prefix)) : rule.name;
  POSTERN_ASSERT(below && before);
  return below->with_prefix(*before).value_or(*before);
}

void ZoneRules::add(const Rule& rule) {
  POSTERN_ASSERT(entries_.size() < kMaxRules);
  // Plan and writers of answers follow the index without looking again.
  POSTERN_ASSERT(rule.action != Action::local_data || rule.data < data_.size());
  std::array<std::uint8_t, 17> prefix;
  const OctetView owner =
      has_prefix(rule.trigger) ? packed_prefix(rule.prefix, prefix) : rule.name.wire();
  Entry entry{};
  entry.owner_offset = owners_.size() & ((std::uint64_t{1} << 40) - 1);
  entry.owner_size = static_cast<std::uint8_t>(owner.size());
  entry.scope = static_cast<std::uint8_t>(rule.scope) & 0xf;
  entry.action = static_cast<std::uint8_t>(rule.action) & 0xf;
  entry.rank = static_cast<std::uint8_t>(rule.rank) & 0xf;
  entry.trigger = static_cast<std::uint8_t>(rule.trigger) & 0x7;
  entry.line = rule.line;
  entry.data = rule.data;
  if (rule.note != kNoNote) {
    POSTERN_ASSERT(rule.data == kNoData && rule.note < notes_.size());
    entry.has_note = 1;
    entry.data = rule.note;
  }
  owners_.insert(owners_.end(), owner.begin(), owner.end());
  entries_.push_back(entry);
  ++counts_[static_cast<std::size_t>(rule.trigger)];
}

std::uint32_t ZoneRules::add_local_data(std::vector<LocalRecord> records) {
  POSTERN_ASSERT(data_.size() < kNoData);
  data_.push_back(std::move(records));
  return static_cast<std::uint32_t>(data_.size() - 1);
}

void ZoneRules::set_note(std::size_t index, std::uint32_t note) {
  Entry& entry = entries_[index];
  POSTERN_ASSERT(note < notes_.size() && entry.action != static_cast<unsigned>(Action::local_data));
  entry.has_note = 1;
  entry.data = note;
}

std::uint32_t ZoneRules::add_note(const RuleNote& note) {
  POSTERN_ASSERT(notes_.size() < kNoNote);
  notes_.push_back(note);
  return static_cast<std::uint32_t>(notes_.size() - 1);
}

void ZoneRules::reserve(std::size_t rules, std::size_t name_octets) {
  entries_.reserve(rules);
  owners_.reserve(name_octets);
}

IpPrefix ZoneRules::prefix_at(std::size_t index) const {
  const OctetView owner = owner_at(index);
  return {IpAddress::from_octets(owner.subspan(1)), owner[0]};
}

Rule ZoneRules::at(std::size_t index) const {
  const Entry& entry = entries_[index];
  Rule rule{.trigger = static_cast<Trigger>(entry.trigger),
            .scope = static_cast<Scope>(entry.scope),
            .action = static_cast<Action>(entry.action),
            .rank = static_cast<Rank>(entry.rank),
            .line = entry.line,
            .data = entry.has_note != 0 ? kNoData : entry.data,
            .note = note_at(index)};
  if (has_prefix(rule.trigger)) {
    rule.prefix = prefix_at(index);
  } else {
    const auto name = dns::Name::from_labels(name_at(index));
    POSTERN_ASSERT(name.has_value());
    rule.name = *name;
  }
  return rule;
}

RuleTraits ZoneRules::traits_at(std::size_t index) const {
  const Entry& entry = entries_[index];
  return {.trigger = static_cast<Trigger>(entry.trigger),
          .scope = static_cast<Scope>(entry.scope),
          .action = static_cast<Action>(entry.action),
          .rank = static_cast<Rank>(entry.rank)};
}

std::size_t ZoneRules::memory_octets() const {
  std::size_t octets = sizeof *this + owners_.capacity() + entries_.capacity() * sizeof(Entry) +
                       data_.capacity() * sizeof(std::vector<LocalRecord>) +
                       notes_.capacity() * sizeof(RuleNote);
  for (const auto& records : data_) {
    octets += records.capacity() * sizeof(LocalRecord);
    for (const LocalRecord& record : records) octets += record.rdata.capacity();
  }
  return octets;
}

}  // namespace postern::policy
