#include "feeds/zone_request.h"

#include <algorithm>
#include <array>

#include "dns/rdata.h"
#include "dns/writer.h"
#include "feeds/transfer_soa.h"

namespace postern::feeds {
namespace {

using dns::RRType;

constexpr std::size_t kEdeOctets = 128;
constexpr std::uint16_t kUdpOctets = 1232;

std::optional<ZoneRequest::Kind> kind_of(const dns::Header& header, const dns::Question& question) {
  using enum ZoneRequest::Kind;
  if (question.qclass != dns::RRClass::in) return std::nullopt;
  if (header.opcode() == dns::Opcode::notify) {
    // Others could be told of (§3.3); a zone's SOA is all that there is.
    if (question.qtype == RRType::soa) return notify;
    return std::nullopt;
  }
  if (header.opcode() != dns::Opcode::query) return std::nullopt;
  switch (question.qtype) {
    case RRType::soa:
      return soa;
    case RRType::ixfr:
      return ixfr;
    case RRType::axfr:
      return axfr;
    default:
      return std::nullopt;
  }
}

/// The serial of the zone's SOA in `section`; nothing where there is none that reads.
std::optional<std::uint32_t> serial_in(const dns::MessageView& view, dns::Section section,
                                       const dns::Name& zone) {
  std::optional<std::uint32_t> serial;
  view.for_each_record([&](dns::Section at, const dns::Record& record) {
    if (at != section || record.type != RRType::soa || record.owner != zone) return true;
    Octets rdata;
    if (!dns::expand_rdata(view.octets(), record, rdata)) return false;
    if (const auto found = soa_of(rdata)) serial = found->serial;
    return false;
  });
  return serial;
}

}  // namespace

Result<ZoneRequest, ZoneRequestError> read_zone_request(OctetView message) {
  const auto header = dns::Header::read(message);
  if (!header || header->has(dns::flag::qr)) return Unexpected(ZoneRequestError::another);
  const auto view = dns::MessageView::parse(message);
  if (!view) return Unexpected(ZoneRequestError::format);
  // RFC 9619, and §3.7 of RFC 1996.
  if (header->question_count != 1 || !view->question()) return Unexpected(ZoneRequestError::format);
  const auto kind = kind_of(*header, *view->question());
  if (!kind) return Unexpected(ZoneRequestError::another);
  ZoneRequest request{.kind = *kind,
                      .header = *header,
                      .zone = view->question()->qname,
                      .question_end = view->question_end(),
                      .edns = view->edns(),
                      .serial = {}};
  if (*kind == ZoneRequest::Kind::notify) {
    request.serial = serial_in(*view, dns::Section::answer, request.zone);
  } else if (*kind == ZoneRequest::Kind::ixfr) {
    request.serial = serial_in(*view, dns::Section::authority, request.zone);
    if (!request.serial) return Unexpected(ZoneRequestError::format);
  }
  return request;
}

std::size_t write_refusal(OctetView message, const ZoneRequest* request, const Refusal& refusal,
                          std::span<std::uint8_t> out) {
  const auto header = dns::Header::read(message).value_or(dns::Header{});
  dns::MessageWriter writer(out, out.size());
  constexpr std::uint16_t kOpcode = 0x7800;
  writer.header(header.id, static_cast<std::uint16_t>(dns::flag::qr | (header.flags & kOpcode)));
  if (request != nullptr) (void)writer.echo_question(message, request->question_end);
  writer.set_rcode(refusal.rcode);
  if (request != nullptr && request->edns) {
    std::array<std::uint8_t, kEdeOctets> buffer;
    const dns::MessageWriter::Option option{
        dns::EdnsOption::extended_error,
        dns::write_extended_error(buffer, refusal.ede, refusal.text)};
    (void)writer.opt(kUdpOctets, refusal.rcode, false, {&option, 1});
  }
  return writer.size();
}

}  // namespace postern::feeds
