// Addresses as a server's logs have them: which are of one's own networks whatever they are.
#pragma once

#include <string_view>

#include "base/ip.h"

namespace postern::exchange {

/// An address that no stranger on the Internet has: loopback, link-local, private (RFC 1918),
/// shared (RFC 6598), unique local (RFC 4193), unspecified.
bool is_internal(const IpAddress& address);

/// The same of text; false for what is no address. A zone ("fe80::1%4") does not matter.
bool is_internal_address(std::string_view text);

}  // namespace postern::exchange
