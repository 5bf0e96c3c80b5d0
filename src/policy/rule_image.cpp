#include "policy/rule_image.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <ranges>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "policy/limits.h"

namespace postern::policy {
namespace {

using image::Part;

Unexpected<Error> corrupt(std::string_view what) {
  return fail(Errc::corrupt, "the rule image is damaged: " + std::string(what));
}

/// A part as an array; nothing where its size or place does not fit.
template <typename T>
std::optional<std::span<const T>> array_of(OctetView part) {
  if (part.size() % sizeof(T) != 0) return std::nullopt;
  if (reinterpret_cast<std::uintptr_t>(part.data()) % alignof(T) != 0) return std::nullopt;
  return std::span(reinterpret_cast<const T*>(part.data()), part.size() / sizeof(T));
}

OctetView read_text(ByteReader& reader) {
  return reader.take(reader.u16());
}

bool is_one_name(OctetView wire) {
  return dns::Name::from_labels(wire).has_value();
}

/// The rest of `parts`, from an image's three parts of a table, and the table.
Result<NameTable> name_table(std::span<const OctetView, 3> from, NameTable::Parts parts) {
  const auto buckets = array_of<image::Bucket>(from[0]);
  const auto shadowed = array_of<image::Shadowed>(from[2]);
  if (!buckets || !shadowed) return corrupt("names");
  for (const image::Shadowed& rule : *shadowed) {
    if (rule.kind >= parts.kinds.size()) return corrupt("a shadowed rule");
  }
  // What is in the entries is checked as it is read. No more of them than a bucket is read for one
  // name.
  parts.buckets = *buckets;
  parts.entries = from[1];
  std::size_t end = parts.entries.size();
  for (const image::Bucket& bucket : parts.buckets | std::views::reverse) {
    if (bucket.begin > end || end - bucket.begin > image::kMaxBucketOctets) {
      return corrupt("buckets of names");
    }
    end = bucket.begin;
  }
  parts.shadowed = *shadowed;
  return NameTable(parts);
}

Result<PrefixTable> prefix_table(OctetView posting_part, OctetView range_part, OctetView slot_part,
                                 std::span<const image::Kind> kinds, std::uint64_t key) {
  const auto postings = array_of<image::PrefixPosting>(posting_part);
  const auto ranges = array_of<image::PrefixRange>(range_part);
  const auto slots = array_of<std::uint32_t>(slot_part);
  if (!postings || !ranges || !slots) return corrupt("prefixes");
  for (const image::PrefixPosting& posting : *postings) {
    const bool is_v4 = IpAddress::from_octets(posting.address).is_v4();
    if (posting.kind >= kinds.size() || is_v4 != (posting.is_v4 != 0) || posting.length > 128 ||
        (is_v4 && posting.length < 96)) {
      return corrupt("a prefix");
    }
  }
  for (const image::PrefixRange& range : *ranges) {
    if (range.first >= postings->size() || range.count > postings->size() - range.first) {
      return corrupt("prefix ranges");
    }
  }
  if (!slots->empty()) {
    std::size_t taken = 0;
    for (const std::uint32_t slot : *slots) {
      if (slot == image::kNoRange) continue;
      if (slot >= ranges->size()) return corrupt("prefix slots");
      ++taken;
    }
    if (!std::has_single_bit(slots->size()) || taken * 2 > slots->size()) {
      return corrupt("prefix slots");
    }
  }
  return PrefixTable(*postings, *ranges, *slots, kinds, key);
}

}  // namespace

std::uint64_t ImageZone::rule_count() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

bool image_checksum_holds(
    std::uint64_t size,
    const std::function<bool(std::uint64_t offset, std::span<std::uint8_t>)>& read) {
  if (size < sizeof(image::Header)) return false;
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       &XXH3_freeState);
  if (!state) return false;
  XXH3_64bits_reset(state.get());
  constexpr std::size_t kPiece = std::size_t{1} << 18;
  Octets piece(kPiece);
  image::Header header;
  for (std::uint64_t at = 0; at < size;) {
    const auto room = std::span(piece).first(std::min<std::uint64_t>(kPiece, size - at));
    if (!read(at, room)) return false;
    std::size_t skipped = 0;
    if (at == 0) {
      std::memcpy(&header, room.data(), sizeof header);
      skipped = image::kCheckedFrom;
    }
    XXH3_64bits_update(state.get(), room.data() + skipped, room.size() - skipped);
    at += room.size();
  }
  return XXH3_64bits_digest(state.get()) == header.check;
}

