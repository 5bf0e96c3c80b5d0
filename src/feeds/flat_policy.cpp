#include "feeds/flat_policy.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "feeds/name_key.h"
#include "feeds/packed_record.h"

namespace postern::feeds {
namespace {

using dns::Name;
using dns::RRType;
using policy::Action;
using policy::BlockAnswer;
using policy::Trigger;

Name name_of(std::string_view text) {
  const auto name = Name::from_text(text);
  POSTERN_ASSERT(name.has_value());
  return *name;
}

/// In the order in which one policy zone tries them (RPZ draft §5.4).
constexpr int order_of(Trigger trigger) {
  constexpr std::array<int, policy::kTriggerCount> kOrder = {1, 0, 2, 3, 4};
  return kOrder[static_cast<std::size_t>(trigger)];
}

// A prefix as a key: 4 or 6, the address, the length; so that one comes right before those in it.
void append_prefix_key(const IpPrefix& prefix, Octets& out) {
  const OctetView address = prefix.address().octets();
  out.push_back(prefix.address().is_v4() ? 4 : 6);
  out.insert(out.end(), address.begin(), address.end());
  out.push_back(static_cast<std::uint8_t>(prefix.length()));
}

IpPrefix prefix_of_key(OctetView key) {
  return {IpAddress::from_octets(key.subspan(1, key.size() - 2)), key.back()};
}

/// The first address behind the prefix; nothing at the end of all addresses.
std::optional<IpAddress> behind(const IpPrefix& prefix) {
  const OctetView first = prefix.address().octets();
  std::array<std::uint8_t, 16> octets{};
  std::ranges::copy(first, octets.begin());
  // One more in the prefix's last bit; what is behind it is zero already.
  for (unsigned bit = prefix.length(); bit > 0; --bit) {
    const unsigned at = bit - 1;
    const auto mask = static_cast<std::uint8_t>(0x80U >> (at % 8));
    octets[at / 8] ^= mask;
    if ((octets[at / 8] & mask) != 0) {
      return IpAddress::from_octets(OctetView(octets).first(first.size()));
    }
  }
  return std::nullopt;
}

/// 0: it has no end.
void ends_by(std::uint32_t end_s, policy::RuleNote& note) {
  const bool is_sooner = note.valid_until_s == 0 || end_s < note.valid_until_s;
  if (end_s != 0 && is_sooner) note.valid_until_s = end_s;
}

bool decides(const policy::Verdict& verdict) {
  return verdict.matched && !verdict.log_only;
}

/// Appends records of one owner.
class OwnerRecords {
 public:
  OwnerRecords(const Name& owner, std::uint32_t ttl, Octets& packed)
      : owner_(owner), ttl_(ttl), packed_(packed) {}

  void cname(std::string_view target) { add(RRType::cname, ttl_, name_of(target).wire()); }
  void add(RRType type, std::uint32_t ttl, OctetView rdata) {
    append_packed({owner_, type, ttl, rdata}, packed_);
  }
  void addresses(const std::optional<IpAddress>& v4, const std::optional<IpAddress>& v6) {
    if (v4) add(RRType::a, ttl_, v4->octets());
    if (v6) add(RRType::aaaa, ttl_, v6->octets());
    if (!v4 && !v6) cname("*");
  }

