// Records of a zone packed one behind the other, for what is made, compared and sent as a whole.
#pragma once

#include <cstdint>

#include "base/octets.h"
#include "dns/name.h"
#include "dns/types.h"
#include "feeds/zone_copy.h"

namespace postern::feeds {

/// Appends a record: size of the owner, owner, type, TTL, size of the RDATA, RDATA.
void append_packed(const ZoneCopyRecord& record, Octets& packed);

/// Reads what `append_packed` wrote, record by record. `packed` must outlive this.
class PackedRecords {
 public:
  explicit PackedRecords(OctetView packed) : rest_(packed) {}

  /// Moves to the next record; false at the end.
  bool next();

  const dns::Name& owner() const { return owner_; }
  dns::RRType type() const { return type_; }
  std::uint32_t ttl() const { return ttl_; }
  OctetView rdata() const { return rdata_; }
  /// All of the record's octets.
  OctetView packed() const { return packed_; }

 private:
  OctetView rest_;
  dns::Name owner_;
  dns::RRType type_{};
  std::uint32_t ttl_ = 0;
  OctetView rdata_;
  OctetView packed_;
};

}  // namespace postern::feeds
