#include "policy/image_writer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <tuple>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "policy/limits.h"
#include "policy/name_table_builder.h"
#include "policy/prefix_table.h"

namespace postern::policy {
namespace {

using image::Part;

void append_u16(Octets& out, std::size_t value) {
  out.resize(out.size() + 2);
  store_u16(&out[out.size() - 2], static_cast<std::uint16_t>(value));
}
void append_u32(Octets& out, std::size_t value) {
  out.resize(out.size() + 4);
  store_u32(&out[out.size() - 4], static_cast<std::uint32_t>(value));
}
void append_text(Octets& out, OctetView text) {
  append_u16(out, text.size());
  out.insert(out.end(), text.begin(), text.end());
}

Octets zones_part(std::span<const ZoneContent> zones) {
  Octets out;
  append_u32(out, zones.size());
  for (const ZoneContent& zone : zones) {
    append_text(out, octets_of(zone.name));
    append_text(out, octets_of(zone.source));
    out.push_back(zone.rules->closest_encloser() ? 1 : 0);
    out.push_back(static_cast<std::uint8_t>(zone.rules->sharing()));
    append_u32(out, zone.rules->since_s());
    for (std::size_t trigger = 0; trigger < kTriggerCount; ++trigger) {
      append_u32(out, zone.rules->count_of(static_cast<Trigger>(trigger)));
    }
    const auto& soa = zone.rules->soa();
    out.push_back(soa ? 1 : 0);
    if (!soa) continue;
    append_text(out, soa->origin.wire());
    append_u32(out, soa->ttl);
    append_text(out, soa->rdata);
  }
  return out;
}

struct DataParts {
  std::vector<std::uint64_t> index{0};
  Octets data;
};

void append_records(DataParts& parts, const std::vector<LocalRecord>& records) {
  for (const LocalRecord& record : records) {
    append_u16(parts.data, static_cast<std::size_t>(record.type));
    append_u32(parts.data, record.ttl);
    append_text(parts.data, record.rdata);
  }
  parts.index.push_back(parts.data.size());
}

/// The image as it grows.
class Assembly {
 public:
  Assembly() : octets_(sizeof(image::Header)) {}

  void add(Part part, OctetView octets) {
    octets_.resize((octets_.size() + image::kAlignment - 1) / image::kAlignment *
                   image::kAlignment);
    header_.parts[static_cast<std::size_t>(part)] = {octets_.size(), octets.size()};
    octets_.insert(octets_.end(), octets.begin(), octets.end());
  }
  template <typename T>
  void add(Part part, const std::vector<T>& items) {
    add(part,
        OctetView(reinterpret_cast<const std::uint8_t*>(items.data()), items.size() * sizeof(T)));
  }
  void reserve(std::size_t more) { octets_.reserve(octets_.size() + more); }
  image::Header& header() { return header_; }

  Octets finish() && {
    header_.magic = image::kMagic;
    header_.version = image::kVersion;
    header_.header_octets = sizeof(image::Header);
    header_.total_octets = octets_.size();
    std::memcpy(octets_.data(), &header_, sizeof header_);
    header_.check =
        XXH3_64bits(octets_.data() + image::kCheckedFrom, octets_.size() - image::kCheckedFrom);
    std::memcpy(octets_.data(), &header_, sizeof header_);
    return std::move(octets_);
  }