 private:
  const Name& owner_;
  std::uint32_t ttl_;
  Octets& packed_;
};

void append_block_answer(const policy::BlockPlan& plan, OwnerRecords records) {
  switch (plan.answer) {
    case BlockAnswer::nxdomain:
    case BlockAnswer::refused:  // RPZ has no form of it: blocked it is, all the same.
      return records.cname(".");
    case BlockAnswer::nodata:
      return records.cname("*");
    case BlockAnswer::null_address: {
      constexpr std::array<std::uint8_t, 16> kZero{};
      return records.addresses(IpAddress(), IpAddress::from_octets(kZero));
    }
    case BlockAnswer::sinkhole:
      return records.addresses(plan.zone->sinkhole_v4, plan.zone->sinkhole_v6);
  }
}

void append_local_data(const policy::BlockPlan& plan, OwnerRecords records) {
  const auto& data = plan.local_data;
  // A zone takes no other data beside a CNAME (RFC 1034 §3.6.2), which decides anyway.
  const auto alias = std::ranges::find(data, RRType::cname, &policy::LocalRecord::type);
  for (auto record = data.begin(); record != data.end(); ++record) {
    if (alias != data.end() && record != alias) continue;
    if (std::find(data.begin(), record, *record) != record) continue;
    const std::uint32_t ttl = record->ttl != 0 ? record->ttl : plan.zone->ttl_s;
    records.add(record->type, std::min(ttl, plan.zone->max_ttl_s), record->rdata);
  }
  if (data.empty()) records.cname("*");
}

}  // namespace

Result<std::shared_ptr<const FlatPolicy>> FlatPolicy::make(PolicyMoment moment,
                                                           const FlatPlan& plan) {
  const auto index = moment.group_named(plan.group);
  if (!index) return fail(Errc::not_found, "there is no group \"" + plan.group + "\"");
  FlatPolicy flat;
  flat.moment_ = std::move(moment);
  flat.group_ = *index;
  flat.plan_ = plan;
  POSTERN_CHECK(flat.collect());
  flat.sort_nodes();
  flat.add_ancestors();
  return std::make_shared<const FlatPolicy>(std::move(flat));
}

std::size_t FlatPolicy::memory_octets() const {
  return sizeof *this + keys_.capacity() + nodes_.capacity() * sizeof(Node);
}

/// Calls `take` with trigger, name and prefix of each exception and each rule that is in force, and
/// `done` behind the exceptions and behind each zone.
template <class Take, class Done>
void FlatPolicy::for_each_owner(Take&& take, Done&& done) const {
  const policy::ExceptionTable& exceptions = *moment_.exceptions;
  const auto asker = moment_.in_force().asker_of(moment_.asking(group_));
  for (const std::uint32_t number : exceptions.holding(asker, moment_.at)) {
    take(Trigger::qname, exceptions.at(number).name, IpPrefix());
  }
  done();
  const policy::Generation& generation = *moment_.generation;
  for (const std::uint16_t zone : generation.groups()[group_].zones) {
    if (generation.zone(zone).log_only) continue;
    generation.for_each_rule(
        zone, [&](const policy::Rule& rule, auto) { take(rule.trigger, rule.name, rule.prefix); });
    done();
  }
}

// Twice: counting costs less than vectors that grow.
Result<void> FlatPolicy::collect() {
  std::size_t rules = 0;
  std::size_t octets = 0;
  const auto count = [&](Trigger trigger, const Name& name, const IpPrefix&) {
    ++rules;
    octets += policy::has_prefix(trigger) ? 18 : name.wire().size() - 1;
  };
  for_each_owner(count, [] {});
  nodes_.reserve(rules);
  keys_.reserve(octets);
  std::vector<std::uint8_t> triggers_of_zones;
  bool is_full = false;
  std::uint8_t triggers = 0;
  const auto take = [&](Trigger trigger, const Name& name, const IpPrefix& prefix) {
    triggers = static_cast<std::uint8_t>(triggers | 1U << order_of(trigger));
    is_full |= keys_.size() > kMaxOctets - 2 * Name::kMaxOctets;
    if (is_full) return;
    const std::size_t offset = keys_.size();
    if (policy::has_prefix(trigger)) {
      append_prefix_key(prefix, keys_);
    } else {
      append_name_key(name, 1, keys_);
    }
    nodes_.push_back({.head = 0,
                      .offset = static_cast<std::uint32_t>(offset),
                      .size = static_cast<std::uint16_t>(keys_.size() - offset),
                      .trigger = trigger});
  };
  for_each_owner(take,
                 [&] { triggers_of_zones.push_back(std::exchange(triggers, std::uint8_t{0})); });
  if (is_full) return fail(Errc::limit_exceeded, "too many rules for one published zone");
  note_triggers(triggers_of_zones);
  return {};
}

void FlatPolicy::note_triggers(const std::vector<std::uint8_t>& triggers_of_zones) {
  unsigned before = 0;  // The triggers of all zones before.
  for (const std::uint8_t triggers : triggers_of_zones) {
    if (triggers == 0) continue;
    // Of CLIENT-IP and QNAME there is one thing to look at; of the others several may match.
    const unsigned first = triggers & (~triggers + 1U);
    const unsigned same_or_later = ~(first - 1U);
    const unsigned later = same_or_later & ~first;
    const unsigned disturbing = first <= 2 ? later : same_or_later;
    if ((before & disturbing) != 0) is_exact_ = false;
    before |= triggers;
  }
}

int FlatPolicy::order(const Node& a, const FlatPolicy& other, const Node& b) const {
  if (a.trigger != b.trigger) return order_of(a.trigger) < order_of(b.trigger) ? -1 : 1;
  if (a.head != b.head) return a.head < b.head ? -1 : 1;
  const std::size_t shared = std::min(a.size, b.size);
  const int order = shared == 0 ? 0 : std::memcmp(&keys_[a.offset], &other.keys_[b.offset], shared);
  if (order != 0) return order;
  return static_cast<int>(a.size) - static_cast<int>(b.size);
}

int FlatPolicy::compare(std::size_t index, const FlatPolicy& other, std::size_t other_index) const {
  return order(nodes_[index], other, other.nodes_[other_index]);
}

void FlatPolicy::sort_nodes() {
  for (Node& node : nodes_) {
    std::array<std::uint8_t, 8> head{};
    std::ranges::copy(key_of(node).first(std::min<std::size_t>(node.size, head.size())),
                      head.begin());
    node.head = std::uint64_t{load_u32(head.data())} << 32 | load_u32(&head[4]);
  }
  const auto before = [this](const Node& a, const Node& b) { return comes_before(a, b); };
  std::ranges::sort(nodes_, before);
  const auto same = [this](const Node& a, const Node& b) { return order(a, *this, b) == 0; };
  const auto [first, last] = std::ranges::unique(nodes_, same);
  nodes_.erase(first, last);
}

/// The sizes of the keys of the names above node `index` that are not above the node before it.
std::size_t FlatPolicy::new_ancestors(std::size_t index, AncestorSizes& sizes) const {
  const Node& node = nodes_[index];
  if (policy::has_prefix(node.trigger)) return 0;
  const OctetView key = key_of(node);
  std::size_t count = 0;
  std::size_t shared = 0;
  if (index > 0 && nodes_[index - 1].trigger == node.trigger) {
    const OctetView before = key_of(nodes_[index - 1]);
    shared = static_cast<std::size_t>(std::ranges::mismatch(before, key).in2 - key.begin());
  } else if (!key.empty()) {
    sizes[count++] = 0;
  }
  for (std::size_t at = shared; at + 1 < key.size(); ++at) {
    if (key[at] == kKeyEnd) sizes[count++] = static_cast<std::uint16_t>(at + 1);
  }
  return count;
}

// A name above an owner exists as well, and hides wildcards above it: it may need records of its
// own. Its key is the beginning of the owner's. From the back, so that it needs no second copy.
void FlatPolicy::add_ancestors() {
  AncestorSizes sizes;
  std::size_t count = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) count += new_ancestors(i, sizes);
  std::size_t from = nodes_.size();
  nodes_.resize(from + count);
  for (std::size_t to = nodes_.size(); from > 0;) {
    const Node node = nodes_[--from];
    count = new_ancestors(from, sizes);
    nodes_[--to] = node;
    while (count > 0) {
      Node& ancestor = nodes_[--to];
      ancestor = node;
      ancestor.size = sizes[--count];
      // Zeros behind a shorter key: as `sort_nodes` made them.
      const unsigned size = ancestor.size;
      if (size < 8) ancestor.head &= size == 0 ? 0 : ~std::uint64_t{0} << (8 * (8 - size));
    }
  }
}

