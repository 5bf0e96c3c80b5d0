// Lists that are themselves compressed files.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "feeds/shared_memory.h"

namespace postern::feeds {

/// True where `unpack` would have something to do.
bool is_packed(const SharedMemory& octets);

/// The content of `octets` if they are a gzip (RFC 1952; several members too) or zstd (RFC 8878)
/// file, else `octets`. Sealed both. One layer. `limit_exceeded` as soon as the content is over
/// `max_octets`, so that a small file cannot grow huge; `corrupt` where it is damaged or cut off.
Result<SharedMemory> unpack(SharedMemory octets, std::uint64_t max_octets);

}  // namespace postern::feeds
