// Lists that are themselves compressed files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::feeds {

/// True where `unpack` would have something to do.
bool is_packed(std::string_view octets);

/// The content of `octets` if they are a gzip (RFC 1952; several members too) or zstd (RFC 8878)
/// file, else `octets`. One layer. `limit_exceeded` as soon as the content is over `max_octets`,
/// so that a small file cannot grow huge; `corrupt` where it is damaged or cut off.
Result<std::string> unpack(std::string octets, std::uint64_t max_octets);

}  // namespace postern::feeds