policy::Verdict FlatPolicy::decide(Trigger trigger, const Name& name) const {
  if (trigger == Trigger::qname) return moment_.in_force().decide(moment_.asking(group_), name);
  return moment_.generation->decide_servers(group_, {&name, 1});
}

/// On a name below `name` that no rule has as its owner. Where there is no room for one, there is
/// none in the published zone either.
policy::Verdict FlatPolicy::decide_below(Trigger trigger, const Name& name) const {
  const std::size_t room = Name::kMaxOctets - name.wire().size();
  if (room < 2) return {};
  std::array<std::uint8_t, Name::kMaxLabelOctets + 2> label{};
  const OctetView hidden = plan_.hidden_label.wire();
  const std::size_t size = std::min<std::size_t>(hidden[0], room - 1);
  label[0] = static_cast<std::uint8_t>(size);
  std::ranges::copy(hidden.subspan(1, size), label.begin() + 1);
  const auto below = name.with_prefix(*Name::from_labels(OctetView(label).first(size + 2)));
  return below ? decide(trigger, *below) : policy::Verdict{};
}

// Owners that a policy zone reads otherwise: a wildcard, or another trigger.
bool FlatPolicy::means_something_else(const Node& node, const Name& name) const {
  const OctetView wire = name.wire();
  if (wire[0] == 1 && wire[1] == '*') return true;
  if (node.trigger != Trigger::qname || name.is_root()) return false;
  const Name top = name.without_left(name.label_count() - 1);
  constexpr std::string_view kReserved[] = {"rpz-ip", "rpz-client-ip", "rpz-nsip", "rpz-nsdname"};
  return std::ranges::any_of(kReserved,
                             [&](std::string_view each) { return top == name_of(each); });
}

