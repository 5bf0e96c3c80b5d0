// Rules as octets, for another process of the same program.
#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>

#include "base/assert.h"
#include "policy/rule.h"

namespace postern::policy {
namespace {

constexpr std::uint32_t kMagic = 0x504b5233;  // "PKR3"
/// As an owner of no rule, nor a set of records, can have so many.
constexpr std::uint32_t kMaxRecords = 65'535;

struct Head {
  std::uint32_t magic = kMagic;
  std::uint32_t closest_encloser = 0;
  std::uint64_t entry_count = 0;
  std::uint64_t owner_octets = 0;
  std::uint64_t rest_octets = 0;  ///< SOA, notes and local data, behind entries and owners.
};

class Rest {
 public:
  void number(std::size_t value) {
    octets_.resize(octets_.size() + 4);
    store_u32(&octets_[octets_.size() - 4], static_cast<std::uint32_t>(value));
  }
  void text(OctetView text) {
    number(text.size());
    octets_.insert(octets_.end(), text.begin(), text.end());
  }
  const Octets& octets() const { return octets_; }

 private:
  Octets octets_;
};

template <typename T>
OctetView raw(const T& value) {
  return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

Unexpected<Error> damaged() {
  return fail(Errc::corrupt, "packed rules are damaged");
}

static_assert(sizeof(Head) == ZoneRules::kPackedHeadOctets);

Result<Head> head_of(OctetView octets) {
  Head head;
  if (octets.size() < sizeof head) return damaged();
  std::memcpy(&head, octets.data(), sizeof head);
  if (head.magic != kMagic || head.entry_count > ZoneRules::kMaxRules) return damaged();
  return head;
}

OctetView read_text(ByteReader& reader) {
  return reader.take(reader.u32());
}

/// An address in IPv6 that stands for one in IPv4 is none of ours.
bool is_prefix(OctetView owner) {
  if (owner.size() != 5 && owner.size() != 17) return false;
  const IpAddress address = IpAddress::from_octets(owner.subspan(1));
  return address.is_v4() == (owner.size() == 5) && owner[0] <= (owner.size() - 1) * 8;
}

}  // namespace

void ZoneRules::pack(const std::function<void(OctetView)>& write) const {
  static_assert(std::is_trivially_copyable_v<Entry>);
  Rest rest;
  rest.number(soa_ ? 1 : 0);
  if (soa_) {
    rest.text(soa_->origin.wire());
    rest.number(soa_->ttl);
    rest.text(soa_->rdata);
  }
  rest.number(static_cast<std::size_t>(sharing_));
  rest.number(since_s_);
  rest.text(
      {reinterpret_cast<const std::uint8_t*>(notes_.data()), notes_.size() * sizeof(RuleNote)});
  rest.number(data_.size());
  for (const std::vector<LocalRecord>& records : data_) {
    rest.number(records.size());
    for (const LocalRecord& record : records) {
      rest.number(static_cast<std::size_t>(record.type));
      rest.number(record.ttl);
      rest.text(record.rdata);
    }
  }
  Head head;
  head.closest_encloser = closest_encloser_ ? 1 : 0;
  head.entry_count = entries_.size();
  head.owner_octets = owners_.size();
  head.rest_octets = rest.octets().size();
  write(raw(head));
  write({reinterpret_cast<const std::uint8_t*>(entries_.data()), entries_.size() * sizeof(Entry)});
  write(owners_);
  write(rest.octets());
}

Result<std::uint64_t> ZoneRules::packed_count(OctetView head) {
  return POSTERN_TRY(head_of(head)).entry_count;
}

Result<ZoneRules> ZoneRules::unpack(OctetView octets) {
  ByteReader reader(octets);
  const Head head = POSTERN_TRY(head_of(reader.take(sizeof(Head))));
  const OctetView entries = reader.take(head.entry_count * sizeof(Entry));
  const OctetView owners = reader.take(head.owner_octets);
  if (!reader.ok() || reader.left() != head.rest_octets) return damaged();
  ZoneRules rules;
  rules.closest_encloser_ = head.closest_encloser != 0;
  if (!rules.unpack_rest(reader)) return damaged();
  rules.owners_.assign(owners.begin(), owners.end());
  rules.entries_.resize(head.entry_count);
  if (!entries.empty()) std::memcpy(rules.entries_.data(), entries.data(), entries.size());
  for (const Entry& entry : rules.entries_) {
    if (!rules.is_sound(entry)) return damaged();
    ++rules.counts_[entry.trigger];
  }
  return rules;
}

bool ZoneRules::unpack_rest(ByteReader& reader) {
  if (reader.u32() != 0) {
    const auto origin = dns::Name::from_labels(read_text(reader));
    const std::uint32_t ttl = reader.u32();
    const OctetView rdata = read_text(reader);
    if (!origin || !reader.ok()) return false;
    soa_ = ZoneSoa{*origin, ttl, {rdata.begin(), rdata.end()}};
  }
  if (!unpack_notes(reader)) return false;
  const std::uint32_t sets = reader.u32();
  for (std::uint32_t i = 0; i < sets && reader.ok(); ++i) {
    const std::uint32_t count = reader.u32();
    if (count > kMaxRecords) return false;
    std::vector<LocalRecord>& records = data_.emplace_back();
    for (std::uint32_t at = 0; at < count && reader.ok(); ++at) {
      LocalRecord record;
      record.type = static_cast<dns::RRType>(reader.u32());
      record.ttl = reader.u32();
      const OctetView rdata = read_text(reader);
      record.rdata.assign(rdata.begin(), rdata.end());
      records.push_back(std::move(record));
    }
  }
  return reader.ok() && reader.left() == 0;
}

bool ZoneRules::unpack_notes(ByteReader& reader) {
  const std::uint32_t sharing = reader.u32();
  since_s_ = reader.u32();
  const OctetView notes = read_text(reader);
  if (!reader.ok() || sharing > static_cast<std::uint32_t>(Sharing::red) ||
      notes.size() % sizeof(RuleNote) != 0) {
    return false;
  }
  sharing_ = static_cast<Sharing>(sharing);
  notes_.resize(notes.size() / sizeof(RuleNote));
  if (!notes.empty()) std::memcpy(notes_.data(), notes.data(), notes.size());
  return std::ranges::all_of(notes_,
                             [](const RuleNote& note) { return note.sharing <= Sharing::red; });
}

bool ZoneRules::is_sound(const Entry& entry) const {
  if (entry.trigger >= kTriggerCount ||
      entry.scope > static_cast<std::uint64_t>(Scope::at_and_below) ||
      entry.action > static_cast<std::uint64_t>(Action::local_data) ||
      entry.rank > static_cast<std::uint64_t>(Rank::normal) ||
      entry.owner_offset > owners_.size() ||
      entry.owner_size > owners_.size() - entry.owner_offset) {
    return false;
  }
  const bool is_local_data = entry.action == static_cast<std::uint64_t>(Action::local_data);
  if (is_local_data && entry.data >= data_.size()) return false;
  if (entry.has_note != 0 && (is_local_data || entry.data >= notes_.size())) return false;
  const OctetView owner = owner_at(entry);
  return has_prefix(static_cast<Trigger>(entry.trigger))
             ? is_prefix(owner)
             : dns::Name::from_labels(owner).has_value();
}

}  // namespace postern::policy
