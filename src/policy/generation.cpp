#include "policy/generation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "policy/client_table.h"
#include "policy/image_writer.h"
#include "policy/limits.h"
#include "policy/members.h"

namespace postern::policy {
namespace {

/// A zone's place in a group: log-only zones come after all that decide, because their matches
/// count only where no other zone decides.
constexpr std::uint16_t kLogOnlyBit = 0x4000;
static_assert(kMaxZones < kLogOnlyBit);

constexpr unsigned kPlaceShift = 48;
/// The triggers in the order in which they decide (RPZ draft §5.4).
constexpr std::uint64_t trigger_order(Trigger trigger) {
  constexpr std::array<std::uint64_t, kTriggerCount> kOrder = {1, 0, 2, 3, 4};
  return kOrder[static_cast<std::size_t>(trigger)];
}

/// Orders the rules that match one name; the least one decides. From the top: the zone's place,
/// the trigger, the rank, the longer owner, exact before wildcard, the rule's place in its zone.
std::uint64_t precedence(std::uint16_t place, const Posting& posting, unsigned owner_labels) {
  const std::uint64_t zone = place;
  const auto rank = static_cast<std::uint64_t>(posting.rank);
  const std::uint64_t shortness = dns::Name::kMaxLabels - owner_labels;
  const std::uint64_t wildcard = posting.scope == Scope::exact ? 0 : 1;
  return zone << kPlaceShift | trigger_order(Trigger::qname) << 45 | rank << 41 | shortness << 33 |
         wildcard << 32 | posting.at;
}

/// The same for prefixes: zone, trigger, the longer prefix, the smaller address.
std::uint64_t precedence(std::uint16_t place, Trigger trigger, unsigned length,
                         std::uint32_t posting) {
  const std::uint64_t zone = place;
  const std::uint64_t shortness = 128 - length;
  return zone << kPlaceShift | trigger_order(trigger) << 45 | shortness << 33 | posting;
}

Result<void> check_frame(const PolicyFrame& frame, const Generation::Images& images) {
  if (frame.zones.size() > kMaxZones) {
    return fail(Errc::limit_exceeded, std::to_string(frame.zones.size()) +
                                          " policy zones; at most " + std::to_string(kMaxZones));
  }
  POSTERN_ASSERT(!images.empty() && images.size() <= kMaxImages);
  POSTERN_ASSERT(frame.rules_at.size() == frame.zones.size());
  for (const ImagePlace& at : frame.rules_at) {
    POSTERN_ASSERT(!at.is_there() ||
                   (at.image < images.size() && at.zone < images[at.image]->zones().size()));
  }
  if (frame.groups.empty()) {
    return fail(Errc::invalid_input, "no group of clients; the first one is everybody's default");
  }
  for (const Group& group : frame.groups) {
    for (const During& during : group.during) {
      POSTERN_ASSERT(during.schedule != nullptr && during.group < frame.groups.size());
    }
  }
  if (frame.groups.size() > kMaxGroups) {
    return fail(Errc::limit_exceeded, std::to_string(frame.groups.size()) + " groups; at most " +
                                          std::to_string(kMaxGroups));
  }
  for (const ZoneOptions& zone : frame.zones) {
    if (zone.name.size() <= ZoneOptions::kMaxNameOctets) continue;
    return fail(Errc::limit_exceeded, "policy zone \"" + zone.name + "\": its name is over " +
                                          std::to_string(ZoneOptions::kMaxNameOctets) +
                                          " octets long");
  }
  return {};
}

/// An image, and from which number on its zones are counted among those of all images.
struct Layer {
  std::shared_ptr<const RuleImage> image;
  std::uint16_t first_zone = 0;
};

std::vector<Layer> layers_of(Generation::Images images) {
  std::vector<Layer> layers;
  std::size_t zones = 0;  // An image has at most kMaxZones.
  for (std::shared_ptr<const RuleImage>& image : images) {
    layers.push_back({std::move(image), static_cast<std::uint16_t>(zones)});
    zones += layers.back().image->zones().size();
  }
  return layers;
}
static_assert(kMaxImages * kMaxZones < kNoZone);

std::size_t zone_count_of(const std::vector<Layer>& layers) {
  return layers.back().first_zone + layers.back().image->zones().size();
}

/// For each group and zone of the images the zone's place in the group, kNoZone where it is not in
/// force.
Result<std::vector<std::uint16_t>> zone_places(const PolicyFrame& frame,
                                               const std::vector<Layer>& layers) {
  const std::size_t image_zones = zone_count_of(layers);
  std::vector<std::uint16_t> places(frame.groups.size() * image_zones, kNoZone);
  for (std::size_t i = 0; i < frame.groups.size(); ++i) {
    std::uint16_t place = 0;
    for (const std::uint16_t zone : frame.groups[i].zones) {
      if (zone >= frame.zones.size()) {
        return fail(Errc::invalid_input, "group \"" + frame.groups[i].name + "\" names zone " +
                                             std::to_string(zone) + ", but there are " +
                                             std::to_string(frame.zones.size()));
      }
      const ImagePlace& at = frame.rules_at[zone];
      if (!at.is_there()) continue;
      std::uint16_t& entry = places[i * image_zones + layers[at.image].first_zone + at.zone];
      if (entry != kNoZone) continue;  // Named twice: the first place counts.
      const bool log_only = frame.zones[zone].log_only;
      entry = static_cast<std::uint16_t>(log_only ? place | kLogOnlyBit : place);
      ++place;
    }
  }
  return places;
}

}  // namespace

struct Generation::Impl {
  Impl(PolicyFrame from, std::vector<Layer> of, const std::vector<ClientPrefix>& prefixes,
       std::vector<Owned<MacAddress>> owned_devices, std::vector<Owned<ClientId>> owned_ids,
       std::vector<std::uint16_t> zone_order)
      : frame(std::move(from)),
        layers(std::move(of)),
        clients(prefixes),
        devices(std::move(owned_devices)),
        client_ids(std::move(owned_ids)),
        places(std::move(zone_order)),
        first_places(frame.groups.size()),
        first_waited_places(frame.groups.size()),
        leaves_signed(frame.groups.size()),
        frame_zones(zone_count_of(layers), kNoZone),
        built_s(note_seconds(frame.built_at)) {
    // All within policy/limits.h: `create` and RuleImage::open have looked.
    const auto zone_count = static_cast<std::uint16_t>(frame.zones.size());
    for (const Layer& layer : layers) {
      for (const RuleNote& note : layer.image->notes()) {
        for (const std::uint32_t at : {note.valid_from_s, note.valid_until_s}) {
          if (at > built_s && (next_change_s == 0 || at < next_change_s)) next_change_s = at;
        }
      }
    }
    const auto group_count = static_cast<std::uint16_t>(frame.groups.size());
    for (auto& firsts : first_places) firsts.fill(kNoZone);
    for (auto& firsts : first_waited_places) firsts.fill(kNoZone);
    for (std::uint16_t zone = 0; zone < zone_count; ++zone) {
      const ImagePlace& at = frame.rules_at[zone];
      if (!at.is_there()) continue;
      const Layer& layer = layers[at.image];
      const ImageZone& from_image = layer.image->zones()[at.zone];
      frame_zones[layer.first_zone + at.zone] = zone;
      if (!is_canary(zone)) rule_count += from_image.rule_count();
      for (std::uint16_t group = 0; group < group_count; ++group) {
        note_place(group, zone, place(group, layer, at.zone), from_image);
      }
    }
  }

