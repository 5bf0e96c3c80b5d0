#include "feeds/transfer_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "dns/rdata.h"
#include "dns/writer.h"

namespace postern::feeds {
namespace {

using dns::MessageView;
using dns::Rcode;
using dns::RRClass;
using dns::RRType;

// In messages a record is at most this much larger than packed: its owner written out, not
// relative. Changes that undo each other count too, so there is room for some.
constexpr std::uint64_t kWireFactor = 4;
constexpr std::uint64_t kWireSlack = 1U << 20;
constexpr std::uint32_t kMaxTtl = 0x7fff'ffff;

Unexpected<Error> bad(std::string text) {
  return fail(Errc::invalid_input, std::move(text));
}

// What an rcode means for who wants a zone.
Error error_of(Rcode rcode, const TransferQuery& query) {
  const std::string asked = dns::to_string(query.type) + " " + query.zone.to_display();
  const std::string said = "the server answers " + dns::to_string(rcode) + " to " + asked;
  switch (rcode) {
    case Rcode::refused:
      return {Errc::denied, said + "; allow this address or TSIG key to transfer the zone there"};
    case Rcode::notauth:
      return {Errc::denied, said + "; it has no such zone, or does not take our TSIG key"};
    case Rcode::nxdomain:
      return {Errc::not_found, said + "; check the zone's name"};
    case Rcode::servfail:
      return {Errc::unavailable, said + "; the zone is probably not loaded there"};
    default:
      return {Errc::invalid_input, said};
  }
}

// What holds for every message of an answer.
Result<void> check_answer(const MessageView& view, const TransferQuery& query,
                          bool must_have_question) {
  const dns::Header& header = view.header();
  if (header.id != query.id) return bad("an answer with another id than the query's");
  if (!header.has(dns::flag::qr) || header.opcode() != dns::Opcode::query) {
    return bad("what came is not an answer");
  }
  if (view.rcode() != Rcode::noerror) return Unexpected<Error>(error_of(view.rcode(), query));
  const dns::Question asked{query.zone, query.type, RRClass::in};
  if (header.question_count > 1 || (view.question() && *view.question() != asked)) {
    return bad("an answer to another question");
  }
  if (must_have_question && !view.question()) return bad("an answer without the question");
  return {};
}

Result<MessageView> parse(OctetView message) {
  const auto view = MessageView::parse(message);
  if (!view) return bad("a message that does not read: " + std::string(to_string(view.error())));
  return *view;
}

}  // namespace

Octets to_octets(const TransferQuery& query) {
  Octets buffer(2048);  // Two names of a question and a SOA fit many times.
  dns::MessageWriter writer(buffer, buffer.size());
  writer.header(query.id, 0);
  bool fits = writer.question({query.zone, query.type, RRClass::in});
  if (query.type == RRType::ixfr) {
    POSTERN_ASSERT(query.base != nullptr);
    fits = fits && writer.record(dns::Section::authority, {query.zone, RRType::soa, RRClass::in, 0,
                                                           query.base->soa_rdata()});
  }
  POSTERN_ASSERT(fits);
  buffer.resize(writer.size());
  return buffer;
}

Result<Soa> read_soa_answer(OctetView message, const TransferQuery& query) {
  const MessageView view = POSTERN_TRY(parse(message));
  POSTERN_CHECK(check_answer(view, query, true));
  if (view.header().has(dns::flag::tc)) return fail(Errc::limit_exceeded, "the answer is cut off");
  if (!view.header().has(dns::flag::aa)) {
    return bad("the server is not authoritative for " + query.zone.to_display());
  }
  std::optional<Soa> soa;
  Octets rdata;
  view.for_each_record([&](dns::Section section, const dns::Record& record) {
    const bool is_wanted = section == dns::Section::answer && record.type == RRType::soa &&
                           record.rr_class == RRClass::in && record.owner == query.zone;
    if (is_wanted && dns::expand_rdata(message, record, rdata)) soa = soa_of(rdata);
    return !soa;
  });
  if (!soa) return bad("the answer has no SOA record of " + query.zone.to_display());
  return *soa;
}

TransferReader::TransferReader(const TransferQuery& query, const ZoneCopyLimits& limits)
    : query_(query), limits_(limits), editor_(query.zone, limits) {
  POSTERN_ASSERT((query.type == RRType::ixfr) == (query.base != nullptr));
}

Result<TransferReader::State> TransferReader::take(OctetView message) {
  POSTERN_ASSERT(part_ != Part::end);
  wire_octets_ += message.size();
  if (wire_octets_ > kWireFactor * limits_.max_octets + kWireSlack) {
    return fail(Errc::limit_exceeded, "over " + std::to_string(wire_octets_) +
                                          " octets; raise the feed's max_size if the zone is meant "
                                          "to be that large");
  }
  const MessageView view = POSTERN_TRY(parse(message));
  POSTERN_CHECK(check(view));
  Result<void> done;
  view.for_each_record([&](dns::Section section, const dns::Record& record) {
    if (section != dns::Section::answer) return false;
    done = take_record(record, message);
    return done.has_value();
  });
  if (!done) return Unexpected<Error>(std::move(done).error());
  is_first_message_ = false;
  return state();
}

Result<void> TransferReader::check(const MessageView& view) const {
  POSTERN_CHECK(check_answer(view, query_, is_first_message_));
  if (view.header().has(dns::flag::tc)) return bad("a message that says it is cut off");
  if (view.header().answer_count == 0) return bad("a message without records");
  return {};
}

TransferReader::State TransferReader::state() const {
  if (part_ == Part::end) return is_incremental_ ? State::changes : State::whole;
  if (part_ == Part::second && query_.base != nullptr) {
    // A single SOA that is no newer than ours ends the answer (RFC 1995 §2).
    const auto ours = query_.base->soa();
    const auto theirs = soa_of(first_soa_);
    if (ours && theirs && !is_newer(theirs->serial, ours->serial)) return State::up_to_date;
  }
  return State::more;
}

Result<void> TransferReader::take_record(const dns::Record& record, OctetView message) {
  const auto refuse = [&record](std::string_view why) {
    return bad(record.owner.to_display() + " " + dns::to_string(record.type) + ": " +
               std::string(why));
  };
  if (record.rr_class != RRClass::in) return refuse("a record of another class than IN");
  if (dns::is_meta(record.type)) return refuse("not a type that a zone can hold");
  if (!dns::expand_rdata(message, record, rdata_)) return refuse("data that does not read");
  // RFC 2181 §8.
  const std::uint32_t ttl = record.ttl > kMaxTtl ? 0 : record.ttl;
  const ZoneCopyRecord taken{record.owner, record.type, ttl, rdata_};
  const bool is_soa = record.type == RRType::soa && record.owner == query_.zone;
  return is_soa ? take_soa(taken) : take_other(taken);
}

Result<void> TransferReader::take_soa(const ZoneCopyRecord& record) {
  const auto soa = soa_of(record.rdata);
  if (!soa) return bad("a SOA record that does not read");
  const bool is_first = std::ranges::equal(record.rdata, first_soa_);
  switch (part_) {
    case Part::first:
      first_soa_.assign(record.rdata.begin(), record.rdata.end());
      first_ttl_ = record.ttl;
      part_ = Part::second;
      return {};
    case Part::second:
      return take_second_soa(record, *soa);
    case Part::whole:
      if (!is_first) return bad("the last SOA is not the first: the zone changed under way");
      part_ = Part::end;
      return {};
    case Part::removed:
      if (!is_newer(soa->serial, last_serial_)) {
        return bad("changes that lead from serial " + std::to_string(last_serial_) + " back to " +
                   std::to_string(soa->serial));
      }
      last_serial_ = soa->serial;
      part_ = Part::added;
      return must_add(record);
    case Part::added:
      if (is_first && last_serial_ == soa->serial && soa_of(first_soa_)->serial == last_serial_) {
        part_ = Part::end;
        return {};
      }
      if (soa->serial != last_serial_) {
        return bad("changes from serial " + std::to_string(soa->serial) + " where those from " +
                   std::to_string(last_serial_) + " should come");
      }
      part_ = Part::removed;
      return must_remove(record);
    case Part::end:
      break;
  }
  return bad("records behind the end of the zone");
}

// The second record of an answer tells what it is (RFC 1995 §4).
Result<void> TransferReader::take_second_soa(const ZoneCopyRecord& record, const Soa& soa) {
  const bool is_first = std::ranges::equal(record.rdata, first_soa_);
  if (is_first) {  // A zone of nothing but its SOA.
    POSTERN_CHECK(begin_whole());
    part_ = Part::end;
    return {};
  }
  if (query_.base == nullptr)
    return bad("the last SOA is not the first: the zone changed under way");
  const auto ours = query_.base->soa();
  if (!ours || soa.serial != ours->serial) {
    return bad("changes from serial " + std::to_string(soa.serial) + ", which is not the copy's");
  }
  editor_ = ZoneCopyEditor(*query_.base, limits_);
  is_incremental_ = true;
  last_serial_ = soa.serial;
  part_ = Part::removed;
  return must_remove(record);
}

Result<void> TransferReader::begin_whole() {
  static_cast<void>(POSTERN_TRY(editor_.add({query_.zone, RRType::soa, first_ttl_, first_soa_})));
  part_ = Part::whole;
  return {};
}

Result<void> TransferReader::take_other(const ZoneCopyRecord& record) {
  switch (part_) {
    case Part::first:
      return bad("the first record is not the SOA of " + query_.zone.to_display());
    case Part::second:
      POSTERN_CHECK(begin_whole());
      [[fallthrough]];
    case Part::whole:
      // Twice the same is no harm (RFC 5936 §2.2 leaves it to the receiver).
      static_cast<void>(POSTERN_TRY(editor_.add(record)));
      return {};
    case Part::removed:
      return must_remove(record);
    case Part::added:
      return must_add(record);
    case Part::end:
      break;
  }
  return bad("records behind the end of the zone");
}

Result<void> TransferReader::must_add(const ZoneCopyRecord& record) {
  if (POSTERN_TRY(editor_.add(record))) return {};
  return bad("the changes add " + record.owner.to_display() + " " + dns::to_string(record.type) +
             ", which the copy has already");
}

Result<void> TransferReader::must_remove(const ZoneCopyRecord& record) {
  if (editor_.remove(record)) return {};
  return bad("the changes remove " + record.owner.to_display() + " " + dns::to_string(record.type) +
             ", which the copy has not");
}

}  // namespace postern::feeds
