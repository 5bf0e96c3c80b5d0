#include "intel/lint.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/octets.h"
#include "intel/public_suffix.h"

namespace postern::intel {
namespace {

using std::string_view_literals::operator""sv;

// In wire form without the root label, so that comparing needs no conversion.
constexpr std::array kReserved = {
    "\x09localhost"sv,
    "\x05local"sv,
    "\x08internal"sv,
    "\x0blocaldomain"sv,
    "\x09localhost\x0blocaldomain"sv,
    "\x04"
    "arpa"sv,
    "\x07in-addr\x04"
    "arpa"sv,
    "\x03ip6\x04"
    "arpa"sv,
    "\x04home\x04"
    "arpa"sv,
    "\x05onion"sv,
    "\x03"
    "alt"sv,
    "\x04test"sv,
    "\x07invalid"sv,
    "\x07"
    "example"sv,
};
constexpr std::size_t kLongestReserved = 25;  // Of the wire forms, the root label included.

// True if a public server may have an address of the prefix (RFC 1112 §4, RFC 4291 §2.4).
bool may_be_public(const IpPrefix& prefix) {
  if (prefix.address().is_v4()) return prefix.address().octets()[0] < 224;
  constexpr std::array<std::uint8_t, 16> kFirst = {0x20};
  const IpPrefix global_unicast(IpAddress::from_octets(kFirst), 3);
  return global_unicast.contains(prefix.address()) || prefix.contains(global_unicast.address());
}

}  // namespace

std::optional<NameFault> refused_as_rule(const dns::Name& name) {
  if (name.is_root()) return NameFault::root;
  const std::string_view wire = text_of(name.wire());
  if (wire.size() > kLongestReserved) return std::nullopt;
  const std::string_view labels = wire.substr(0, wire.size() - 1);
  if (std::ranges::find(kReserved, labels) == kReserved.end()) return std::nullopt;
  return NameFault::reserved;
}

std::optional<NameFault> refused_as_block(const dns::Name& name, policy::Scope scope,
                                          const LintOptions& lint) {
  if (!lint.skips_shared || std::ranges::find(lint.forced, name) != lint.forced.end()) {
    return std::nullopt;
  }
  const bool covers = scope != policy::Scope::exact;
  for (const dns::Name& domain : lint.own_domains) {
    const bool is_hit = name.is_at_or_below(domain) || (covers && domain.is_at_or_below(name));
    if (is_hit) return NameFault::own_domain;
  }
  const bool is_wide = covers || name.label_count() <= 1;
  if (is_wide && is_registry(name)) return NameFault::public_suffix;
  return std::nullopt;
}

std::string_view advice(PrefixFault fault) {
  switch (fault) {
    case PrefixFault::every_address:
      return "stands for every address there is; remove it";
    case PrefixFault::too_wide:
      return "would block more of the Internet than any one owner has; if it is meant, write it as "
             "prefixes of /8, or for IPv6 of /19";
  }
  return "is no prefix for a rule";
}

std::optional<PrefixFault> refused_as_rule(const IpPrefix& prefix, policy::Trigger trigger,
                                           policy::Action action) {
  if (prefix.length() == 0) return PrefixFault::every_address;
  const bool looks_at_servers =
      trigger == policy::Trigger::response_ip || trigger == policy::Trigger::nsip;
  if (!looks_at_servers || action == policy::Action::pass) return std::nullopt;
  const unsigned min = prefix.address().is_v4() ? kMinV4Length : kMinV6Length;
  if (prefix.length() >= min || !may_be_public(prefix)) return std::nullopt;
  return PrefixFault::too_wide;
}

}  // namespace postern::intel