  /// A zone is in force for a group at a place; kNoZone: it is not.
  void note_place(std::uint16_t group, std::uint16_t zone, std::uint16_t at,
                  const ImageZone& from_image) {
    if (at == kNoZone) return;
    const ZoneOptions& options = frame.zones[zone];
    leaves_signed[group] = leaves_signed[group] || !options.break_dnssec;
    for (std::size_t i = 0; i < kTriggerCount; ++i) {
      if (from_image.counts[i] == 0) continue;
      const auto trigger = static_cast<Trigger>(i);
      const bool is_waited_for = (trigger == Trigger::nsdname && options.nsdname_wait) ||
                                 (trigger == Trigger::nsip && options.nsip_wait);
      first_places[group][i] = std::min(first_places[group][i], at);
      if (!is_waited_for) continue;
      first_waited_places[group][i] = std::min(first_waited_places[group][i], at);
    }
  }

  /// What NameTable::find has found in each layer, by their order.
  using Found = std::array<NameTable::Owners, kMaxImages>;

  /// `zone` is the layer's image's; all that is given out has the frame's.
  std::uint16_t place(std::uint16_t group, const Layer& layer, std::uint16_t zone) const {
    return places[group * frame_zones.size() + layer.first_zone + zone];
  }
  std::uint16_t frame_zone(const Layer& layer, std::uint16_t zone) const {
    return frame_zones[layer.first_zone + zone];
  }
  bool is_canary(std::uint16_t zone) const {
    return zone + std::size_t{frame.canaries} >= frame.zones.size();
  }
  /// Whether there is nothing to say of a zone's rules to a group: they are nobody's, or another
  /// group's first.
  bool is_of_no_interest(const Layer& layer, std::uint16_t zone, std::uint16_t group) const {
    const std::uint16_t shown = frame_zone(layer, zone);
    return shown == kNoZone || (is_canary(shown) && place(group, layer, zone) == kNoZone);
  }
  /// Whose rule decided.
  const RuleImage& image_of(const Verdict& verdict) const {
    return *layers[frame.rules_at[verdict.zone].image].image;
  }
  bool find(Trigger trigger, const dns::Name& name, Found& found) const;
  Verdict decide_name(Trigger trigger, const Found& found, std::uint16_t group,
                      std::uint64_t from) const;
  Verdict decide_name(Trigger trigger, const Found& found, std::uint16_t group,
                      Exemption exemption) const;
  /// Whether a zone has nothing to say on such a query.
  bool is_exempt(std::uint16_t zone, Exemption exemption) const {
    if (!exemption.any()) return false;
    const ZoneOptions& options = frame.zones[zone];
    return (exemption.without_recursion && options.recursive_only) ||
           (exemption.is_signed && !options.break_dnssec);
  }
  void carry_out(Verdict& verdict) const;
  Posting posting_of(const Verdict& verdict) const;
  /// Whether a rule decides at the time of the generation.
  bool holds(const Layer& layer, const Posting& posting) const {
    if (posting.note == kNoNote) return true;
    const RuleNote* note = layer.image->note(posting.note);
    return note == nullptr || note->holds_at(built_s);
  }
  /// Whether another name in its zone hides a rule from the name that was looked up.
  static bool is_hidden(const Layer& layer, const NameTable& table, const NameTable::Owners& found,
                        std::size_t owner, const Posting& posting) {
    return posting.scope == Scope::below && layer.image->zones()[posting.zone].closest_encloser &&
           table.is_hidden(found, owner, posting.zone);
  }
  /// Calls `take(layer, table, posting)` for each rule whose prefix holds the address.
  template <class Take>
  void for_each_prefix(Trigger trigger, const IpAddress& address, Take take) const {
    for (const Layer& layer : layers) {
      const PrefixTable& table = layer.image->prefixes(trigger);
      if (table.empty()) continue;
      PrefixTable::Found found;
      table.find(address, found);
      for (std::size_t i = 0; i < found.count; ++i) {
        const PrefixTable::Range& range = found.items[i];
        for (std::uint32_t at = range.first; at < range.first + range.count; ++at) {
          take(layer, table, table.posting(at));
        }
      }
    }
  }
  /// All but the name or prefix; `place` is the zone's.
  Match match_of(const Layer& layer, const Posting& posting, Trigger trigger,
                 std::uint16_t place) const;

