#include "cache/targets.h"

#include <algorithm>

#include "dns/rdata.h"

namespace postern::cache {
namespace {

using dns::RRType;

constexpr std::uint16_t kIpv4Hint = 4;  // RFC 9460 §14.3.2.
constexpr std::uint16_t kIpv6Hint = 6;

struct Link {
  dns::Name owner;
  dns::Name target;
  RRType type{};
};

bool is_service(RRType type) {
  return type == RRType::svcb || type == RRType::https;
}

bool is_link(RRType type) {
  return type == RRType::cname || type == RRType::dname || is_service(type);
}

bool add_addresses(OctetView octets, std::size_t each, std::vector<IpAddress>& addresses) {
  if (octets.size() % each != 0) return false;
  for (; !octets.empty(); octets = octets.subspan(each)) {
    addresses.push_back(IpAddress::from_octets(octets.first(each)));
  }
  return true;
}

/// The hints among a service record's parameters, RFC 9460 §2.2.
bool add_hints(OctetView message, const dns::Record& record, std::vector<IpAddress>& addresses) {
  const std::size_t end = record.rdata_offset + record.rdata.size();
  std::size_t offset = record.rdata_offset + 2;  // Past the priority.
  if (offset > end || !dns::Name::from_wire(message, offset) || offset > end) return false;
  ByteReader reader(message.first(end), offset);
  while (reader.left() > 0) {
    const std::uint16_t key = reader.u16();
    const OctetView value = reader.take(reader.u16());
    if (!reader.ok()) return false;
    if (key == kIpv4Hint && !add_addresses(value, 4, addresses)) return false;
    if (key == kIpv6Hint && !add_addresses(value, 16, addresses)) return false;
  }
  return true;
}

bool add_record_addresses(OctetView message, const dns::Record& record,
                          std::vector<IpAddress>& addresses) {
  if (record.rr_class != dns::RRClass::in) return true;  // "A" means something else there.
  const bool is_a = record.type == RRType::a;
  if (is_a || record.type == RRType::aaaa) {
    const std::size_t size = is_a ? 4 : 16;
    return record.rdata.size() == size && add_addresses(record.rdata, size, addresses);
  }
  return !is_service(record.type) || add_hints(message, record, addresses);
}

bool leads_on(const Link& link, const dns::Name& from) {
  if (link.type == RRType::dname) return from != link.owner && from.is_at_or_below(link.owner);
  return link.owner == from;
}

/// The targets in the order of the chain from `first`; those outside the chain at the end, because
/// a careless client might follow them all the same.
std::vector<dns::Name> in_chain_order(const dns::Name& first, const std::vector<Link>& links) {
  std::vector<dns::Name> names;
  names.reserve(links.size());
  std::vector<bool> done(links.size(), false);
  const auto add = [&](std::size_t i) {
    done[i] = true;
    const dns::Name& target = links[i].target;
    if (std::find(names.begin(), names.end(), target) == names.end()) names.push_back(target);
  };
  dns::Name at = first;
  for (std::size_t i = 0; i < links.size();) {
    const bool leads = !done[i] && leads_on(links[i], at);
    if (leads) add(i);
    if (leads && links[i].type == RRType::cname) {
      at = links[i].target;
      i = 0;
    } else {
      ++i;
    }
  }
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (!done[i]) add(i);
  }
  return names;
}

}  // namespace

bool collect_targets(const dns::MessageView& message, Answer& answer) {
  std::vector<Link> links;
  bool readable = true;
  message.for_each_record([&](dns::Section section, const dns::Record& record) {
    if (section == dns::Section::authority) return true;
    readable = add_record_addresses(message.octets(), record, answer.addresses);
    if (section == dns::Section::answer && is_link(record.type)) {
      Link link{.owner = record.owner, .target = {}, .type = record.type};
      // A target "." leads nowhere else (RFC 9460 §2.5).
      if (dns::rdata_target(record.type, message.octets(), record, link.target)) {
        links.push_back(link);
      }
      readable = readable && links.size() <= kMaxAnswerNames;
    }
    return readable;
  });
  if (!readable) return false;
  answer.names = in_chain_order(message.question()->qname, links);
  answer.names.shrink_to_fit();
  answer.addresses.shrink_to_fit();
  return true;
}

}  // namespace postern::cache
