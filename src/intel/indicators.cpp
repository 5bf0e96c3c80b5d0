#include "intel/indicators.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/ip.h"
#include "intel/url_host.h"

namespace postern::intel {
namespace {

struct SpecialPrefix {
  std::array<std::uint8_t, 16> octets;
  unsigned length;
  bool is_v4;
};

// Where no server of others can be (RFC 6890, RFC 4291 §2.4). The prefixes for documentation are
// not among them: nobody lists them by mistake.
constexpr SpecialPrefix kSpecial[] = {
    {{0}, 8, true},         {{10}, 8, true},       {{100, 64}, 10, true},     {{127}, 8, true},
    {{169, 254}, 16, true}, {{172, 16}, 12, true}, {{192, 168}, 16, true},    {{224}, 3, true},
    {{}, 127, false},       {{0xfc}, 7, false},    {{0xfe, 0x80}, 10, false}, {{0xff}, 8, false},
};

bool is_special(const IpPrefix& prefix) {
  return std::ranges::any_of(kSpecial, [&](const SpecialPrefix& special) {
    const OctetView octets = OctetView(special.octets).first(special.is_v4 ? 4 : 16);
    const IpPrefix range(IpAddress::from_octets(octets), special.length);
    return range.contains(prefix.address()) || prefix.contains(range.address());
  });
}

// "*.", the mark of a name and all below it.
bool take_star(std::string_view& text) {
  if (!text.starts_with("*.")) return false;
  text.remove_prefix(2);
  return true;
}

// By its look: "192.0.2.1/24" is a prefix too, if a wrong one, and no URL.
bool is_address_or_prefix(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view length = text.substr(slash);
  return IpAddress::from_text(text.substr(0, slash)).has_value() && length != "/" &&
         std::all_of(length.begin(), length.end(),
                     [](char c) { return c == '/' || (c >= '0' && c <= '9'); });
}

}  // namespace

bool Indicators::add_name(std::string_view text, policy::Scope scope) {
  scope = take_star(text) ? policy::Scope::at_and_below : sink_.options().scope.value_or(scope);
  dns::Name name;
  if (!sink_.read_name(text, name)) return false;
  sink_.add(name, {.scope = scope});
  return true;
}

bool Indicators::add_names_below(std::string_view text) {
  dns::Name name;
  if (!sink_.read_name(text, name)) return false;
  sink_.add(name, {.scope = policy::Scope::below});
  return true;
}

bool Indicators::add_address(std::string_view text) {
  const auto prefix = IpPrefix::from_text(text);
  if (!prefix) {
    sink_.skip(
        text,
        "is no address or prefix such as 192.0.2.1 or 2001:db8::/32 without bits set behind its "
        "length; correct it");
    return false;
  }
  const RuleKind kind{.trigger = policy::Trigger::response_ip};
  if (!sink_.accept_prefix(*prefix, kind)) return false;
  if (is_special(*prefix)) {
    sink_.skip(text,
               "is or holds addresses that no public server has (private, loopback, link-local, "
               "multicast); if it is meant, write it in a policy zone");
    return false;
  }
  sink_.add(*prefix, kind);
  return true;
}

bool Indicators::add_url(std::string_view text) {
  const auto url = host_of_url(text);
  if (!url) {
    sink_.skip(text, url.error());
    return false;
  }
  if (!url->whole_host && !sink_.options().url_hosts) {
    sink_.skip(text,
               "is one page of a host that may have others; with url_hosts: true its whole host is "
               "blocked");
    return false;
  }
  return add_host(url->host);
}

bool Indicators::add_host(std::string_view host) {
  if (IpAddress::from_text(host)) return add_address(host);
  return add_name(host, policy::Scope::exact);
}

bool Indicators::add_any(std::string_view text, policy::Scope scope) {
  if (text.find("://") != std::string_view::npos) return add_url(text);
  if (is_address_or_prefix(text)) return add_address(text);
  if (const auto endpoint = Endpoint::from_text(text, 1)) {
    return add_address(endpoint->address.to_text());
  }
  if (text.find('/') != std::string_view::npos) return add_url(text);
  if (!text.empty() && text.find('.') == std::string_view::npos) {
    sink_.skip(text, "has no dot: a digest, a file or a word rather than a name; check the field");
    return false;
  }
  return add_name(text, scope);
}

}  // namespace postern::intel