  PolicyFrame frame;
  std::vector<Layer> layers;
  Images images;  ///< Theirs.
  ClientTable clients;
  std::vector<Owned<MacAddress>> devices;  ///< By device.
  std::vector<Owned<ClientId>> client_ids;
  std::vector<std::uint16_t> places;  ///< By group, then zone of the images.
  /// By group, then trigger: the first place of a zone that has such rules.
  std::vector<std::array<std::uint16_t, kTriggerCount>> first_places;
  /// The same of zones for which the facts are waited for; of nsdname and nsip.
  std::vector<std::array<std::uint16_t, kTriggerCount>> first_waited_places;
  std::vector<bool> leaves_signed;         ///< By group: some zone of its does not break DNSSEC.
  std::vector<std::uint16_t> frame_zones;  ///< By zone of the images; kNoZone: nobody's.
  std::uint32_t built_s;                   ///< frame.built_at.
  std::uint32_t next_change_s = 0;         ///< 0: no rule will change.
  std::uint64_t rule_count = 0;            ///< Of the zones that are somebody's.
};

/// What the zone makes of what the rule asks for.
void Generation::Impl::carry_out(Verdict& verdict) const {
  const ZoneOptions& options = frame.zones[verdict.zone];
  if (options.policy_override) verdict.action = options.policy_override->action;
}

/// False where nothing is found in any layer.
bool Generation::Impl::find(Trigger trigger, const dns::Name& name, Found& found) const {
  std::array<const NameTable*, kMaxImages> tables;
  for (std::size_t i = 0; i < layers.size(); ++i) tables[i] = &layers[i].image->names(trigger);
  NameTable::find({tables.data(), layers.size()}, name, found);
  bool has_any = false;
  for (std::size_t i = 0; i < layers.size(); ++i) has_any = has_any || found[i].count > 0;
  return has_any;
}

/// Of the rules whose order is `from` or above.
Verdict Generation::Impl::decide_name(Trigger trigger, const Found& found, std::uint16_t group,
                                      std::uint64_t from) const {
  Verdict verdict;
  for (std::size_t at = 0; at < layers.size(); ++at) {
    const Layer& layer = layers[at];
    const NameTable& table = layer.image->names(trigger);
    for (std::size_t i = 0; i < found[at].count; ++i) {
      const NameTable::Owner& owner = found[at].items[i];
      Postings all = table.postings(owner);
      for (Posting posting; all.next(posting);) {
        const std::uint16_t its_place = place(group, layer, posting.zone);
        if (its_place == kNoZone || !posting.applies(owner.whole)) continue;
        const std::uint64_t order = precedence(its_place, posting, owner.labels);
        if (order >= verdict.order || order < from || !holds(layer, posting)) continue;
        if (is_hidden(layer, table, found[at], i, posting)) continue;
        verdict = {.matched = true,
                   .action = posting.action,
                   .zone = frame_zone(layer, posting.zone),
                   .entry = owner.entry,
                   .rule = posting.at,
                   .matched_labels = owner.labels,
                   .scope = posting.scope,
                   .log_only = (its_place & kLogOnlyBit) != 0,
                   .order = order};
      }
    }
  }
  if (verdict.matched) carry_out(verdict);
  return verdict;
}

/// Of the zones that have something to say on such a query, and on this name: not those that take a
/// name asked for out of their own rules.
Verdict Generation::Impl::decide_name(Trigger trigger, const Found& found, std::uint16_t group,
                                      Exemption exemption) const {
  Verdict verdict = decide_name(trigger, found, group, std::uint64_t{0});
  while (verdict.matched) {
    const bool is_own = trigger == Trigger::qname && verdict.action == Action::pass &&
                        frame.zones[verdict.zone].pass_is_own;
    if (!is_own && !is_exempt(verdict.zone, exemption)) break;
    const std::uint64_t next_place = (verdict.order >> kPlaceShift) + 1;
    verdict = decide_name(trigger, found, group, next_place << kPlaceShift);
  }
  return verdict;
}

Generation::Generation(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Generation::~Generation() = default;

Result<std::shared_ptr<const Generation>> Generation::create(PolicyFrame frame, Images images) {
  POSTERN_CHECK(check_frame(frame, images));
  const std::vector<ClientPrefix> prefixes = POSTERN_TRY(client_prefixes(frame.groups));
  std::vector<Layer> layers = layers_of(images);
  std::vector<std::uint16_t> places = POSTERN_TRY(zone_places(frame, layers));
  auto devices = POSTERN_TRY(devices_of(frame.groups));
  auto client_ids = POSTERN_TRY(client_ids_of(frame.groups));
  auto impl = std::make_unique<Impl>(std::move(frame), std::move(layers), prefixes,
                                     std::move(devices), std::move(client_ids), std::move(places));
  impl->images = std::move(images);
  // Not make_shared: the constructor is private.
  return std::shared_ptr<const Generation>(new Generation(std::move(impl)));
}

Result<std::shared_ptr<const Generation>> Generation::compile(PolicyInput input) {
  static const ZoneRules kNone;
  std::vector<ZoneContent> contents;
  PolicyFrame frame{input.number, input.built_at, {}, {}, std::move(input.groups)};
  for (const ZoneInput& zone : input.zones) {
    contents.push_back({zone.options.name, "", zone.rules != nullptr ? zone.rules.get() : &kNone});
    frame.rules_at.push_back({0, static_cast<std::uint16_t>(frame.zones.size())});
    frame.zones.push_back(zone.options);
  }
  const auto octets =
      std::make_shared<const Octets>(POSTERN_TRY(build_image(contents, input.hash_key)));
  return create(std::move(frame), {POSTERN_TRY(RuleImage::open(*octets, octets))});
}

std::shared_ptr<const Generation> Generation::empty() {
  PolicyInput input;
  input.groups.push_back({.name = "default"});
  auto generation = compile(std::move(input));
  POSTERN_ASSERT(generation.has_value());
  return *std::move(generation);
}

std::uint64_t Generation::number() const {
  return impl_->frame.number;
}
WallTime Generation::built_at() const {
  return impl_->frame.built_at;
}

std::optional<WallTime> Generation::next_change() const {
  return impl_->next_change_s == 0 ? std::nullopt
                                   : std::optional(time_of_note(impl_->next_change_s));
}

std::size_t Generation::rule_count() const {
  return impl_->rule_count;
}

std::size_t Generation::memory_octets() const {
  std::size_t octets = sizeof(Impl) + impl_->clients.memory_octets() +
                       impl_->places.capacity() * sizeof(std::uint16_t);
  for (const Layer& layer : impl_->layers) octets += layer.image->size_octets();
  return octets;
}

std::size_t Generation::zone_count() const {
  return impl_->frame.zones.size();
}

const ZoneOptions& Generation::zone(std::uint16_t index) const {
  POSTERN_ASSERT(index < zone_count());
  return impl_->frame.zones[index];
}

ImagePlace Generation::rules_at(std::uint16_t index) const {
  return impl_->frame.rules_at[index];
}

const Generation::Images& Generation::images() const {
  return impl_->images;
}

void Generation::for_each_rule(
    std::uint16_t zone,
    const std::function<void(const Rule&, std::span<const LocalRecord>)>& take) const {
  POSTERN_ASSERT(zone < zone_count());
  const ImagePlace at = rules_at(zone);
  if (!at.is_there()) return;
  const RuleImage& from = *images()[at.image];
  from.for_each_rule([&](const Posting& posting, Rule rule) {
    if (posting.zone != at.zone || posting.scope == kExists) return;
    rule.scope = posting.scope;
    rule.action = posting.action;
    rule.rank = posting.rank;
    rule.line = posting.line;
    rule.note = posting.note;
    if (posting.data == kNoData) return take(rule, {});
    take(rule, from.local_data(posting.data));
  });
}

const std::vector<Group>& Generation::groups() const {
  return impl_->frame.groups;
}

std::uint16_t Generation::group_of(const IpAddress& client) const {
  return impl_->clients.group_of(client);
}

std::optional<std::uint16_t> Generation::group_of(const MacAddress& device) const {
  return owner_of(impl_->devices, device);
}

std::optional<std::uint16_t> Generation::group_of(const ClientId& id) const {
  return owner_of(impl_->client_ids, id);
}

bool Generation::has_devices() const {
  return !impl_->devices.empty();
}

std::optional<std::uint16_t> Generation::group_named(std::string_view name) const {
  const std::vector<Group>& all = groups();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].name == name) return static_cast<std::uint16_t>(i);
  }
  return std::nullopt;
}

