#include "event/question_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "policy/name_hash.h"
#include "policy/rule.h"

namespace postern::event {
namespace {

constexpr std::size_t kFirstSlots = 1024;
constexpr std::uint32_t kNumberBits = 24;
constexpr std::uint32_t kNumberMask = (1U << kNumberBits) - 1;
/// A full table gives up one name in so many at a time.
constexpr std::size_t kEvictedPart = 8;
/// Names lie within what an entry's 32 bits can tell.
constexpr std::size_t kMaxNameOctets = std::size_t{1} << 31;

/// Room for trails, for each name that there is room for, and for a table of few names.
constexpr std::size_t kTrailOctets = 64, kLeastTrailOctets = 65'536;
constexpr std::size_t kTrailHeader = 4;

constexpr std::uint32_t kMagic = 0x50515433;  // "PQT3"
constexpr std::size_t kHeaderOctets = 4 + 2 + 1 + 4;
constexpr std::size_t kEntryOctets = 4 + 2 + 2 + 4 + 1 + 8 + 2;

class Writer {
 public:
  void u8(std::uint8_t value) { out_.push_back(value); }
  void u16(std::uint16_t value) {
    u8(static_cast<std::uint8_t>(value >> 8));
    u8(static_cast<std::uint8_t>(value));
  }
  void u32(std::uint32_t value) {
    u16(static_cast<std::uint16_t>(value >> 16));
    u16(static_cast<std::uint16_t>(value));
  }
  void octets(OctetView octets) { out_.insert(out_.end(), octets.begin(), octets.end()); }
  void reserve(std::size_t octets) { out_.reserve(octets); }
  Octets take() && { return std::move(out_); }

 private:
  Octets out_;
};

}  // namespace

QuestionTable::QuestionTable(const Limits& limits, std::uint64_t hash_key)
    : limits_(limits), hash_key_(hash_key), index_(kFirstSlots) {
  limits_.names = std::clamp<std::size_t>(limits_.names, 1, kMaxNames);
  limits_.days = std::max(limits_.days, 1U);
}

std::uint64_t QuestionTable::hash(OctetView wire) const {
  return policy::hash_name(wire, policy::Labels(wire), hash_key_);
}

OctetView QuestionTable::wire_of(const Entry& entry) const {
  std::size_t end = entry.name;
  while (names_[end] != 0) end += names_[end] + 1U;
  return OctetView(names_).subspan(entry.name, end + 1 - entry.name);
}

/// The slot that has the name, or the empty one where it would be.
std::uint32_t* QuestionTable::find_slot(OctetView wire, std::uint64_t hash) {
  const std::size_t mask = index_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 56);
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    std::uint32_t& slot = index_[at];
    if (slot == 0) return &slot;
    if (slot >> kNumberBits != tag) continue;
    const Entry& entry = entries_[(slot & kNumberMask) - 1];
    const bool fits = names_.size() - entry.name >= wire.size();
    if (fits && std::memcmp(names_.data() + entry.name, wire.data(), wire.size()) == 0) {
      return &slot;
    }
  }
}

std::uint32_t QuestionTable::group_bit(std::string_view group) {
  if (groups_.empty()) {
    groups_.emplace_back("default");
    group_days_.push_back(day_);
  }
  if (group.empty()) return 1;
  auto at = std::ranges::find(groups_, group);
  if (at == groups_.end()) {
    at = std::ranges::find(groups_, "");
    if (at == groups_.end()) {
      if (groups_.size() == kMaxGroups) return 1;
      group_days_.push_back(day_);
      at = groups_.emplace(groups_.end());
    }
    *at = group;
  }
  const auto place = static_cast<std::size_t>(at - groups_.begin());
  group_days_[place] = day_;
  return 1U << place;
}

