// The messages that answer SOA, IXFR and AXFR (RFC 5936 §2.2, RFC 1995 §4): records cut into
// messages, and each message signed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/octets.h"
#include "feeds/packed_record.h"
#include "feeds/published_zone.h"
#include "feeds/request_proof.h"
#include "feeds/zone_request.h"

namespace postern::feeds {

/// Cuts the records of one answer into messages. One thread. Borrows all but the source.
class ZoneMessages {
 public:
  /// A message of a stream: names are compressed to places in the first 16 KiB only.
  static constexpr std::size_t kStreamOctets = 16'384;

  /// `query` are the octets of `request`. `limit`: the octets of a message, its signature included;
  /// only a record that needs more by itself has them.
  ZoneMessages(OctetView query, const ZoneRequest& request, RecordSource source, std::size_t limit);

  /// The next message, signed by `proof`; false after the last one.
  bool next(RequestProof& proof, std::uint64_t now_s, Octets& message);
  /// The same, with room for a signature and none in it.
  bool next_unsigned(std::size_t room, Octets& message);
  /// Whether that was the last one.
  bool is_done() const { return is_done_; }

 private:
  bool fill(std::size_t limit, std::size_t room, Octets& message);
  bool find_record();

  OctetView query_;
  const ZoneRequest& request_;
  RecordSource source_;
  std::size_t limit_;
  Octets part_;
  PackedRecords records_{{}};
  bool has_record_ = false;  // `records_` stands at one that is not sent yet.
  bool is_done_ = false;
  bool is_first_ = true;
};

}  // namespace postern::feeds