Verdict Generation::decide(std::uint16_t group, const dns::Name& name, Exemption exemption) const {
  POSTERN_ASSERT(group < groups().size());
  Impl::Found found;
  if (!impl_->find(Trigger::qname, name, found)) return {};
  return impl_->decide_name(Trigger::qname, found, group, exemption);
}

Verdict Generation::decide(std::uint16_t group, Trigger trigger, const IpAddress& address,
                           Exemption exemption) const {
  POSTERN_ASSERT(group < groups().size());
  Verdict verdict;
  impl_->for_each_prefix(trigger, address,
                         [&](const Layer& layer, const PrefixTable& table, const Posting& posting) {
                           const std::uint16_t place = impl_->place(group, layer, posting.zone);
                           if (place == kNoZone) return;
                           const std::uint64_t order =
                               precedence(place, trigger, table.length(posting.at), posting.at);
                           if (order >= verdict.order || !impl_->holds(layer, posting)) return;
                           const std::uint16_t zone = impl_->frame_zone(layer, posting.zone);
                           if (impl_->is_exempt(zone, exemption)) return;
                           verdict = {.matched = true,
                                      .action = posting.action,
                                      .zone = zone,
                                      .rule = posting.at,
                                      .trigger = trigger,
                                      .log_only = (place & kLogOnlyBit) != 0,
                                      .order = order};
                         });
  if (verdict.matched) impl_->carry_out(verdict);
  return verdict;
}