/// Those that have not asked for so long that their names are forgotten, too: others asked for what
/// is left of them.
void QuestionTable::forget_groups() {
  std::uint32_t forgotten = 0;
  for (std::size_t i = 1; i < groups_.size(); ++i) {
    if (groups_[i].empty() || group_days_[i] + limits_.days > day_) continue;
    groups_[i].clear();
    forgotten |= 1U << i;
  }
  if (forgotten == 0) return;
  for (Entry& entry : entries_) entry.groups &= ~forgotten;
}

void QuestionTable::add(const AskedQuestion& question, std::uint16_t day) {
  begin_day(day);
  const OctetView wire = question.name.wire();
  const std::uint64_t name_hash = hash(wire);
  std::uint32_t* slot = find_slot(wire, name_hash);
  if (*slot == 0) {
    if (entries_.size() >= limits_.names || names_.size() + wire.size() > kMaxNameOctets) {
      make_room();
    }
    Entry made;
    made.first_day = day_;
    append(made, wire);
    slot = find_slot(wire, name_hash);
  }
  Entry& entry = entries_[(*slot & kNumberMask) - 1];
  entry.groups |= group_bit(question.group);
  entry.last_day = day_;
  if (entry.queries < kMaxQueries) entry.queries = (entry.queries + 1) & kMaxQueries;
  if (question.is_answered) entry.is_answered = 1;
  policy::ClientSketch clients(entry.clients, entry.is_estimate != 0);
  clients.add(question.client);
  entry.clients = clients.bits();
  entry.is_estimate = clients.is_estimate() ? 1 : 0;
}

void QuestionTable::append(Entry entry, OctetView wire) {
  entry.name = static_cast<std::uint32_t>(names_.size());
  names_.insert(names_.end(), wire.begin(), wire.end());
  entries_.push_back(entry);
  if (entries_.size() * 4 > index_.size() * 3) return rebuild_index(index_.size() * 2);
  const std::uint64_t name_hash = hash(wire);
  *find_slot(wire, name_hash) = static_cast<std::uint32_t>(name_hash >> 56) << kNumberBits |
                                static_cast<std::uint32_t>(entries_.size());
}

void QuestionTable::rebuild_index(std::size_t slots) {
  index_.assign(slots, 0);
  const std::size_t mask = slots - 1;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::uint64_t name_hash = hash(wire_of(entries_[i]));
    std::size_t at = name_hash & mask;
    while (index_[at] != 0) at = (at + 1) & mask;
    index_[at] = static_cast<std::uint32_t>(name_hash >> 56) << kNumberBits |
                 static_cast<std::uint32_t>(i + 1);
  }
}

template <class Keep>
void QuestionTable::keep_if(Keep keep) {
  std::size_t kept = 0, octets = 0;
  for (const Entry& entry : std::as_const(entries_)) {
    if (!keep(entry)) {
      if (entry.trail != 0) trails_wasted_ += kTrailHeader + load_u16(&trails_[entry.trail]);
      continue;
    }
    const OctetView wire = wire_of(entry);
    std::memmove(names_.data() + octets, wire.data(), wire.size());
    Entry moved = entry;
    moved.name = static_cast<std::uint32_t>(octets);
    octets += wire.size();
    entries_[kept++] = moved;
  }
  entries_.resize(kept);
  names_.resize(octets);
  if (trails_wasted_ > trails_.size() / 4) pack_trails();
  rebuild_index(std::max(kFirstSlots, std::bit_ceil(kept + kept / 2)));
}

void QuestionTable::make_room() {
  const auto worth = [](const Entry& entry) {
    return std::uint64_t{entry.is_answered} << 46 | std::uint64_t{entry.queries} << 16 |
           entry.last_day;
  };
  std::vector<std::uint64_t> worths;
  worths.reserve(entries_.size());
  for (const Entry& entry : entries_) worths.push_back(worth(entry));
  std::size_t to_go = entries_.size() / kEvictedPart + 1;
  const auto last = worths.begin() + static_cast<std::ptrdiff_t>(to_go - 1);
  std::ranges::nth_element(worths, last);
  const std::uint64_t limit = *last;
  evicted_ += to_go;
  keep_if([&](const Entry& entry) {
    if (worth(entry) > limit || to_go == 0) return true;
    --to_go;
    return false;
  });
}

