#include "feeds/zone_copy.h"

#include <algorithm>
#include <array>
#include <compare>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "dns/rdata.h"
#include "dns/zone_text.h"
#include "feeds/name_key.h"

namespace postern::feeds {
namespace {

using dns::Name;
using dns::RRType;

// A packed record: size of the key, key, type, TTL, size of the RDATA, RDATA. The key is that of
// the owner without the zone's name (name_key.h).
constexpr std::size_t kFixedOctets = 10;

struct Packed {
  OctetView key;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  OctetView rdata;
  std::size_t size = 0;  // Of all of it.
};

Packed read_packed(const std::uint8_t* at) {
  Packed record;
  const std::size_t key_size = load_u16(at);
  record.key = {at + 2, key_size};
  const std::uint8_t* const fixed = at + 2 + key_size;
  record.type = load_u16(fixed);
  record.ttl = load_u32(fixed + 2);
  const std::size_t rdata_size = load_u16(fixed + 6);
  record.rdata = {fixed + 8, rdata_size};
  record.size = kFixedOctets + key_size + rdata_size;
  return record;
}

std::strong_ordering order_of(OctetView a, OctetView b) {
  const std::size_t shared = std::min(a.size(), b.size());
  const int order = shared == 0 ? 0 : std::memcmp(a.data(), b.data(), shared);
  return order != 0 ? order <=> 0 : a.size() <=> b.size();
}

std::strong_ordering order_of(const Packed& a, const Packed& b) {
  if (const auto order = order_of(a.key, b.key); order != 0) return order;
  if (const auto order = a.type <=> b.type; order != 0) return order;
  return order_of(a.rdata, b.rdata);
}

Packed first_of(const ZoneCopyChunk& chunk) {
  return read_packed(chunk.octets.data());
}

// Calls `visit(record)` for each record of the chunk.
template <class Visit>
void for_each(const ZoneCopyChunk& chunk, Visit&& visit) {
  for (std::size_t at = 0; at < chunk.octets.size();) {
    const Packed record = read_packed(&chunk.octets[at]);
    visit(record);
    at += record.size;
  }
}

void pack(const ZoneCopyRecord& record, std::size_t origin_octets, Octets& out) {
  out.assign(2, 0);
  append_name_key(record.owner, origin_octets, out);
  store_u16(out.data(), static_cast<std::uint16_t>(out.size() - 2));
  const std::size_t at = out.size();
  out.resize(at + 8 + record.rdata.size());
  store_u16(&out[at], static_cast<std::uint16_t>(record.type));
  store_u32(&out[at + 2], record.ttl);
  store_u16(&out[at + 6], static_cast<std::uint16_t>(record.rdata.size()));
  if (!record.rdata.empty()) {
    std::memcpy(&out[at + 8], record.rdata.data(), record.rdata.size());
  }
}

void append_line(const Packed& record, std::string& text) {
  if (record.key.empty()) {
    text += '@';
  } else {
    text += name_of_key(record.key).to_display();
  }
  const auto type = static_cast<RRType>(record.type);
  text += ' ';
  text += std::to_string(record.ttl);
  text += " IN ";
  text += dns::to_string(type);
  text += ' ';
  text += dns::rdata_to_text(type, record.rdata);
  text += '\n';
}

bool is_soa(const Packed& record) {
  return record.key.empty() && record.type == static_cast<std::uint16_t>(RRType::soa);
}

// Where `packed` is in the chunk, or would be; and whether it is there.
struct Place {
  std::size_t at = 0;
  bool is_there = false;
};

Place find(const ZoneCopyChunk& chunk, const Packed& wanted) {
  const Packed last = read_packed(&chunk.octets[chunk.last]);
  const auto behind_last = order_of(wanted, last);
  if (behind_last > 0) return {chunk.octets.size(), false};
  if (behind_last == 0) return {chunk.last, true};
  std::size_t at = 0;
  for (;;) {
    const Packed record = read_packed(&chunk.octets[at]);
    const auto order = order_of(wanted, record);
    if (order <= 0) return {at, order == 0};
    at += record.size;
  }
}

}  // namespace

std::size_t ZoneCopy::memory_octets() const {
  std::size_t octets = sizeof *this + chunks_.capacity() * sizeof chunks_[0];
  for (const auto& chunk : chunks_) octets += sizeof *chunk + chunk->octets.capacity();
  return octets;
}

OctetView ZoneCopy::soa_rdata() const {
  OctetView rdata;
  for (const auto& chunk : chunks_) {  // The zone's own name comes first of all.
    if (!first_of(*chunk).key.empty()) break;
    for_each(*chunk, [&](const Packed& record) {
      if (is_soa(record) && rdata.empty()) rdata = record.rdata;
    });
    if (!rdata.empty()) break;
  }
  return rdata;
}

std::optional<Soa> ZoneCopy::soa() const {
  return soa_of(soa_rdata());
}

std::string ZoneCopy::to_text() const {
  std::string text;
  // Data in text is longer than packed, but for names that are left out.
  text.reserve(octets_ + octets_ / 2 + 512);
  text += "$ORIGIN " + origin_.to_text() + "\n";
  for (const bool soa : {true, false}) {
    for (const auto& chunk : chunks_) {
      if (soa && !first_of(*chunk).key.empty()) break;
      for_each(*chunk, [&](const Packed& record) {
        if (is_soa(record) == soa) append_line(record, text);
      });
    }
  }
  return text;
}

Result<ZoneCopy> ZoneCopy::from_text(std::string_view text, const Name& origin,
                                     const ZoneCopyLimits& limits) {
  ZoneCopyEditor editor(origin, limits);
  dns::ZoneTextReader reader(text, origin, 0);
  dns::ZoneRecord record;
  while (reader.next(record)) {
    static_cast<void>(
        POSTERN_TRY(editor.add({record.owner, record.type, record.ttl, record.rdata})));
  }
  if (reader.error()) {
    return fail(Errc::corrupt,
                "line " + std::to_string(reader.error()->line) + ": " + reader.error()->text);
  }
  return std::move(editor).finish();
}

ZoneCopyEditor::ZoneCopyEditor(const Name& origin, const ZoneCopyLimits& limits)
    : origin_(origin), limits_(limits) {}

ZoneCopyEditor::ZoneCopyEditor(const ZoneCopy& base, const ZoneCopyLimits& limits)
    : origin_(base.origin_),
      limits_(limits),
      record_count_(base.record_count_),
      octets_(base.octets_) {
  slots_.reserve(base.chunks_.size());
  for (const auto& chunk : base.chunks_) slots_.push_back({chunk, nullptr});
}

ZoneCopyChunk& ZoneCopyEditor::Slot::edit() {
  if (!own) own = std::make_unique<ZoneCopyChunk>(*std::exchange(shared, nullptr));
  return *own;
}

// The last slot that begins at or before the record; 0 where none does.
std::size_t ZoneCopyEditor::slot_for(OctetView packed) const {
  const Packed wanted = read_packed(packed.data());
  const auto behind = std::upper_bound(
      slots_.begin(), slots_.end(), wanted,
      [](const Packed& a, const Slot& b) { return order_of(a, first_of(b.chunk())) < 0; });
  const auto index = static_cast<std::size_t>(behind - slots_.begin());
  return index == 0 ? 0 : index - 1;
}

Result<bool> ZoneCopyEditor::add(const ZoneCopyRecord& record) {
  POSTERN_ASSERT(record.rdata.size() <= 0xffff);
  if (!record.owner.is_at_or_below(origin_)) {
    return fail(Errc::invalid_input,
                record.owner.to_display() + " is not in the zone " + origin_.to_display());
  }
  pack(record, origin_.wire().size(), packed_);
  Place place;
  std::size_t slot = 0;
  if (!slots_.empty()) {
    slot = slot_for(packed_);
    place = find(slots_[slot].chunk(), read_packed(packed_.data()));
    if (place.is_there) return false;
  }
  if (record_count_ >= limits_.max_records) {
    return fail(Errc::limit_exceeded, "over " + std::to_string(limits_.max_records) + " records");
  }
  if (octets_ + packed_.size() > limits_.max_octets) {
    return fail(Errc::limit_exceeded,
                "over " + std::to_string(limits_.max_octets) +
                    " octets; raise the feed's max_size if the zone is meant to be that large");
  }
  insert(slot, place.at, packed_);
  ++record_count_;
  octets_ += packed_.size();
  return true;
}

void ZoneCopyEditor::insert(std::size_t slot, std::size_t at, OctetView packed) {
  const bool is_full = !slots_.empty() && slots_[slot].chunk().octets.size() + packed.size() >
                                              ZoneCopyChunk::kMaxOctets;
  const bool is_end =
      slots_.empty() || (slot + 1 == slots_.size() && at == slots_[slot].chunk().octets.size());
  if (slots_.empty() || (is_full && is_end)) {
    // Zones mostly come in order: full chunks are left behind, not halves.
    slots_.push_back({nullptr, std::make_unique<ZoneCopyChunk>()});
    slots_.back().own->octets.reserve(std::max(packed.size(), ZoneCopyChunk::kMaxOctets));
    slot = slots_.size() - 1;
    at = 0;
  } else if (is_full && slots_[slot].chunk().count > 1) {
    split(slot);
    const std::size_t left = slots_[slot].chunk().octets.size();
    if (at > left) {
      ++slot;
      at -= left;
    }
  }
  ZoneCopyChunk& chunk = slots_[slot].edit();
  const bool is_last = at == chunk.octets.size();
  chunk.octets.insert(chunk.octets.begin() + static_cast<std::ptrdiff_t>(at), packed.begin(),
                      packed.end());
  chunk.last = static_cast<std::uint32_t>(is_last ? at : chunk.last + packed.size());
  ++chunk.count;
}

// Makes two chunks of one that has at least two records.
void ZoneCopyEditor::split(std::size_t slot) {
  ZoneCopyChunk& left = slots_[slot].edit();
  auto right = std::make_unique<ZoneCopyChunk>();
  std::size_t at = 0;
  std::uint32_t count = 0;
  std::size_t left_last = 0;
  while (count == 0 || (at < left.octets.size() / 2 && at < left.last)) {
    left_last = at;
    at += read_packed(&left.octets[at]).size;
    ++count;
  }
  right->octets.assign(left.octets.begin() + static_cast<std::ptrdiff_t>(at), left.octets.end());
  right->count = left.count - count;
  right->last = static_cast<std::uint32_t>(left.last - at);
  left.octets.resize(at);
  left.count = count;
  left.last = static_cast<std::uint32_t>(left_last);
  slots_.insert(slots_.begin() + static_cast<std::ptrdiff_t>(slot) + 1,
                Slot{nullptr, std::move(right)});
}

bool ZoneCopyEditor::remove(const ZoneCopyRecord& record) {
  if (slots_.empty() || !record.owner.is_at_or_below(origin_)) return false;
  pack(record, origin_.wire().size(), packed_);
  const std::size_t slot = slot_for(packed_);
  const Place place = find(slots_[slot].chunk(), read_packed(packed_.data()));
  if (!place.is_there) return false;
  ZoneCopyChunk& chunk = slots_[slot].edit();
  const std::size_t size = packed_.size();  // The same: only the TTL may differ.
  const auto begin = chunk.octets.begin() + static_cast<std::ptrdiff_t>(place.at);
  chunk.octets.erase(begin, begin + static_cast<std::ptrdiff_t>(size));
  --chunk.count;
  --record_count_;
  octets_ -= size;
  if (chunk.count == 0) {
    slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(slot));
    return true;
  }
  if (place.at < chunk.last) {
    chunk.last -= static_cast<std::uint32_t>(size);
  } else {
    std::size_t at = 0;
    for_each(chunk, [&](const Packed& left) {
      chunk.last = static_cast<std::uint32_t>(at);
      at += left.size;
    });
  }
  join_with_next(slot);
  return true;
}

