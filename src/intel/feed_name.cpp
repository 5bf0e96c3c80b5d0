#include "intel/feed_name.h"

#include <algorithm>
#include <array>

#include "base/ip.h"
#include "intel/idn.h"

namespace postern::intel {
namespace {

enum class Kind : std::uint8_t { bad, plain, high };

// What an octet may be in a name; one table look-up an octet.
constexpr std::array<Kind, 256> kKinds = [] {
  std::array<Kind, 256> kinds{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (letter || digit || c == '-' || c == '_' || c == '.') kinds[c] = Kind::plain;
    if (c > 0x7f) kinds[c] = Kind::high;
  }
  return kinds;
}();

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Text that has the shape of a name and may still be an address: it ends in a digit, as no
// top-level domain does, perhaps with the dot of a whole name behind it.
bool is_v4_address(std::string_view text) {
  if (text.size() > 1 && text.back() == '.') text.remove_suffix(1);
  return is_digit(text.back()) && is_digit(text.front()) && IpAddress::from_text(text).has_value();
}

// The name has an octet that no name has: say what it looks like instead.
NameFault fault_of_bad_text(std::string_view text) {
  if (text.find("[.]") != std::string_view::npos) return NameFault::defanged;
  if (IpAddress::from_text(text) || IpPrefix::from_text(text)) return NameFault::address;
  if (text.find('/') != std::string_view::npos) return NameFault::url;
  if (text.find('@') != std::string_view::npos) return NameFault::mail_address;
  if (text.find('*') != std::string_view::npos) return NameFault::wildcard;
  if (text.front() == '"' || text.front() == '\'') return NameFault::quoted;
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && colon + 1 < text.size() &&
      std::all_of(text.begin() + static_cast<std::ptrdiff_t>(colon) + 1, text.end(), is_digit)) {
    return NameFault::port;
  }
  return NameFault::bad_character;
}

NameFault fault_of(dns::NameError error) {
  switch (error) {
    case dns::NameError::empty_label:
      return NameFault::empty_label;
    case dns::NameError::label_too_long:
      return NameFault::label_too_long;
    case dns::NameError::name_too_long:
      return NameFault::name_too_long;
    default:
      return NameFault::bad_character;
  }
}

}  // namespace

std::string_view advice(NameFault fault) {
  switch (fault) {
    case NameFault::empty:
      return "is empty; write a name";
    case NameFault::address:
      return "is an address, and names are expected here; keep it in a list of addresses";
    case NameFault::url:
      return "is a URL or has a path; write the host name alone";
    case NameFault::port:
      return "has a port; write the name alone";
    case NameFault::mail_address:
      return "is a mail address; write a domain name";
    case NameFault::defanged:
      return "is defanged; write plain dots";
    case NameFault::wildcard:
      return "has a \"*\" that this format cannot carry; only a whole first label can be one";
    case NameFault::quoted:
      return "is in quotation marks; write the name alone";
    case NameFault::bad_character:
      return "has a character that no domain name has; check the line and the feed's format";
    case NameFault::bad_idn:
      return "is not a valid internationalised name in UTF-8; write it with xn-- labels";
    case NameFault::empty_label:
      return "has two dots in a row or one in front; remove the extra dot";
    case NameFault::label_too_long:
      return "has a label of over 63 octets; no such name can exist";
    case NameFault::name_too_long:
      return "is longer than 253 octets; no such name can exist";
    case NameFault::root:
      return "stands for every name there is; remove it";
    case NameFault::reserved:
      return "is reserved for local use and answered by the resolver itself; remove it";
    case NameFault::public_suffix:
      return "is a public suffix, below which everybody has names; remove it, or if it is meant "
             "add "
             "it to force";
    case NameFault::own_domain:
      return "is of your own domains (gate.own_domains), or holds one; remove it, or if it is "
             "meant "
             "add it to force";
  }
  return "is not a name";
}

Result<dns::Name, NameFault> read_domain(std::string_view text) {
  if (text.empty()) return Unexpected(NameFault::empty);
  bool high = false;
  for (const char c : text) {
    const Kind kind = kKinds[static_cast<unsigned char>(c)];
    if (kind == Kind::bad) return Unexpected(fault_of_bad_text(text));
    high |= kind == Kind::high;
  }
  if (high) {
    const auto ascii = to_a_labels(text);
    if (!ascii) return Unexpected(ascii.error());
    // The mapping may make dots and the like out of look-alikes: read the outcome as any name.
    const bool all_plain = std::ranges::all_of(
        *ascii, [](char c) { return kKinds[static_cast<unsigned char>(c)] == Kind::plain; });
    if (!all_plain || ascii->empty()) return Unexpected(NameFault::bad_idn);
    return read_domain(*ascii);
  }
  if (is_v4_address(text)) return Unexpected(NameFault::address);
  auto name = dns::Name::from_text(text);
  if (!name) return Unexpected(fault_of(name.error()));
  return *name;
}

}  // namespace postern::intel