void QuestionTable::begin_day(std::uint16_t day) {
  if (day <= day_) return;
  const unsigned passed = day - std::exchange(day_, day);
  forget_groups();
  if (entries_.empty()) return;
  for (Entry& entry : entries_) {
    std::uint64_t queries = entry.queries;
    for (unsigned i = 0; i < std::min(passed, limits_.days); ++i) queries -= queries / limits_.days;
    entry.queries = static_cast<std::uint32_t>(queries) & kMaxQueries;
  }
  keep_if([&](const Entry& entry) { return entry.last_day + limits_.days > day_; });
}

OctetView QuestionTable::trail_of(const Entry& entry) const {
  if (entry.trail == 0) return {};
  const std::size_t size = load_u16(&trails_[entry.trail + 2]);
  return OctetView(trails_).subspan(entry.trail + kTrailHeader, size);
}

void QuestionTable::learn(const dns::Name& name, AnswerTrail trail) {
  const OctetView wire = name.wire();
  const std::uint32_t slot = *find_slot(wire, hash(wire));
  if (slot == 0) return;
  Entry& entry = entries_[(slot & kNumberMask) - 1];
  trail.keep_other_family(trail_of(entry));
  put_trail(entry, trail.octets());
}

void QuestionTable::put_trail(Entry& entry, OctetView octets) {
  const std::size_t room = entry.trail == 0 ? 0 : load_u16(&trails_[entry.trail]);
  if (octets.size() > room) {
    const std::size_t most = std::max(limits_.names * kTrailOctets, kLeastTrailOctets);
    const std::size_t wanted = kTrailHeader + octets.size();
    if (trails_.size() + wanted > most && trails_wasted_ > trails_.size() / 4) pack_trails();
    if (trails_.size() + wanted > most) {
      ++trails_dropped_;
      return;
    }
    if (entry.trail != 0) trails_wasted_ += kTrailHeader + room;
    entry.trail = static_cast<std::uint32_t>(trails_.size());
    trails_.resize(trails_.size() + wanted);
    store_u16(&trails_[entry.trail], static_cast<std::uint16_t>(octets.size()));
  }
  if (entry.trail == 0) return;
  store_u16(&trails_[entry.trail + 2], static_cast<std::uint16_t>(octets.size()));
  std::ranges::copy(octets, trails_.begin() + entry.trail + kTrailHeader);
}

/// Leaves out what is nobody's.
void QuestionTable::pack_trails() {
  std::vector<std::uint8_t> packed = {0};
  packed.reserve(trails_.size() - std::min(trails_wasted_, trails_.size() - 1));
  for (Entry& entry : entries_) {
    const OctetView octets = trail_of(entry);
    const auto at = static_cast<std::uint32_t>(packed.size());
    entry.trail = octets.empty() ? 0 : at;
    if (octets.empty()) continue;
    packed.resize(packed.size() + kTrailHeader);
    store_u16(&packed[at], static_cast<std::uint16_t>(octets.size()));
    store_u16(&packed[at + 2], static_cast<std::uint16_t>(octets.size()));
    packed.insert(packed.end(), octets.begin(), octets.end());
  }
  trails_ = std::move(packed);
  trails_wasted_ = 0;
}

void QuestionTable::for_each(const std::function<void(const policy::AskedName&)>& take) const {
  TrailParts trail;
  for (const Entry& entry : entries_) {
    const auto name = dns::Name::from_labels(wire_of(entry));
    if (!name || !read_trail(trail_of(entry), trail)) continue;
    take({.name = *name,
          .groups = entry.groups,
          .queries = entry.queries,
          .clients = policy::ClientSketch(entry.clients, entry.is_estimate != 0),
          .is_answered = entry.is_answered != 0,
          .led_to = trail.names,
          .addresses = trail.addresses});
  }
}