// So that a zone that shrank does not stay spread over many chunks.
void ZoneCopyEditor::join_with_next(std::size_t slot) {
  constexpr std::size_t kSmall = ZoneCopyChunk::kMaxOctets / 4;
  if (slots_[slot].chunk().octets.size() > kSmall || slot + 1 == slots_.size()) return;
  const ZoneCopyChunk& next = slots_[slot + 1].chunk();
  if (next.octets.size() > ZoneCopyChunk::kMaxOctets / 2) return;
  ZoneCopyChunk& chunk = slots_[slot].edit();
  chunk.last = static_cast<std::uint32_t>(chunk.octets.size() + next.last);
  chunk.octets.insert(chunk.octets.end(), next.octets.begin(), next.octets.end());
  chunk.count += next.count;
  slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(slot) + 1);
}

ZoneCopy ZoneCopyEditor::finish() && {
  ZoneCopy copy;
  copy.origin_ = origin_;
  copy.record_count_ = record_count_;
  copy.octets_ = octets_;
  copy.chunks_.reserve(slots_.size());
  for (Slot& slot : slots_) {
    if (slot.own) {
      Octets& octets = slot.own->octets;
      if (octets.capacity() > octets.size() + octets.size() / 4) octets.shrink_to_fit();
      copy.chunks_.push_back(std::move(slot.own));
    } else {
      copy.chunks_.push_back(std::move(slot.shared));
    }
  }
  return copy;
}

}  // namespace postern::feeds