Verdict Generation::decide_servers(std::uint16_t group, std::span<const dns::Name> servers,
                                   Exemption exemption) const {
  POSTERN_ASSERT(group < groups().size());
  Verdict best;
  dns::Name best_owner;
  for (const dns::Name& server : servers) {
    Impl::Found found;
    if (!impl_->find(Trigger::nsdname, server, found)) continue;
    Verdict verdict = impl_->decide_name(Trigger::nsdname, found, group, exemption);
    if (!verdict.matched) continue;
    verdict.trigger = Trigger::nsdname;
    const std::uint64_t place = verdict.order >> kPlaceShift;
    const std::uint64_t best_place = best.order >> kPlaceShift;
    if (best.matched && place > best_place) continue;
    dns::Name owner = rule(verdict).name;
    if (verdict.scope == Scope::below) {
      // "*" before the name, as it is written in the zone.
      static const dns::Name kStar = *dns::Name::from_text("*");
      if (const auto starred = owner.with_prefix(kStar)) owner = *starred;
    }
    if (best.matched && place == best_place && best_owner <= owner) continue;
    best = verdict;
    best_owner = owner;
  }
  if (!best.matched) return best;
  best.order = (best.order >> kPlaceShift << kPlaceShift) | trigger_order(Trigger::nsdname) << 45;
  return best;
}