std::size_t QuestionTable::memory_octets() const {
  return entries_.capacity() * sizeof(Entry) + names_.capacity() + trails_.capacity() +
         index_.capacity() * sizeof(std::uint32_t);
}

Octets QuestionTable::encode() const {
  Writer out;
  out.reserve(kHeaderOctets + 64 * groups_.size() + entries_.size() * kEntryOctets + names_.size() +
              trails_.size());
  out.u32(kMagic);
  out.u16(day_);
  out.u8(static_cast<std::uint8_t>(groups_.size()));
  out.u32(static_cast<std::uint32_t>(entries_.size()));
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    out.u16(group_days_[i]);
    const std::string_view text = std::string_view(groups_[i]).substr(0, 255);
    out.u8(static_cast<std::uint8_t>(text.size()));
    out.octets(octets_of(text));
  }
  for (const Entry& entry : entries_) {
    out.u32(entry.groups);
    out.u16(entry.first_day);
    out.u16(entry.last_day);
    out.u32(entry.queries);
    out.u8(static_cast<std::uint8_t>(entry.is_answered | entry.is_estimate << 1));
    out.u32(static_cast<std::uint32_t>(entry.clients >> 32));
    out.u32(static_cast<std::uint32_t>(entry.clients));
    const OctetView trail = trail_of(entry);
    out.u16(static_cast<std::uint16_t>(trail.size()));
    out.octets(trail);
    out.octets(wire_of(entry));
  }
  return std::move(out).take();
}

Result<void> QuestionTable::decode(OctetView octets) {
  const auto corrupt = [](std::string_view what) {
    return fail(Errc::corrupt, "not a memory of questions: " + std::string(what));
  };
  ByteReader in(octets);
  if (in.u32() != kMagic) return corrupt("it begins otherwise");
  QuestionTable made(limits_, hash_key_);
  made.day_ = in.u16();
  const std::size_t groups = in.u8();
  const std::size_t count = in.u32();
  if (!in.ok() || groups > kMaxGroups || count > in.left() / kEntryOctets) {
    return corrupt("it says more than it has");
  }
  for (std::size_t i = 0; i < groups; ++i) {
    made.group_days_.push_back(in.u16());
    const OctetView text = in.take(in.u8());
    if (!in.ok()) return corrupt("a group's name is cut off");
    made.groups_.emplace_back(text_of(text));
  }
  TrailParts parts;
  for (std::size_t i = 0; i < count; ++i) {
    Entry entry;
    entry.groups = in.u32();
    entry.first_day = in.u16();
    entry.last_day = in.u16();
    entry.queries = in.u32() & kMaxQueries;
    const std::uint8_t flags = in.u8();
    entry.is_answered = flags & 1;
    entry.is_estimate = flags >> 1 & 1;
    entry.clients = std::uint64_t{in.u32()} << 32;
    entry.clients |= in.u32();
    const OctetView trail = in.take(in.u16());
    if (!in.ok() || !read_trail(trail, parts)) return corrupt("where an answer led cannot be read");
    std::size_t end = in.offset();
    const auto name = dns::Name::from_wire(octets, end);
    if (!in.ok() || !name || end - in.offset() != name->wire().size()) {
      return corrupt("a name of it cannot be read");
    }
    in.skip(end - in.offset());
    // Under a lower limit than it was written with, what does not fit is left out.
    if (made.entries_.size() >= limits_.names) continue;
    if (*made.find_slot(name->wire(), made.hash(name->wire())) != 0) {
      return corrupt("a name is in it twice");
    }
    made.put_trail(entry, trail);
    made.append(entry, name->wire());
  }
  if (in.left() != 0) return corrupt("something follows it");
  *this = std::move(made);
  return {};
}

}  // namespace postern::event
