#include "feeds/packed_record.h"

#include "base/assert.h"

namespace postern::feeds {

void append_packed(const ZoneCopyRecord& record, Octets& packed) {
  const OctetView owner = record.owner.wire();
  const std::size_t at = packed.size();
  packed.resize(at + 1 + owner.size() + 8 + record.rdata.size());
  ByteWriter writer({&packed[at], packed.size() - at});
  writer.u8(static_cast<std::uint8_t>(owner.size()));
  writer.octets(owner);
  writer.u16(static_cast<std::uint16_t>(record.type));
  writer.u32(record.ttl);
  writer.u16(static_cast<std::uint16_t>(record.rdata.size()));
  writer.octets(record.rdata);
}

bool PackedRecords::next() {
  if (rest_.empty()) return false;
  ByteReader reader(rest_);
  const auto owner = dns::Name::from_labels(reader.take(reader.u8()));
  type_ = static_cast<dns::RRType>(reader.u16());
  ttl_ = reader.u32();
  rdata_ = reader.take(reader.u16());
  POSTERN_ASSERT(owner && reader.ok());  // Our own memory.
  owner_ = *owner;
  packed_ = rest_.first(reader.offset());
  rest_ = rest_.subspan(reader.offset());
  return true;
}

}  // namespace postern::feeds