namespace {

/// Whether a rule of this trigger in the zone at this place may decide over `verdict`.
bool precedes_from(std::uint64_t place, Trigger trigger, const Verdict& verdict) {
  return place != kNoZone && (place << kPlaceShift | trigger_order(trigger) << 45) < verdict.order;
}

}  // namespace

bool Generation::may_precede(std::uint16_t group, Trigger trigger, const Verdict& verdict) const {
  const std::size_t at = static_cast<std::size_t>(trigger);
  return precedes_from(impl_->first_places[group][at], trigger, verdict);
}

bool Generation::may_precede_once_known(std::uint16_t group, Trigger trigger,
                                        const Verdict& verdict) const {
  const std::size_t at = static_cast<std::size_t>(trigger);
  return precedes_from(impl_->first_waited_places[group][at], trigger, verdict);
}

bool Generation::leaves_signed_answers(std::uint16_t group) const {
  return impl_->leaves_signed[group];
}

namespace {

/// A match, and what tells its place among the others.
struct Ordered {
  std::uint64_t order;
  std::uint32_t posting;
  bool is_shadowed;
  Match match;
};

/// Those in force first, as they decide; the others by zone. The one that is the verdict's is
/// marked.
std::vector<Match> in_order(std::vector<Ordered> matches, const Verdict& verdict) {
  // The zones out of force have the highest place of all; among them their own order.
  std::ranges::stable_sort(matches, [](const Ordered& a, const Ordered& b) {
    if (a.match.in_group != b.match.in_group) return a.match.in_group;
    if (!a.match.in_group && a.match.zone != b.match.zone) return a.match.zone < b.match.zone;
    return a.order < b.order;
  });
  std::vector<Match> sorted;
  sorted.reserve(matches.size());
  for (Ordered& entry : matches) {
    entry.match.winner = verdict.matched && !entry.is_shadowed && entry.match.in_group &&
                         entry.match.zone == verdict.zone && entry.posting == verdict.rule;
    sorted.push_back(std::move(entry.match));
  }
  return sorted;
}

}  // namespace

