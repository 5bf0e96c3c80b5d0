// A response policy zone as a zone file (draft-vixie-dnsop-dns-rpz-00).
//
// The owner, without the zone's name, is the trigger (rpz_owner.h); the record is the action.
// "*.x" are the names below x, not x itself.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dns/types.h"
#include "dns/zone_text.h"
#include "intel/readers.h"
#include "intel/rpz_owner.h"
#include "intel/text.h"

namespace postern::intel {
namespace {

using dns::Name;
using dns::RRType;
using policy::Action;

constexpr std::uint32_t kDefaultTtl = 3600;  // Where neither $TTL nor the record states one.

// Records that a zone has for its own sake: they are no triggers.
bool is_zone_keeping(RRType type) {
  switch (type) {
    case RRType::soa:
    case RRType::ns:
    case RRType::rrsig:
    case RRType::dnskey:
    case RRType::nsec:
    case RRType::nsec3:
    case RRType::nsec3param:
    case RRType::cds:
    case RRType::cdnskey:
    case RRType::zonemd:
      return true;
    default:
      return false;
  }
}

// A view into the name; of one that is about to end it would dangle.
std::string_view first_label(const Name& name) {
  const std::string_view wire = text_of(name.wire());
  return wire.substr(1, static_cast<unsigned char>(wire[0]));
}
std::string_view first_label(Name&&) = delete;

// The labels of `name` before `origin`, as a name. `name` is at or below `origin`.
Name relative_to(const Name& name, const Name& origin) {
  if (origin.is_root()) return name;
  const OctetView wire = name.wire();
  std::array<std::uint8_t, Name::kMaxOctets> labels{};
  const std::size_t size = wire.size() - origin.wire().size();
  std::memcpy(labels.data(), wire.data(), size);
  return *Name::from_labels({labels.data(), size + 1});  // The octet behind is 0: the root's.
}

std::optional<Action> action_with_name(const Name& target) {
  if (target.is_root()) return Action::nxdomain;
  if (target.label_count() > 1) return std::nullopt;
  const std::string_view label = first_label(target);
  if (label == "*") return Action::nodata;
  if (label == "rpz-passthru") return Action::pass;
  if (label == "rpz-drop") return Action::drop;
  if (label == "rpz-tcp-only") return Action::tcp_only;
  return std::nullopt;
}

// PASSTHRU as it was written before it had a name: a CNAME to the trigger itself, of triggers
// other than qname also without the label that says which.
bool is_self(const Name& target, const Name& owner, policy::Trigger trigger) {
  if (target == owner) return true;
  if (trigger == policy::Trigger::qname) return false;
  return relative_to(owner, owner.without_left(owner.label_count() - 1)) == target;
}

// One pass over a zone. Holds what has been learnt of it so far.
class RpzReader {
 public:
  RpzReader(std::string_view text, FeedSink& sink)
      : sink_(sink),
        origin_(sink.options().origin),
        records_(text, origin_.value_or(Name()), kDefaultTtl) {}

  void read() {
    sink_.set_closest_encloser(true);
    dns::ZoneRecord record;
    while (!sink_.stopped()) {
      if (records_.next(record)) {
        sink_.at_line(record.line);
        read_record(record);
      } else if (records_.error()) {
        sink_.at_line(records_.error()->line);
        sink_.skip({}, records_.error()->text);
      } else {
        return;
      }
    }
  }

 private:
  void read_record(const dns::ZoneRecord& record) {
    if (record.type == RRType::soa) read_soa(record);
    if (is_zone_keeping(record.type)) return sink_.ignore();
    // A zone that says neither its origin nor has a SOA: owners are the triggers as they stand.
    const Name origin = origin_.value_or(Name());
    if (!record.owner.is_at_or_below(origin)) {
      return sink_.skip(record.owner.to_display(),
                        "is outside of the zone; check the feed's origin");
    }
    if (record.owner == origin && !origin.is_root()) return sink_.ignore();
    const Name owner = relative_to(record.owner, origin);
    const auto trigger = read_rpz_owner(owner);
    if (!trigger) return sink_.skip(owner.to_display(), trigger.error());
    if (record.type == RRType::cname) return read_cname(record, owner, *trigger);
    if (dns::is_meta(record.type) || record.type == RRType::dname) {
      return sink_.skip(dns::to_string(record.type), "can be no local data; remove it");
    }
    add_record(record, *trigger);
  }

  // The first one at the zone's name is the zone's. A zone without a name has none that could be
  // shown to clients.
  void read_soa(const dns::ZoneRecord& record) {
    if (!origin_) origin_ = record.owner;
    if (has_soa_ || record.owner != *origin_ || origin_->is_root()) return;
    has_soa_ = true;
    sink_.set_soa({.origin = record.owner, .ttl = record.ttl, .rdata = record.rdata});
  }

  void read_cname(const dns::ZoneRecord& record, const Name& owner, const RpzOwner& trigger) {
    std::size_t offset = 0;
    const auto target = Name::from_wire(record.rdata, offset);
    if (!target) return sink_.skip({}, "a CNAME whose target does not read; correct it");
    if (const auto action = action_with_name(*target)) return add(trigger, *action);
    if (is_self(*target, owner, trigger.trigger)) return add(trigger, Action::pass);
    if (target->label_count() == 1 && first_label(*target).starts_with("rpz-")) {
      return sink_.skip(target->to_display(),
                        "is no action; use rpz-passthru., rpz-drop. or rpz-tcp-only.");
    }
    add_record(record, trigger);
  }

  void add(const RpzOwner& owner, Action action) {
    const RuleKind kind = kind_of(owner, action);
    if (!accept(owner, kind)) return;
    if (policy::has_prefix(owner.trigger)) return sink_.add(owner.prefix, kind);
    sink_.add(owner.name, kind);
  }

  void add_record(const dns::ZoneRecord& record, const RpzOwner& owner) {
    const RuleKind kind = kind_of(owner, Action::local_data);
    if (!accept(owner, kind)) return;
    policy::LocalRecord data{record.type, record.ttl, record.rdata};
    if (policy::has_prefix(owner.trigger)) {
      sink_.add_record(owner.prefix, kind, std::move(data));
    } else {
      sink_.add_record(owner.name, kind, std::move(data));
    }
  }

  static RuleKind kind_of(const RpzOwner& owner, Action action) {
    return {.trigger = owner.trigger, .scope = owner.scope, .action = action};
  }

  bool accept(const RpzOwner& owner, const RuleKind& kind) {
    return policy::has_prefix(owner.trigger) ? sink_.accept_prefix(owner.prefix, kind)
                                             : sink_.accept_name(owner.name);
  }

  FeedSink& sink_;
  std::optional<Name> origin_;
  bool has_soa_ = false;
  dns::ZoneTextReader records_;
};

}  // namespace

void read_rpz(std::string_view text, FeedSink& sink) {
  RpzReader(text, sink).read();
  sink.count_lines(text);
}

}  // namespace postern::intel
