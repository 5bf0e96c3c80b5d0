#include "cache/targets.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "dns/rdata.h"

namespace postern::cache {
namespace {

using dns::RRType;

constexpr std::uint16_t kIpv4Hint = 4;  // RFC 9460 §14.3.2.
constexpr std::uint16_t kIpv6Hint = 6;

/// Each is tried on each step of the chain; real chains have one or two.
constexpr std::ptrdiff_t kMaxDnames = 16;

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

template <class Names>
bool has(const Names& names, const dns::Name& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// `from` with `link`'s owner replaced by its target (RFC 6672 §2.2). Nothing where it is not below
/// the owner, or becomes too long: then the chain ends there.
std::optional<dns::Name> substituted(const Link& link, const dns::Name& from) {
  if (from == link.owner || !from.is_at_or_below(link.owner)) return std::nullopt;
  const OctetView whole = from.wire();
  const OctetView left = whole.first(whole.size() - link.owner.wire().size());
  Octets labels(left.begin(), left.end());
  labels.push_back(0);
  const auto prefix = dns::Name::from_labels(labels);
  if (!prefix) return std::nullopt;
  const auto name = link.target.with_prefix(*prefix);
  return name ? std::optional(*name) : std::nullopt;
}

/// Follows the links from the question as a client does.
struct Walk {
  const std::vector<Link>& links;
  std::vector<dns::Name> chain{};     ///< Steps, in order.
  std::vector<dns::Name> siblings{};  ///< What else the names on the way point to.
  std::vector<dns::Name> dname_owners{};

  /// The next step from `at`, if any. A CNAME goes before a DNAME above it: resolvers make it of
  /// the DNAME, and most clients know no other. A second one that says otherwise is a sibling.
  std::optional<dns::Name> step(const dns::Name& at) {
    std::optional<dns::Name> next;
    const auto offer = [&](const dns::Name& name) {
      if (!next) next = name;
      if (name != *next) add_sibling(name);
    };
    for (const Link& link : links) {
      if (link.type == RRType::cname && link.owner == at) offer(link.target);
      if (is_service(link.type) && link.owner == at) add_sibling(link.target);
    }
    for (const Link& link : links) {
      if (link.type != RRType::dname) continue;
      const auto name = substituted(link, at);
      if (!name) continue;
      if (!has(dname_owners, link.owner)) dname_owners.push_back(link.owner);
      offer(*name);
    }
    return next;
  }

  void add_sibling(const dns::Name& name) {
    if (!is_full() && !has(siblings, name)) siblings.push_back(name);
  }

  bool is_full() const { return chain.size() > kMaxChain || siblings.size() > kMaxSiblings; }

  /// Until nothing leads on, or leads back.
  bool run(const dns::Name& question) {
    dns::Name at = question;
    for (;;) {
      const auto next = step(at);
      if (is_full()) return false;
      if (!next || has(chain, *next)) return true;
      chain.push_back(*next);
      at = *next;
    }
  }
};

bool by_octets(const dns::Name& a, const dns::Name& b) {
  return std::ranges::lexicographical_compare(a.wire(), b.wire());
}

/// The answer section's links, nothing where there are too many: those that lead nowhere count as
/// well, so that their number is no way to make a message dear.
std::optional<std::vector<Link>> links_of(const dns::MessageView& message) {
  std::vector<Link> links;
  std::size_t count = 0;
  message.for_each_record([&](dns::Section section, const dns::Record& record) {
    if (section != dns::Section::answer) return false;
    if (!is_link(record.type)) return true;
    Link link{.owner = record.owner, .target = {}, .type = record.type};
    // A service target "." leads nowhere else (RFC 9460 §2.5); a DNAME's does.
    const bool leads = dns::rdata_target(record.type, message.octets(), record, link.target);
    const bool to_root = record.type == RRType::dname && record.rdata.size() == 1;
    if (leads || to_root) links.push_back(link);
    return ++count <= kMaxAnswerNames;
  });
  const auto dnames = std::ranges::count(links, RRType::dname, &Link::type);
  if (count > kMaxAnswerNames || dnames > kMaxDnames) return std::nullopt;
  return links;
}

}  // namespace

Reached::Reached(std::vector<dns::Name> owners, std::vector<dns::Name> dname_owners)
    : owners_(std::move(owners)), dname_owners_(std::move(dname_owners)) {
  std::ranges::sort(owners_, by_octets);
  std::ranges::sort(dname_owners_, by_octets);
}

bool Reached::holds(const dns::Record& record) const {
  if (std::ranges::binary_search(owners_, record.owner, by_octets)) return true;
  const bool signs_dname =
      record.type == RRType::rrsig && record.rdata.size() >= 2 &&
      load_u16(record.rdata.data()) == static_cast<std::uint16_t>(RRType::dname);
  return (record.type == RRType::dname || signs_dname) &&
         std::ranges::binary_search(dname_owners_, record.owner, by_octets);
}

std::optional<Reached> collect_targets(const dns::MessageView& message, Answer& answer) {
  const auto links = links_of(message);
  if (!links) return std::nullopt;
  const dns::Name& question = message.question()->qname;
  Walk walk{.links = *links};
  if (!walk.run(question)) return std::nullopt;
  answer.chain_count = walk.chain.size();
  answer.names = walk.chain;
  answer.names.insert(answer.names.end(), walk.siblings.begin(), walk.siblings.end());
  answer.names.shrink_to_fit();

  walk.chain.push_back(question);
  Reached reached(std::move(walk.chain), std::move(walk.dname_owners));
  bool readable = true;
  message.for_each_record([&](dns::Section section, const dns::Record& record) {
    if (section != dns::Section::answer) return false;
    if (reached.holds(record)) {
      readable = add_record_addresses(message.octets(), record, answer.addresses);
    }
    return readable;
  });
  if (!readable) return std::nullopt;
  answer.addresses.shrink_to_fit();
  return reached;
}

}  // namespace postern::cache
