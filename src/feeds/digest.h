// SHA-256, to tell copies apart and to notice damage.
#pragma once

#include <string>
#include <string_view>

namespace postern::feeds {

/// 64 hexadecimal digits.
std::string sha256_hex(std::string_view octets);

}  // namespace postern::feeds
