// LOC records (RFC 1876): where a host stands, both ways.
//
// Private to dns/.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/octets.h"

namespace postern::dns {

/// Two angles of at most four tokens each, an altitude and three sizes.
inline constexpr std::size_t kMaxLocationTokens = 12;

/// Appends the sixteen octets of `tokens`; false if they are not a location.
bool append_location(std::span<const std::string_view> tokens, Octets& out);

/// Appends the text; false unless it is version 0 and within RFC 1876 §2's bounds.
bool print_location(OctetView rdata, std::string& out);

}  // namespace postern::dns
