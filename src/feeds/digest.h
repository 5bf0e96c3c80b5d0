// SHA-256, to tell copies apart and to notice damage.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "feeds/shared_memory.h"

namespace postern::feeds {

/// 64 hexadecimal digits.
std::string sha256_hex(std::string_view octets);
Result<std::string> sha256_hex(const SharedMemory& memory);

}  // namespace postern::feeds
