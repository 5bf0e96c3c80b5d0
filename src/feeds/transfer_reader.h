// What is asked of a primary server, and its answers, message by message: AXFR (RFC 5936), IXFR
// (RFC 1995), SOA. Computes only; sockets and signatures are elsewhere.
#pragma once

#include <cstdint>
#include <string>

#include "base/octets.h"
#include "base/result.h"
#include "dns/message.h"
#include "dns/name.h"
#include "feeds/transfer_soa.h"
#include "feeds/zone_copy.h"

namespace postern::feeds {

/// A query of one primary: AXFR, IXFR or SOA.
struct TransferQuery {
  const dns::Name& zone;
  dns::RRType type;
  std::uint16_t id = 0;
  const ZoneCopy* base = nullptr;  ///< For IXFR: the copy at hand, which has a SOA.
};

/// The query's octets; for IXFR with the SOA of the copy at hand (RFC 1995 §3).
Octets to_octets(const TransferQuery& query);

/// What an answer to a SOA query says. `limit_exceeded`: cut off, ask again over TCP; `denied`:
/// refused; `invalid_input`: no answer to `query`; each with what is wrong.
Result<Soa> read_soa_answer(OctetView message, const TransferQuery& query);

/// Takes the messages that answer an AXFR or IXFR query. One thread. Borrows the query. Nothing
/// that was there before is changed: what comes goes into a copy of its own.
class TransferReader {
 public:
  enum class State : std::uint8_t {
    more,        ///< The next message is needed.
    up_to_date,  ///< The copy at hand is the newest.
    whole,       ///< All of the zone has come; also in answer to IXFR.
    changes,     ///< All changes have come.
  };

  TransferReader(const TransferQuery& query, const ZoneCopyLimits& limits);

  /// Takes one message. On error the transfer is over; the error says what is wrong. For IXFR each
  /// error but `limit_exceeded` is a reason to ask for the whole zone instead: also that the
  /// changes do not fit the copy at hand, by a single record.
  Result<State> take(OctetView message);
  /// The zone as the primary has it, after `whole` or `changes`.
  ZoneCopy finish() && { return std::move(editor_).finish(); }

 private:
  enum class Part : std::uint8_t { first, second, whole, removed, added, end };

  Result<void> check(const dns::MessageView& view) const;
  Result<void> take_record(const dns::Record& record, OctetView message);
  Result<void> take_soa(const ZoneCopyRecord& record);
  Result<void> take_second_soa(const ZoneCopyRecord& record, const Soa& soa);
  Result<void> take_other(const ZoneCopyRecord& record);
  Result<void> begin_whole();
  Result<void> must_add(const ZoneCopyRecord& record);
  Result<void> must_remove(const ZoneCopyRecord& record);
  State state() const;

  const TransferQuery query_;
  const ZoneCopyLimits limits_;
  ZoneCopyEditor editor_;
  Part part_ = Part::first;
  bool is_incremental_ = false;
  bool is_first_message_ = true;
  std::uint64_t wire_octets_ = 0;
  Octets first_soa_;  // RDATA: the one that ends the transfer, too.
  std::uint32_t first_ttl_ = 0;
  std::uint32_t last_serial_ = 0;  // Of the changes so far.
  Octets rdata_;
};

}  // namespace postern::feeds