std::size_t FlatPolicy::append_records(std::size_t index, Octets& packed) const {
  const Node& node = nodes_[index];
  return policy::has_prefix(node.trigger) ? append_prefix_records(index, packed)
                                          : append_name_records(node, packed);
}

std::size_t FlatPolicy::append_name_records(const Node& node, Octets& packed) const {
  const Name name = name_of_key(key_of(node));
  policy::Verdict itself = decide(node.trigger, name);
  policy::Verdict below = decide_below(node.trigger, name);
  const bool is_longest = plan_.wildcards == Wildcards::longest;
  if (is_longest && !(decides(itself) && decides(below)) && !name.is_root()) {
    const bool is_covered = decides(decide_below(node.trigger, name.without_left(1)));
    const policy::Verdict pass{.matched = true, .action = Action::pass};
    if (is_covered && !decides(itself)) itself = pass;
    if (is_covered && !decides(below)) below = pass;
  }
  if (!decides(itself) && !decides(below)) return append_nothing_said(node, name, packed);
  if (means_something_else(node, name)) return 1;
  static const Name kStar = name_of("*");
  const Name suffix = node.trigger == Trigger::nsdname ? name_of("rpz-nsdname") : Name();
  const auto owner = suffix.with_prefix(name);
  std::size_t left_out = 0;
  // The zone's own name has its SOA, and no room for a rule.
  if (decides(itself)) {
    left_out += owner && !name.is_root() ? append_verdict(*owner, itself, packed) : 1;
  }
  if (decides(below)) {
    const auto starred = owner ? owner->with_prefix(kStar) : owner;
    left_out += starred ? append_verdict(*starred, below, packed) : 1;
  }
  return left_out;
}

// Where no rule decides below a wildcard that does, the name has to exist, to hide that. Not with
// PASSTHRU, which would end the search along CNAMEs: but with a name below it that nobody asks for.
std::size_t FlatPolicy::append_nothing_said(const Node& node, const Name& name,
                                            Octets& packed) const {
  if (name.is_root() || plan_.wildcards == Wildcards::longest) return 0;
  if (!decides(decide_below(node.trigger, name.without_left(1)))) return 0;
  static const Name kNobody = name_of("_");
  const auto below = name.with_prefix(kNobody);
  if (!below) return 1;
  // If some rule has that name, it exists as well.
  if (decides(decide(node.trigger, *below))) return 0;
  const Name suffix = node.trigger == Trigger::nsdname ? name_of("rpz-nsdname") : Name();
  const auto owner = suffix.with_prefix(*below);
  return owner ? append_verdict(*owner, {.matched = true, .action = Action::pass}, packed) : 1;
}

// The address that stands for a prefix is in none of the longer ones. Where they cover it, it
// decides nothing, and there is none.
std::optional<IpAddress> FlatPolicy::address_of(std::size_t index) const {
  const Node& node = nodes_[index];
  const IpPrefix prefix = prefix_of_key(key_of(node));
  std::optional<IpAddress> address = prefix.address();
  for (std::size_t at = index + 1; at < nodes_.size() && nodes_[at].trigger == node.trigger; ++at) {
    const IpPrefix other = prefix_of_key(key_of(nodes_[at]));
    if (other.address().family() != prefix.address().family() || *address < other.address()) break;
    if (!other.contains(*address)) continue;
    address = behind(other);
    if (!address || !prefix.contains(*address)) return std::nullopt;
  }
  return address;
}

std::size_t FlatPolicy::append_prefix_records(std::size_t index, Octets& packed) const {
  const Node& node = nodes_[index];
  const IpPrefix prefix = prefix_of_key(key_of(node));
  const auto address = address_of(index);
  if (!address) return 0;
  const policy::Verdict verdict = moment_.generation->decide(group_, node.trigger, *address);
  if (!decides(verdict)) return 0;
  return append_verdict(policy::rpz_owner({.prefix = prefix, .trigger = node.trigger}), verdict,
                        packed);
}

