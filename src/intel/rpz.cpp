// A response policy zone as a zone file: QNAME triggers (draft-vixie-dnsop-dns-rpz-00).
//
// The owner, without the zone's name, is the trigger; the record is the action. "*.x" are the
// names below x, not x itself.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "dns/types.h"
#include "dns/zone_text.h"
#include "intel/readers.h"
#include "intel/text.h"

namespace postern::intel {
namespace {

using dns::Name;
using dns::RRType;
using policy::Action;
using policy::Scope;
using std::string_view_literals::operator""sv;

constexpr std::uint32_t kDefaultTtl = 3600;  // Where neither $TTL nor the record states one.

constexpr std::array kOtherTriggers = {"rpz-ip"sv, "rpz-client-ip"sv, "rpz-nsdname"sv,
                                       "rpz-nsip"sv};

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

struct Trigger {
  Name name;
  Scope scope = Scope::exact;
  bool wildcard_self = false;
};

/// One pass over a zone. Holds what has been learnt of it so far.
class RpzReader {
 public:
  RpzReader(std::string_view text, FeedSink& sink)
      : sink_(sink),
        origin_(sink.options().origin),
        records_(text, origin_.value_or(Name()), kDefaultTtl) {}

  void read() {
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
    if (record.type == RRType::soa && !origin_) origin_ = record.owner;
    if (is_zone_keeping(record.type)) return sink_.ignore();
    // A zone that says neither its origin nor has a SOA: owners are the triggers as they stand.
    const Name origin = origin_.value_or(Name());
    if (!record.owner.is_at_or_below(origin)) {
      return sink_.skip(record.owner.to_display(),
                        "is outside of the zone; check the feed's origin");
    }
    if (record.owner == origin && !origin.is_root()) return sink_.ignore();
    Trigger trigger;
    if (!read_trigger(relative_to(record.owner, origin), trigger)) return;
    if (record.type == RRType::cname) return read_cname(record, trigger);
    if (dns::is_meta(record.type) || record.type == RRType::dname) {
      return sink_.skip(dns::to_string(record.type), "can be no local data; remove it");
    }
    sink_.add_record(trigger.name, {.scope = trigger.scope},
                     {record.type, record.ttl, record.rdata});
  }

  bool read_trigger(const Name& owner, Trigger& out) {
    if (owner.is_root()) {
      sink_.skip({}, "a rule for the root, which would stand for every name there is; remove it");
      return false;
    }
    const Name last = owner.without_left(owner.label_count() - 1);
    if (std::ranges::find(kOtherTriggers, first_label(last)) != kOtherTriggers.end()) {
      sink_.skip(owner.to_display(), "is a trigger that is not supported yet; only names are");
      return false;
    }
    out.wildcard_self = first_label(owner) == "*";
    out.scope = out.wildcard_self ? Scope::below : Scope::exact;
    out.name = out.wildcard_self ? owner.without_left(1) : owner;
    return sink_.accept_name(out.name);
  }

  void read_cname(const dns::ZoneRecord& record, const Trigger& trigger) {
    std::size_t offset = 0;
    const auto target = Name::from_wire(record.rdata, offset);
    if (!target) return sink_.skip({}, "a CNAME whose target does not read; correct it");
    if (const auto action = action_of(*target, trigger)) {
      return sink_.add(trigger.name, {trigger.scope, *action});
    }
    if (target->label_count() == 1 && first_label(*target).starts_with("rpz-")) {
      return sink_.skip(target->to_display(),
                        "is no action; use rpz-passthru., rpz-drop. or rpz-tcp-only.");
    }
    sink_.add_record(trigger.name, {.scope = trigger.scope},
                     {RRType::cname, record.ttl, record.rdata});
  }

  static std::optional<Action> action_of(const Name& target, const Trigger& trigger) {
    if (target.is_root()) return Action::nxdomain;
    if (target.label_count() == 1) {
      const std::string_view label = first_label(target);
      if (label == "*") return Action::nodata;
      if (label == "rpz-passthru") return Action::pass;
      if (label == "rpz-drop") return Action::drop;
      if (label == "rpz-tcp-only") return Action::tcp_only;
    }
    // The first form of PASSTHRU, before it had a name: a CNAME to the trigger itself.
    const bool to_wildcard = first_label(target) == "*";
    if (to_wildcard != trigger.wildcard_self) return std::nullopt;
    const Name bare = to_wildcard ? target.without_left(1) : target;
    if (bare == trigger.name) return Action::pass;
    return std::nullopt;
  }

  FeedSink& sink_;
  std::optional<Name> origin_;
  dns::ZoneTextReader records_;
};

}  // namespace

void read_rpz(std::string_view text, FeedSink& sink) {
  RpzReader(text, sink).read();
  sink.count_lines(text);
}

}  // namespace postern::intel
