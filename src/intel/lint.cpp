#include "intel/lint.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/octets.h"

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

}  // namespace

std::optional<NameFault> refused_as_rule(const dns::Name& name) {
  if (name.is_root()) return NameFault::root;
  const std::string_view wire = text_of(name.wire());
  if (wire.size() > kLongestReserved) return std::nullopt;
  const std::string_view labels = wire.substr(0, wire.size() - 1);
  if (std::ranges::find(kReserved, labels) == kReserved.end()) return std::nullopt;
  return NameFault::reserved;
}

}  // namespace postern::intel
