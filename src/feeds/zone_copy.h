// ZoneCopy: all records of a transferred zone, in order, packed, and ready for the next change.
//
// Start at ZoneCopy, which never changes and may be shared; ZoneCopyEditor makes a new one of an
// old one. What did not change is shared between the two, so an incremental transfer costs
// what it changes, and one that fails leaves nothing behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "dns/name.h"
#include "dns/types.h"
#include "feeds/transfer_soa.h"

namespace postern::feeds {

/// A record of a zone: for the length of one call. The class is always IN.
struct ZoneCopyRecord {
  const dns::Name& owner;
  dns::RRType type;
  std::uint32_t ttl;
  OctetView rdata;  ///< Uncompressed.
};

/// So that a primary cannot fill our memory.
struct ZoneCopyLimits {
  std::size_t max_records = 20'000'000;  ///< As many as a feed may have rules.
  std::size_t max_octets = 256U << 20;   ///< Packed: per record 10 and its owner and RDATA.
};

/// Records packed one behind the other, in order; about as much as stays in a near cache.
struct ZoneCopyChunk {
  static constexpr std::size_t kMaxOctets = 8192;  ///< Unless a single record is larger.

  Octets octets;
  std::uint32_t count = 0;
  std::uint32_t last = 0;  ///< Where the last record begins.
};

/// A value that shares its memory with its copies. A const one may be read from any thread.
class ZoneCopy {
 public:
  const dns::Name& origin() const { return origin_; }
  std::size_t record_count() const { return record_count_; }
  /// What all of it takes, shared parts included.
  std::size_t memory_octets() const;

  /// The serial and timers of the SOA record; nothing where there is none.
  std::optional<Soa> soa() const;
  /// The SOA record's RDATA; empty where there is none. Valid while this lives.
  OctetView soa_rdata() const;

  /// A zone file (RFC 1035 §5): $ORIGIN, the SOA, then a record a line in canonical order (RFC 4034
  /// §6.1), always the same text for the same records. About 0.3 µs a record.
  std::string to_text() const;
  /// Reads what `to_text` wrote. Any line that does not read is an error: also one with data that
  /// is not what its type says, which a primary may have sent. Then the zone has to come whole.
  static Result<ZoneCopy> from_text(std::string_view text, const dns::Name& origin,
                                    const ZoneCopyLimits& limits);

 private:
  friend class ZoneCopyEditor;

  dns::Name origin_;
  std::vector<std::shared_ptr<const ZoneCopyChunk>> chunks_;  // None is empty.
  std::size_t record_count_ = 0;
  std::size_t octets_ = 0;  // Packed.
};

/// Makes a ZoneCopy. One thread. A record is known by owner, type and RDATA; its TTL is none of
/// its identity (RFC 2181 §5.2). Adding behind the last record costs 0.3 µs, elsewhere or
/// removing about 1 µs.
class ZoneCopyEditor {
 public:
  /// Begins with an empty zone.
  ZoneCopyEditor(const dns::Name& origin, const ZoneCopyLimits& limits);
  /// Begins with what is in `base`.
  ZoneCopyEditor(const ZoneCopy& base, const ZoneCopyLimits& limits);

  /// False where the record is there already. Errors: `limit_exceeded`; `invalid_input` for an
  /// owner outside of the zone.
  Result<bool> add(const ZoneCopyRecord& record);
  /// False where there is no such record.
  bool remove(const ZoneCopyRecord& record);

  std::size_t record_count() const { return record_count_; }
  ZoneCopy finish() &&;

 private:
  // A chunk of the old copy, or one of our own that may be changed.
  struct Slot {
    std::shared_ptr<const ZoneCopyChunk> shared;
    std::unique_ptr<ZoneCopyChunk> own;

    const ZoneCopyChunk& chunk() const { return own ? *own : *shared; }
    ZoneCopyChunk& edit();
  };

  std::size_t slot_for(OctetView packed) const;
  void insert(std::size_t slot, std::size_t at, OctetView packed);
  void split(std::size_t slot);
  void join_with_next(std::size_t slot);

  dns::Name origin_;
  ZoneCopyLimits limits_;
  std::vector<Slot> slots_;
  std::size_t record_count_ = 0;
  std::size_t octets_ = 0;
  Octets packed_;  // The record at hand.
};

}  // namespace postern::feeds