std::vector<Match> Generation::explain(std::uint16_t group, const dns::Name& name,
                                       Trigger trigger) const {
  POSTERN_ASSERT(group < groups().size());
  std::vector<Ordered> matches;
  const auto add = [&](const Layer& layer, const Posting& posting, const NameTable::Owner& owner,
                       bool is_shadowed) {
    const std::uint16_t place = impl_->place(group, layer, posting.zone);
    matches.push_back({precedence(place, posting, owner.labels), posting.at, is_shadowed,
                       impl_->match_of(layer, posting, trigger, place)});
    matches.back().match.owner = name.without_left(name.label_count() - owner.labels);
  };
  for (const Layer& layer : impl_->layers) {
    const NameTable& names = layer.image->names(trigger);
    NameTable::Owners found;
    names.find(name, found);
    for (std::size_t i = 0; i < found.count; ++i) {
      const NameTable::Owner& owner = found.items[i];
      Postings all = names.postings(owner);
      for (Posting posting; all.next(posting);) {
        if (impl_->is_of_no_interest(layer, posting.zone, group)) continue;
        if (!posting.applies(owner.whole)) continue;
        if (Impl::is_hidden(layer, names, found, i, posting)) continue;
        add(layer, posting, owner, false);
        for (const auto& later : names.shadowed(posting.at)) {
          add(layer, names.posting_of(later), owner, true);
        }
      }
    }
  }
  return in_order(std::move(matches), trigger == Trigger::qname
                                          ? decide(group, name)
                                          : decide_servers(group, {&name, 1}));
}

std::vector<Match> Generation::explain(std::uint16_t group, Trigger trigger,
                                       const IpAddress& address) const {
  POSTERN_ASSERT(group < groups().size());
  std::vector<Ordered> matches;
  impl_->for_each_prefix(
      trigger, address, [&](const Layer& layer, const PrefixTable& table, const Posting& posting) {
        if (impl_->is_of_no_interest(layer, posting.zone, group)) return;
        const std::uint16_t place = impl_->place(group, layer, posting.zone);
        const std::uint32_t at = posting.at;
        matches.push_back({precedence(place, trigger, table.length(at), at), at, false,
                           impl_->match_of(layer, posting, trigger, place)});
        matches.back().match.prefix = table.prefix(at);
      });
  return in_order(std::move(matches), decide(group, trigger, address));
}

Match Generation::Impl::match_of(const Layer& layer, const Posting& posting, Trigger trigger,
                                 std::uint16_t place) const {
  Match match;
  match.zone = frame_zone(layer, posting.zone);
  match.line = posting.line;
  match.action = posting.action;
  match.scope = posting.scope;
  match.rank = posting.rank;
  match.trigger = trigger;
  match.in_group = place != kNoZone;
  match.is_valid = holds(layer, posting);
  if (const RuleNote* note = layer.image->note(posting.note)) match.note = *note;
  const std::uint32_t since_s = layer.image->zones()[posting.zone].since_s;
  if (since_s != 0 && (!match.note || match.note->first_seen_s == 0)) {
    if (!match.note) match.note.emplace();
    match.note->first_seen_s = since_s;
    match.note->seen_here = 1;
  }
  return match;
}

Posting Generation::Impl::posting_of(const Verdict& verdict) const {
  POSTERN_ASSERT(verdict.matched);
  const RuleImage& image = image_of(verdict);
  if (has_prefix(verdict.trigger)) return image.prefixes(verdict.trigger).posting(verdict.rule);
  return image.names(verdict.trigger).posting_at(verdict.entry, verdict.rule);
}