 private:
  Octets octets_;
  image::Header header_{};
};

std::vector<image::PrefixPosting> prefix_postings(const ImageContext& context, Trigger trigger) {
  struct Sorted {
    image::PrefixPosting posting;
    std::uint16_t zone;
    std::uint32_t rule;
  };
  std::vector<Sorted> sorted;
  for (std::size_t zone = 0; zone < context.zones.size(); ++zone) {
    const ZoneRules& rules = *context.zones[zone].rules;
    if (rules.count_of(trigger) == 0) continue;
    for (std::size_t rule = 0; rule < rules.size(); ++rule) {
      const RuleTraits traits = rules.traits_at(rule);
      if (traits.trigger != trigger) continue;
      const IpPrefix prefix = rules.prefix_at(rule);
      image::Kind kind{};
      kind.zone = static_cast<std::uint16_t>(zone);
      kind.scope = static_cast<std::uint8_t>(traits.scope);
      kind.action = static_cast<std::uint8_t>(traits.action);
      kind.rank = static_cast<std::uint8_t>(traits.rank);
      kind.flags = context.number_flag(zone, rule);
      image::PrefixPosting posting{};
      posting.address = mapped_octets(prefix.address());
      posting.length = static_cast<std::uint8_t>(mapped_length(prefix));
      posting.is_v4 = prefix.address().is_v4() ? 1 : 0;
      posting.kind = context.kinds.number_of(kind);
      posting.line = rules.line_at(rule);
      posting.data = context.number_of(zone, rule, kind.flags);
      sorted.push_back(
          {posting, static_cast<std::uint16_t>(zone), static_cast<std::uint32_t>(rule)});
    }
  }
  std::ranges::sort(sorted, {}, [](const Sorted& s) {
    return std::tuple(s.posting.address, s.posting.length, s.posting.is_v4, s.zone, s.rule);
  });
  std::vector<image::PrefixPosting> postings;
  postings.reserve(sorted.size());
  for (const Sorted& each : sorted) postings.push_back(each.posting);
  return postings;
}

void add_prefixes(Assembly& assembly, const ImageContext& context, Trigger trigger, Part first) {
  const std::vector<image::PrefixPosting> postings = prefix_postings(context, trigger);
  if (postings.empty()) return;
  std::vector<image::PrefixRange> ranges;
  for (std::uint32_t i = 0; i < postings.size(); ++i) {
    const auto same = [&](const image::PrefixPosting& other) {
      return other.address == postings[i].address && other.length == postings[i].length &&
             other.is_v4 == postings[i].is_v4;
    };
    if (ranges.empty() || !same(postings[ranges.back().first])) ranges.push_back({i, 0});
    ++ranges.back().count;
  }
  std::vector<std::uint32_t> slots(std::bit_ceil(ranges.size() * 2 + 1), image::kNoRange);
  for (std::uint32_t i = 0; i < ranges.size(); ++i) {
    const image::PrefixPosting& posting = postings[ranges[i].first];
    std::size_t at = hash_prefix(posting.address, posting.length, context.key) & (slots.size() - 1);
    while (slots[at] != image::kNoRange) at = (at + 1) & (slots.size() - 1);
    slots[at] = i;
  }
  const auto part = [first](unsigned next) {
    return static_cast<Part>(static_cast<unsigned>(first) + next);
  };
  assembly.add(part(0), postings);
  assembly.add(part(1), ranges);
  assembly.add(part(2), slots);
}

Result<std::uint64_t> check_limits(std::span<const ZoneContent> zones) {
  if (zones.size() > kMaxZones) {
    return fail(Errc::limit_exceeded, std::to_string(zones.size()) + " policy zones; at most " +
                                          std::to_string(kMaxZones));
  }
  std::uint64_t rules = 0;
  for (const ZoneContent& zone : zones) rules += zone.rules->size();
  if (rules > kMaxRulesInForce) {
    return fail(Errc::limit_exceeded, std::to_string(rules) + " rules in all zones; at most " +
                                          std::to_string(kMaxRulesInForce));
  }
  return rules;
}

}  // namespace

Result<Octets> build_image(std::span<const ZoneContent> zones, std::uint64_t key,
                           std::uint64_t hash_mask) {
  Assembly assembly;
  assembly.header().rule_count = POSTERN_TRY(check_limits(zones));
  assembly.header().hash_key = key;
  assembly.header().hash_mask = hash_mask;
  const SuffixNumbers suffixes(zones);
  KindNumbers kinds;
  ImageContext context{zones, {}, {}, key, hash_mask, suffixes, kinds};
  DataParts data;
  std::vector<RuleNote> notes;
  for (const ZoneContent& zone : zones) {
    context.first_data.push_back(static_cast<std::uint32_t>(data.index.size() - 1));
    for (std::uint32_t i = 0; i < zone.rules->local_data_count(); ++i) {
      append_records(data, zone.rules->local_data(i));
    }
    context.first_note.push_back(static_cast<std::uint32_t>(notes.size()));
    const std::vector<RuleNote>& own = zone.rules->notes();
    notes.insert(notes.end(), own.begin(), own.end());
  }
  assembly.add(Part::zones, zones_part(zones));
  assembly.add(Part::suffixes, suffixes.octets());
  assembly.add(Part::data_index, data.index);
  assembly.add(Part::data, data.data);
  assembly.add(Part::notes, notes);
  struct Names {
    Trigger trigger;
    Part buckets, entries, shadowed;
  };
  constexpr Names kNames[] = {
      {Trigger::qname, Part::qname_buckets, Part::qname_entries, Part::qname_shadowed},
      {Trigger::nsdname, Part::nsdname_buckets, Part::nsdname_entries, Part::nsdname_shadowed}};
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    const BuiltNames built = POSTERN_TRY(build_names(context, kNames[i].trigger));
    assembly.reserve(built.buckets.size() * sizeof(image::Bucket) + built.entries.size() + 4096);
    assembly.add(kNames[i].buckets, built.buckets);
    assembly.add(kNames[i].entries, built.entries);
    assembly.add(kNames[i].shadowed, built.shadowed);
    assembly.header().depths[i] = built.depths;
  }
  add_prefixes(assembly, context, Trigger::client_ip, Part::client_ip_postings);
  add_prefixes(assembly, context, Trigger::response_ip, Part::response_ip_postings);
  add_prefixes(assembly, context, Trigger::nsip, Part::nsip_postings);
  const std::span<const image::Kind> all = kinds.all();
  assembly.add(Part::kinds, std::vector<image::Kind>(all.begin(), all.end()));
  return std::move(assembly).finish();
}

}  // namespace postern::policy
