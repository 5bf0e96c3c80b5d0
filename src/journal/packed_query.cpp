#include "journal/packed_query.h"

#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/octets.h"

namespace postern::journal {
namespace {

enum Flag : std::uint8_t { has_matched = 1, wildcard = 2, in_chain = 4 };

// What every record has; the texts and names follow, in the order of their sizes here.
struct Head {
  std::int64_t at_us;
  std::uint64_t trace_id;
  std::uint64_t generation;
  std::uint32_t latency_us;
  std::uint32_t rule_line;
  std::int32_t ede;
  std::uint16_t client_port;
  std::uint16_t qtype;
  std::uint16_t qclass;
  std::uint16_t rcode;
  std::uint8_t transport;
  std::uint8_t disposition;
  std::uint8_t source;
  std::uint8_t security;
  std::uint8_t flags;
  std::uint8_t client_size;
  std::uint8_t group_size;
  std::uint8_t zone_size;
  std::uint8_t action_size;
  std::uint8_t qname_size;
  std::uint8_t matched_size;  // 0: the matched name is the name asked without `cut` labels.
  std::uint8_t cut;
};
static_assert(std::is_trivially_copyable_v<Head> && sizeof(Head) == 56);

Head head_of(const event::Query& query) {
  Head head{};
  head.at_us = query.at.time_since_epoch().count();
  head.trace_id = query.trace_id;
  head.generation = query.generation;
  head.latency_us = query.latency_us;
  head.rule_line = query.rule_line;
  head.ede = query.ede;
  head.client_port = query.client_port;
  head.qtype = static_cast<std::uint16_t>(query.qtype);
  head.qclass = static_cast<std::uint16_t>(query.qclass);
  head.rcode = static_cast<std::uint16_t>(query.rcode);
  head.transport = static_cast<std::uint8_t>(query.transport);
  head.disposition = static_cast<std::uint8_t>(query.disposition);
  head.source = static_cast<std::uint8_t>(query.source);
  head.security = static_cast<std::uint8_t>(query.security);
  head.flags = static_cast<std::uint8_t>((query.has_matched ? Flag::has_matched : 0) |
                                         (query.matched_wildcard ? Flag::wildcard : 0) |
                                         (query.matched_in_chain ? Flag::in_chain : 0));
  head.client_size = static_cast<std::uint8_t>(query.client.octets().size());
  head.group_size = static_cast<std::uint8_t>(query.group.view().size());
  head.zone_size = static_cast<std::uint8_t>(query.zone.view().size());
  head.action_size = static_cast<std::uint8_t>(query.action.view().size());
  head.qname_size = static_cast<std::uint8_t>(query.qname.wire().size());
  if (!query.has_matched) return head;
  if (query.qname.is_at_or_below(query.matched)) {
    head.cut = static_cast<std::uint8_t>(query.qname.label_count() - query.matched.label_count());
  } else {
    head.matched_size = static_cast<std::uint8_t>(query.matched.wire().size());
  }
  return head;
}

dns::Name name_from(OctetView labels) {
  return dns::Name::from_labels(labels).value_or(dns::Name());
}

}  // namespace

void PackedQuery::pack(const event::Query& query) {
  const Head head = head_of(query);
  const OctetView matched = head.matched_size == 0 ? OctetView{} : query.matched.wire();
  const OctetView parts[] = {query.client.octets(),        octets_of(query.group.view()),
                             octets_of(query.zone.view()), octets_of(query.action.view()),
                             query.qname.wire(),           matched};
  std::size_t size = sizeof head;
  for (const OctetView part : parts) size += part.size();
  large_ = size > kInlineOctets ? std::make_unique_for_overwrite<std::uint8_t[]>(size) : nullptr;
  size_ = static_cast<std::uint16_t>(size);
  std::uint8_t* to = large_ ? large_.get() : small_.data();
  std::memcpy(to, &head, sizeof head);
  to += sizeof head;
  for (const OctetView part : parts) {
    if (!part.empty()) std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
}

event::Query PackedQuery::unpack() const {
  event::Query query;
  if (is_empty()) return query;
  Head head;
  std::memcpy(&head, data(), sizeof head);
  const std::uint8_t* from = data() + sizeof head;
  const auto take = [&from](std::size_t size) {
    const OctetView part{from, size};
    from += size;
    return part;
  };
  query.at = WallTime(microseconds(head.at_us));
  query.trace_id = head.trace_id;
  query.generation = head.generation;
  query.latency_us = head.latency_us;
  query.rule_line = head.rule_line;
  query.ede = head.ede;
  query.client_port = head.client_port;
  query.qtype = static_cast<dns::RRType>(head.qtype);
  query.qclass = static_cast<dns::RRClass>(head.qclass);
  query.rcode = static_cast<dns::Rcode>(head.rcode);
  query.transport = static_cast<event::Transport>(head.transport);
  query.disposition = static_cast<event::Disposition>(head.disposition);
  query.source = static_cast<event::Source>(head.source);
  query.security = static_cast<event::Security>(head.security);
  query.client = IpAddress::from_octets(take(head.client_size));
  query.group.assign(text_of(take(head.group_size)));
  query.zone.assign(text_of(take(head.zone_size)));
  query.action.assign(text_of(take(head.action_size)));
  query.qname = name_from(take(head.qname_size));
  query.has_matched = (head.flags & Flag::has_matched) != 0;
  query.matched_wildcard = (head.flags & Flag::wildcard) != 0;
  query.matched_in_chain = (head.flags & Flag::in_chain) != 0;
  if (!query.has_matched) return query;
  query.matched = head.matched_size == 0 ? query.qname.without_left(head.cut)
                                         : name_from(take(head.matched_size));
  return query;
}

bool PackedQuery::is_threat() const {
  event::Query query;
  if (is_empty()) return false;
  Head head;
  std::memcpy(&head, data(), sizeof head);
  query.disposition = static_cast<event::Disposition>(head.disposition);
  return query.is_threat();
}

}  // namespace postern::journal