Result<std::shared_ptr<const RuleImage>> RuleImage::open(OctetView octets,
                                                         std::shared_ptr<const void> owner) {
  return open(octets, std::move(owner), Checksum::verify);
}

Result<std::shared_ptr<const RuleImage>> RuleImage::open_checked(
    OctetView octets, std::shared_ptr<const void> owner) {
  return open(octets, std::move(owner), Checksum::known);
}

Result<std::shared_ptr<const RuleImage>> RuleImage::open(OctetView octets,
                                                         std::shared_ptr<const void> owner,
                                                         Checksum checksum) {
  std::shared_ptr<RuleImage> opened(new RuleImage());
  opened->owner_ = std::move(owner);
  POSTERN_CHECK(opened->read(octets, checksum));
  return std::shared_ptr<const RuleImage>(std::move(opened));
}

Result<void> RuleImage::read(OctetView octets, Checksum checksum) {
  octets_ = octets;
  const auto headers =
      array_of<image::Header>(octets.first(std::min(octets.size(), sizeof(image::Header))));
  if (!headers || headers->empty()) return corrupt("it is too short");
  const image::Header& header = headers->front();
  if (header.magic != image::kMagic) return corrupt("it does not begin as one");
  if (header.version != image::kVersion || header.header_octets != sizeof(image::Header)) {
    return fail(Errc::corrupt, "the rule image has format " + std::to_string(header.version) +
                                   ", this program reads " + std::to_string(image::kVersion));
  }
  if (header.total_octets != octets.size()) {
    return corrupt("it has " + std::to_string(octets.size()) + " octets instead of " +
                   std::to_string(header.total_octets));
  }
  const OctetView checked = octets.subspan(image::kCheckedFrom);
  if (checksum == Checksum::verify && XXH3_64bits(checked.data(), checked.size()) != header.check) {
    return corrupt("its checksum does not hold");
  }
  std::array<OctetView, image::kPartCount> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const image::Extent& extent = header.parts[i];
    if (extent.offset > octets.size() || extent.size > octets.size() - extent.offset) {
      return corrupt("a part lies outside");
    }
    parts[i] = octets.subspan(extent.offset, extent.size);
  }
  const auto part = [&parts](Part which, std::size_t next = 0) {
    return parts[static_cast<std::size_t>(which) + next];
  };
  rule_count_ = header.rule_count;
  hash_key_ = header.hash_key;
  POSTERN_CHECK(read_zones(part(Part::zones)));
  POSTERN_CHECK(read_suffixes(part(Part::suffixes)));
  POSTERN_CHECK(read_data(part(Part::data_index), part(Part::data)));
  POSTERN_CHECK(read_notes(part(Part::notes)));
  POSTERN_CHECK(read_kinds(part(Part::kinds)));
  const auto names = [&](Part first, const image::Depths& depths) {
    return name_table(std::span(parts).subspan(static_cast<std::size_t>(first)).first<3>(),
                      {.kinds = kinds_,
                       .suffixes = &suffixes_,
                       .depths = &depths,
                       .hash_key = header.hash_key,
                       .hash_mask = header.hash_mask});
  };
  qnames_ = POSTERN_TRY(names(Part::qname_buckets, header.depths[0]));
  nsdnames_ = POSTERN_TRY(names(Part::nsdname_buckets, header.depths[1]));
  const auto prefixes = [&](Part first) {
    return prefix_table(part(first), part(first, 1), part(first, 2), kinds_, header.hash_key);
  };
  client_ips_ = POSTERN_TRY(prefixes(Part::client_ip_postings));
  response_ips_ = POSTERN_TRY(prefixes(Part::response_ip_postings));
  nsips_ = POSTERN_TRY(prefixes(Part::nsip_postings));
  return {};
}