std::uint32_t Generation::line(const Verdict& verdict) const {
  return impl_->posting_of(verdict).line;
}

const RuleNote* Generation::note(const Verdict& verdict) const {
  const Posting posting = impl_->posting_of(verdict);
  return impl_->image_of(verdict).note(posting.note);
}

Sharing Generation::sharing(const Verdict& verdict) const {
  const auto of_zone = [&](std::uint16_t zone) {
    const ImagePlace at = rules_at(zone);
    const Sharing in_image =
        at.is_there() ? images()[at.image]->zones()[at.zone].sharing : Sharing::unmarked;
    return std::max(impl_->frame.zones[zone].sharing, in_image);
  };
  const RuleNote* own = note(verdict);
  Sharing sharing =
      std::max(own != nullptr ? own->sharing : Sharing::unmarked, of_zone(verdict.zone));
  // What is counted shows what those who vote have.
  if (const auto& votes = zone(verdict.zone).votes) {
    for (const std::uint16_t voter : votes->zones) sharing = std::max(sharing, of_zone(voter));
  }
  return sharing;
}

Rule Generation::rule(const Verdict& verdict) const {
  const Posting posting = impl_->posting_of(verdict);
  Rule rule{.trigger = verdict.trigger,
            .scope = posting.scope,
            .action = posting.action,
            .rank = posting.rank,
            .line = posting.line};
  if (has_prefix(verdict.trigger)) {
    rule.prefix = impl_->image_of(verdict).prefixes(verdict.trigger).prefix(verdict.rule);
  } else {
    const auto owner = impl_->image_of(verdict).names(verdict.trigger).owner_at(verdict.entry);
    POSTERN_ASSERT(owner.has_value());
    rule.name = *owner;
  }
  return rule;
}

BlockPlan block_plan(const ZoneOptions& zone, const Group& group) {
  BlockPlan plan;
  plan.zone = &zone;
  plan.use_block_answer = true;
  plan.answer = group.answer.value_or(zone.answer);
  switch (plan.answer) {
    case BlockAnswer::nxdomain:
      plan.action = Action::nxdomain;
      break;
    case BlockAnswer::nodata:
      plan.action = Action::nodata;
      break;
    case BlockAnswer::refused:
      plan.action = Action::refuse;
      break;
    case BlockAnswer::null_address:
    case BlockAnswer::sinkhole:
      plan.action = Action::local_data;  // Made up from `answer`; `local_data` stays empty.
      break;
  }
  return plan;
}

BlockPlan Generation::plan(std::uint16_t group, const Verdict& verdict) const {
  POSTERN_ASSERT(group < groups().size() && verdict.blocks());
  BlockPlan plan;
  plan.zone = &zone(verdict.zone);
  plan.action = verdict.action;
  if (verdict.action == Action::block) plan = block_plan(*plan.zone, groups()[group]);
  const RuleImage& image = impl_->image_of(verdict);
  const auto& soa = image.zones()[rules_at(verdict.zone).zone].soa;
  if (soa) plan.soa = &*soa;
  if (plan.zone->policy_override) {
    plan.local_data = plan.zone->policy_override->local_data;
  } else if (verdict.action == Action::local_data) {
    plan.local_data = image.local_data(impl_->posting_of(verdict).data);
  }
  return plan;
}

namespace {

std::string rule_text_of(Trigger trigger, const dns::Name& name, const IpPrefix& prefix,
                         Scope scope) {
  if (has_prefix(trigger)) return prefix.to_text();
  std::string owner = name.to_display();
  switch (scope) {
    case Scope::exact:
      return owner;
    case Scope::below:
      return owner == "." ? "*" : "*." + owner;
    case Scope::at_and_below:
      return owner + " and below";
  }
  return owner;
}

}  // namespace

std::string Generation::rule_text(const Verdict& verdict) const {
  const Rule of = rule(verdict);
  return rule_text_of(of.trigger, of.name, of.prefix, of.scope);
}

std::string Generation::rule_text(const Match& match) {
  return rule_text_of(match.trigger, match.owner, match.prefix, match.scope);
}

}  // namespace postern::policy
