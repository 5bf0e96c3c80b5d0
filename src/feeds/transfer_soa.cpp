#include "feeds/transfer_soa.h"

#include "dns/name.h"

namespace postern::feeds {

std::optional<Soa> soa_of(OctetView rdata) {
  std::size_t at = 0;
  if (!dns::skip_name(rdata, at) || !dns::skip_name(rdata, at)) return std::nullopt;
  ByteReader reader(rdata, at);
  Soa soa;
  soa.serial = reader.u32();
  soa.refresh_s = reader.u32();
  soa.retry_s = reader.u32();
  soa.expire_s = reader.u32();
  reader.skip(4);  // The TTL of negative answers.
  if (!reader.ok() || reader.left() != 0) return std::nullopt;
  return soa;
}

bool is_newer(std::uint32_t serial, std::uint32_t than) {
  const std::uint32_t ahead = serial - than;
  return ahead != 0 && ahead < 0x8000'0000U;
}

}  // namespace postern::feeds
