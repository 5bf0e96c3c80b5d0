#include "feeds/zone_messages.h"

#include <utility>

#include "dns/writer.h"

namespace postern::feeds {
namespace {

constexpr std::size_t kEmptyOptOctets = 11;  // RFC 6891 §6.1.2.
constexpr std::uint16_t kUdpOctets = 1232;

}  // namespace

ZoneMessages::ZoneMessages(OctetView query, const ZoneRequest& request, RecordSource source,
                           std::size_t limit)
    : query_(query), request_(request), source_(std::move(source)), limit_(limit) {
  is_done_ = !find_record();
}

/// Moves to a record that is to be sent, if there is none at hand.
bool ZoneMessages::find_record() {
  while (!has_record_) {
    has_record_ = records_.next();
    if (has_record_) break;
    if (!source_(part_)) return false;
    records_ = PackedRecords(part_);
  }
  return true;
}

bool ZoneMessages::next(RequestProof& proof, std::uint64_t now_s, Octets& message) {
  if (!next_unsigned(proof.room(), message)) return false;
  proof.finish(message, now_s);
  return true;
}

bool ZoneMessages::next_unsigned(std::size_t room, Octets& message) {
  if (is_done_) return false;
  // A record that no message has room for cannot be: the zone would have been one of another name.
  if (!fill(limit_, room, message) && !fill(dns::kMaxMessageOctets, room, message)) {
    has_record_ = false;
  }
  is_first_ = false;
  is_done_ = !find_record();
  return true;
}

/// False where not even one record fits.
bool ZoneMessages::fill(std::size_t limit, std::size_t room, Octets& message) {
  message.resize(limit);
  dns::MessageWriter writer(message, limit - room);
  writer.header(request_.header.id,
                static_cast<std::uint16_t>(dns::flag::qr | dns::flag::aa |
                                           (request_.header.flags & dns::flag::rd)));
  // Only the first message has to have it (RFC 5936 §2.2.1).
  if (is_first_) (void)writer.echo_question(query_, request_.question_end);
  if (request_.edns) writer.reserve(kEmptyOptOctets);
  bool has_any = false;
  while (find_record()) {
    const dns::NewRecord record{records_.owner(), records_.type(), dns::RRClass::in, records_.ttl(),
                                records_.rdata()};
    if (!writer.record(dns::Section::answer, record)) break;
    has_any = true;
    has_record_ = false;
  }
  if (request_.edns) (void)writer.opt(kUdpOctets, dns::Rcode::noerror, false, {});
  message.resize(writer.size());
  return has_any;
}

}  // namespace postern::feeds