std::size_t FlatPolicy::append_verdict(const Name& relative_owner, const policy::Verdict& verdict,
                                       Octets& packed) const {
  const auto owner = plan_.zone.with_prefix(relative_owner);
  if (!owner) return 1;
  if (verdict.action == Action::pass) {
    const bool is_ours = verdict.zone == policy::kNoZone;
    const std::uint32_t ttl_s =
        is_ours ? policy::ZoneOptions{}.ttl_s : moment_.in_force().zone(verdict).ttl_s;
    OwnerRecords(*owner, ttl_s, packed).cname("rpz-passthru");
    return 0;
  }
  const policy::BlockPlan plan = moment_.in_force().plan(group_, verdict);
  OwnerRecords records(*owner, plan.zone->ttl_s, packed);
  if (plan.use_block_answer) {
    append_block_answer(plan, records);
    return 0;
  }
  switch (plan.action) {
    case Action::nodata:
      records.cname("*");
      break;
    case Action::drop:
      records.cname("rpz-drop");
      break;
    case Action::tcp_only:
      records.cname("rpz-tcp-only");
      break;
    case Action::local_data:
      append_local_data(plan, records);
      break;
    case Action::nxdomain:
    case Action::refuse:
    case Action::pass:
    case Action::block:
      records.cname(".");
      break;
  }
  return 0;
}

/// Whether it blocks, and others may be told so; `note` is then what holds for this too.
bool FlatPolicy::may_be_told(const policy::Verdict& verdict, std::size_t& withheld,
                             policy::RuleNote& note) const {
  if (!verdict.blocks() || verdict.action == Action::tcp_only) return false;
  if (policy::InForce::is_exception(verdict)) {
    const auto until = moment_.exceptions->at(verdict.rule).until;
    const auto end = until ? std::chrono::floor<seconds>(*until).time_since_epoch().count() : 0;
    ends_by(static_cast<std::uint32_t>(end), note);
    return true;
  }
  const policy::Sharing sharing = moment_.generation->sharing(verdict);
  if (!policy::may_leave(sharing)) {
    ++withheld;
    return false;
  }
  note.sharing = std::max(note.sharing, sharing);
  const policy::RuleNote* own = moment_.generation->note(verdict);
  if (own == nullptr) return true;
  note.confidence = std::min(note.confidence, own->confidence);
  ends_by(own->valid_until_s, note);
  return true;
}

std::optional<intel::BlockedOwner> FlatPolicy::blocked_owner(std::size_t index,
                                                             std::size_t& withheld) const {
  const Node& node = nodes_[index];
  intel::BlockedOwner owner;
  if (node.trigger == Trigger::response_ip) {
    const auto address = address_of(index);
    if (!address) return std::nullopt;
    owner.is_prefix = true;
    owner.text = prefix_of_key(key_of(node)).to_text();
    const policy::Verdict verdict = moment_.generation->decide(group_, node.trigger, *address);
    return may_be_told(verdict, withheld, owner.note) ? std::optional(owner) : std::nullopt;
  }
  if (node.trigger != Trigger::qname) return std::nullopt;
  const Name name = name_of_key(key_of(node));
  if (name.is_root()) return std::nullopt;
  owner.text = name.to_display();
  owner.itself = may_be_told(decide(node.trigger, name), withheld, owner.note);
  owner.below = may_be_told(decide_below(node.trigger, name), withheld, owner.note);
  return owner.itself || owner.below ? std::optional(owner) : std::nullopt;
}

FlatPolicy::Blocked FlatPolicy::blocked_at(std::size_t index) const {
  const Node& node = nodes_[index];
  if (node.trigger != Trigger::qname) return {};
  Blocked blocked{.name = name_of_key(key_of(node))};
  const policy::Verdict itself = decide(node.trigger, blocked.name);
  const policy::Verdict below = decide_below(node.trigger, blocked.name);
  const auto blocks = [](const policy::Verdict& verdict) {
    return verdict.blocks() && verdict.action != Action::tcp_only;
  };
  blocked.itself = blocks(itself) && !blocked.name.is_root();
  blocked.below = blocks(below);
  return blocked;
}

}  // namespace postern::feeds
