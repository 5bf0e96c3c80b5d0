// Octets as lower-case hexadecimal digits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/octets.h"

namespace postern::evidence {

std::string to_hex(OctetView octets);
/// Nothing where it is no even number of digits; either case will do.
std::optional<std::string> from_hex(std::string_view text);
/// Whether it is a SHA-256 as we write it: 64 lower-case digits.
bool is_sha256(std::string_view text);

}  // namespace postern::evidence
