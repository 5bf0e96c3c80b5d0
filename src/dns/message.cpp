#include "dns/message.h"

#include <algorithm>

#include "dns/rdata_layout.h"

namespace postern::dns {
namespace {

constexpr std::size_t kMinUdpOctets = 512;

// True if `options` is a sequence of whole options, RFC 6891 §6.1.2.
bool are_whole_options(OctetView options) {
  while (!options.empty()) {
    if (options.size() < 4) return false;
    const std::size_t size = 4U + load_u16(&options[2]);
    if (size > options.size()) return false;
    options = options.subspan(size);
  }
  return true;
}

// The OPT record in `record`; nothing if it breaks RFC 6891 §6.1.
std::optional<Edns> read_opt(const Record& record) {
  if (!record.owner.is_root() || !are_whole_options(record.rdata)) return {};
  return Edns{.udp_octets = static_cast<std::uint16_t>(record.rr_class),
              .extended_rcode = static_cast<std::uint8_t>(record.ttl >> 24),
              .version = static_cast<std::uint8_t>(record.ttl >> 16),
              .dnssec_ok = (record.ttl & 0x8000) != 0,
              .options = record.rdata};
}

// The question at `offset`, which moves past it. A pointer here could only point into the
// header, which the answer changes: refused, so that a question can be echoed as it is.
bool read_question(OctetView message, std::size_t& offset, Question& out) {
  const std::size_t start = offset;
  if (!out.qname.assign_from_wire(message, offset)) return false;
  const bool compressed = offset - start != out.qname.wire().size();
  if (compressed || message.size() - offset < 4) {
    offset = start;
    return false;
  }
  out.qtype = static_cast<RRType>(load_u16(&message[offset]));
  out.qclass = static_cast<RRClass>(load_u16(&message[offset + 2]));
  offset += 4;
  return true;
}

Result<void, QueryError> read_additional(OctetView message, Query& query) {
  if (query.header.additional_count > kMaxQueryAdditional) return Unexpected(QueryError::format);
  std::size_t offset = query.question_end;
  Record record;
  for (unsigned i = 0; i < query.header.additional_count; ++i) {
    if (!MessageView::read_record(message, offset, record)) return Unexpected(QueryError::format);
    if (record.type != RRType::opt) continue;
    if (query.edns) return Unexpected(QueryError::format);
    query.edns = read_opt(record);
    if (!query.edns) return Unexpected(QueryError::format);
  }
  if (query.edns && query.edns->version > 0) return Unexpected(QueryError::bad_version);
  return {};
}

// Why there is no whole question or record at `offset`.
MessageError why_not(OctetView message, std::size_t offset) {
  const auto name = skip_name(message, offset);
  return name || name.error() == NameError::truncated ? MessageError::too_short
                                                      : MessageError::bad_name;
}

// What it costs to read the name at `offset`, which is good.
std::size_t steps_at(OctetView message, std::size_t offset) {
  return skip_name(message, offset).value_or(0);
}

// Adds what its names cost to `steps`.
bool rdata_reads(OctetView message, const Record& record, std::size_t& steps) {
  // An UPDATE names what to delete with no RDATA, in these classes (RFC 2136 §2.4, §2.5).
  if (record.rdata.empty() &&
      (record.rr_class == RRClass::any || record.rr_class == RRClass::none)) {
    return true;
  }
  const std::string_view layout = name_layout(record.type);
  return layout.empty() ||
         walk_rdata(
             layout, {message, record.rdata_offset, record.rdata.size()}, [](OctetView) {},
             [&](std::size_t at) { steps += steps_at(message, at); });
}

}  // namespace

std::optional<Header> Header::read(OctetView message) {
  if (message.size() < kHeaderOctets) return {};
  const std::uint8_t* const at = message.data();
  return Header{.id = load_u16(at),
                .flags = load_u16(at + 2),
                .question_count = load_u16(at + 4),
                .answer_count = load_u16(at + 6),
                .authority_count = load_u16(at + 8),
                .additional_count = load_u16(at + 10)};
}

std::optional<OctetView> find_option(const Edns& edns, EdnsOption code) {
  ByteReader reader(edns.options);
  while (reader.left() > 0) {
    const std::uint16_t found = reader.u16();
    const OctetView payload = reader.take(reader.u16());
    if (!reader.ok()) return {};
    if (found == static_cast<std::uint16_t>(code)) return payload;
  }
  return {};
}

std::size_t Query::udp_octets() const {
  if (!edns) return kMinUdpOctets;
  return std::max<std::size_t>(edns->udp_octets, kMinUdpOctets);
}

Result<void, QueryError> parse_query(OctetView message, Query& partial) {
  partial.question_end = 0;
  partial.edns.reset();
  const std::optional<Header> header = Header::read(message);
  if (!header || header->has(flag::qr)) return Unexpected(QueryError::not_a_query);
  partial.header = *header;
  if (header->opcode() != Opcode::query) return Unexpected(QueryError::not_implemented);
  if (header->question_count != 1) return Unexpected(QueryError::format);
  std::size_t offset = kHeaderOctets;
  if (!read_question(message, offset, partial.question)) return Unexpected(QueryError::format);
  partial.question_end = offset;
  if (header->answer_count != 0 || header->authority_count != 0) {
    return Unexpected(QueryError::format);
  }
  return read_additional(message, partial);
}

std::string_view to_string(MessageError error) {
  switch (error) {
    case MessageError::too_short:
      return "message cut off";
    case MessageError::bad_name:
      return "bad name";
    case MessageError::bad_record:
      return "bad record";
    case MessageError::trailing_octets:
      return "octets behind the message";
  }
  return "unknown error";
}

bool MessageView::read_record(OctetView message, std::size_t& offset, Record& out) {
  std::size_t at = offset;
  if (!out.owner.assign_from_wire(message, at)) return false;
  if (message.size() - at < 10) return false;
  const std::uint8_t* const fixed = &message[at];
  const std::size_t size = load_u16(fixed + 8);
  if (message.size() - at - 10 < size) return false;
  out.type = static_cast<RRType>(load_u16(fixed));
  out.rr_class = static_cast<RRClass>(load_u16(fixed + 2));
  out.ttl = load_u32(fixed + 4);
  out.ttl_offset = at + 4;
  out.rdata_offset = at + 10;
  out.rdata = message.subspan(at + 10, size);
  offset = at + 10 + size;
  return true;
}

Result<MessageView, MessageError> MessageView::parse(OctetView message) {
  const std::optional<Header> header = Header::read(message);
  if (!header) return Unexpected(MessageError::too_short);
  MessageView view;
  view.octets_ = message;
  view.header_ = *header;
  std::size_t offset = kHeaderOctets;
  for (unsigned i = 0; i < header->question_count; ++i) {
    Question question;
    if (!read_question(message, offset, question)) return Unexpected(why_not(message, offset));
    if (i == 0) view.question_ = question;
  }
  view.question_end_ = offset;
  Record record;
  std::size_t steps = 0;
  const unsigned before_additional = header->answer_count + 0U + header->authority_count;
  const unsigned all = before_additional + header->additional_count;
  for (unsigned i = 0; i < all; ++i) {
    const std::size_t owner_at = offset;
    if (!read_record(message, offset, record)) return Unexpected(why_not(message, offset));
    steps += steps_at(message, owner_at);
    if (!rdata_reads(message, record, steps) || steps > kMaxNameSteps) {
      return Unexpected(MessageError::bad_record);
    }
    if (record.type != RRType::opt) continue;
    if (i < before_additional || view.edns_) return Unexpected(MessageError::bad_record);
    view.edns_ = read_opt(record);
    if (!view.edns_) return Unexpected(MessageError::bad_record);
  }
  if (offset != message.size()) return Unexpected(MessageError::trailing_octets);
  return view;
}

Rcode MessageView::rcode() const {
  const unsigned upper = edns_ ? edns_->extended_rcode : 0U;
  return static_cast<Rcode>((upper << 4) | (header_.flags & 0xfU));
}

}  // namespace postern::dns
