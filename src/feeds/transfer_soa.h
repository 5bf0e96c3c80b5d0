// What a secondary needs of a zone's SOA record: its serial number and timers.
#pragma once

#include <cstdint>
#include <optional>

#include "base/octets.h"
#include "base/time.h"

namespace postern::feeds {

/// RFC 1035 §3.3.13.
struct Soa {
  std::uint32_t serial = 0;
  std::uint32_t refresh_s = 0;
  std::uint32_t retry_s = 0;
  std::uint32_t expire_s = 0;

  bool operator==(const Soa&) const = default;
};

/// From uncompressed RDATA; nothing where that is no SOA's.
std::optional<Soa> soa_of(OctetView rdata);

/// True where `serial` comes after `than` (RFC 1982 §3.2). Two that are 2^31 apart, which that
/// leaves open, are neither newer than the other.
bool is_newer(std::uint32_t serial, std::uint32_t than);

}  // namespace postern::feeds