Result<void> RuleImage::read_zones(OctetView part) {
  ByteReader reader(part);
  const std::uint32_t count = reader.u32();
  if (count > kMaxZones) return corrupt("too many zones");
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    ImageZone zone;
    zone.name = text_of(read_text(reader));
    zone.source = text_of(read_text(reader));
    zone.closest_encloser = reader.u8() != 0;
    zone.sharing = static_cast<Sharing>(reader.u8());
    if (zone.sharing > Sharing::red) return corrupt("the marking of a zone");
    zone.since_s = reader.u32();
    for (std::uint64_t& of_trigger : zone.counts) of_trigger = reader.u32();
    if (reader.u8() != 0) {
      ZoneSoa soa;
      const auto origin = dns::Name::from_labels(read_text(reader));
      if (!origin) return corrupt("the SOA of a zone");
      soa.origin = *origin;
      soa.ttl = reader.u32();
      const OctetView rdata = read_text(reader);
      soa.rdata.assign(rdata.begin(), rdata.end());
      zone.soa = std::move(soa);
    }
    zones_.push_back(std::move(zone));
  }
  if (!reader.ok() || reader.left() != 0) return corrupt("zones");
  std::uint64_t rules = 0;
  for (const ImageZone& zone : zones_) rules += zone.rule_count();
  // A rule takes at least an octet for its kind.
  if (rules != rule_count_ || rules > octets_.size()) return corrupt("the number of rules");
  return {};
}

Result<void> RuleImage::read_kinds(OctetView part) {
  const auto kinds = array_of<image::Kind>(part);
  if (!kinds) return corrupt("kinds");
  for (const image::Kind& kind : *kinds) {
    const bool is_scope = kind.scope <= static_cast<std::uint8_t>(Scope::at_and_below) ||
                          kind.scope == static_cast<std::uint8_t>(kExists);
    const bool has_both =
        (kind.flags & image::kHasData) != 0 && (kind.flags & image::kHasNote) != 0;
    if (kind.zone >= zones_.size() || !is_scope || has_both ||
        kind.action > static_cast<std::uint8_t>(Action::local_data) ||
        kind.rank > static_cast<std::uint8_t>(Rank::normal)) {
      return corrupt("a kind of rule");
    }
  }
  kinds_ = *kinds;
  return {};
}

Result<void> RuleImage::read_suffixes(OctetView part) {
  ByteReader reader(part);
  for (std::size_t i = 0; reader.left() > 0; ++i) {
    const OctetView suffix = reader.take(reader.u8());
    if (i >= suffixes_.size() || !reader.ok() || !is_one_name(suffix)) return corrupt("suffixes");
    suffixes_[i] = suffix;
  }
  return {};
}

Result<void> RuleImage::read_data(OctetView index, OctetView data) {
  const auto offsets = array_of<std::uint64_t>(index);
  if (!offsets || !std::ranges::is_sorted(*offsets)) return corrupt("record sets");
  if (!offsets->empty() && offsets->back() > data.size()) return corrupt("record sets");
  data_index_ = *offsets;
  data_ = data;
  return {};
}

Result<void> RuleImage::read_notes(OctetView part) {
  const auto notes = array_of<RuleNote>(part);
  if (!notes) return corrupt("notes");
  for (const RuleNote& note : *notes) {
    if (note.sharing > Sharing::red) return corrupt("a note");
  }
  notes_ = *notes;
  return {};
}

std::vector<LocalRecord> RuleImage::local_data(std::uint32_t index) const {
  std::vector<LocalRecord> records;
  if (index >= data_index_.size() || index + 1 >= data_index_.size()) return records;
  const std::uint64_t begin = data_index_[index];
  ByteReader reader(data_.subspan(begin, data_index_[index + 1] - begin));
  while (reader.left() > 0) {
    LocalRecord record;
    record.type = static_cast<dns::RRType>(reader.u16());
    record.ttl = reader.u32();
    const OctetView rdata = read_text(reader);
    if (!reader.ok()) break;
    record.rdata.assign(rdata.begin(), rdata.end());
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace postern::policy
