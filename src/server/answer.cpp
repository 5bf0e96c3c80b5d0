#include "server/answer.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "dns/writer.h"

namespace postern::server {

namespace {

constexpr std::size_t kOptOctets = 11;           // RFC 6891 §6.1.2: root name and fixed part.
constexpr std::size_t kEdeFixedOctets = 6;       // Option code, length, INFO-CODE.
constexpr std::uint16_t kQuestionName = 0xc00c;  // Pointer to the first name of the message.
constexpr std::uint32_t kAnyTtl = 3600;          // RFC 8482 leaves it to us.

std::string_view cut(std::string_view text) {
  return text.substr(0, limits::kEdeTextOctets);
}

}  // namespace

std::size_t opt_octets(const dns::Query& query, const Extended& extended) {
  if (!query.edns) return 0;
  return kOptOctets + (extended.ede ? kEdeFixedOctets + cut(extended.text).size() : 0);
}

std::size_t append_opt(std::span<std::uint8_t> message, std::size_t size, const dns::Query& query,
                       std::uint16_t udp_octets, const Extended& extended) {
  if (!query.edns || size == 0 || message.size() - size < kOptOctets) return size;
  ByteWriter writer(message.subspan(size));
  writer.u8(0);
  writer.u16(static_cast<std::uint16_t>(dns::RRType::opt));
  writer.u16(udp_octets);
  writer.u8(extended.upper_rcode);
  writer.u8(0);  // Version.
  writer.u16(query.edns->dnssec_ok ? 0x8000 : 0);
  writer.u16(0);
  if (extended.ede && writer.left() >= kEdeFixedOctets) {
    std::array<std::uint8_t, 2 + limits::kStructuredErrorOctets> payload;
    const bool is_structured = !extended.structured.empty() &&
                               extended.structured.size() <= writer.left() - kEdeFixedOctets;
    const std::size_t octets = is_structured ? payload.size() : 2 + limits::kEdeTextOctets;
    const OctetView option = dns::write_extended_error(
        std::span(payload).first(std::min(octets, writer.left() - 4)), *extended.ede,
        is_structured ? extended.structured : extended.text);
    writer.u16(static_cast<std::uint16_t>(dns::EdnsOption::extended_error));
    writer.u16(static_cast<std::uint16_t>(option.size()));
    writer.octets(option);
    writer.patch_u16(9, static_cast<std::uint16_t>(option.size() + 4));
  }
  POSTERN_ASSERT(writer.ok());
  store_u16(&message[10], static_cast<std::uint16_t>(load_u16(&message[10]) + 1));
  return size + writer.size();
}

std::uint16_t answer_flags(const dns::Header& query) {
  constexpr std::uint16_t kCopied = 0x7800 | dns::flag::rd | dns::flag::cd;  // Opcode too.
  return static_cast<std::uint16_t>((query.flags & kCopied) | dns::flag::qr | dns::flag::ra);
}

std::size_t write_bare(const Asker& asker, dns::Rcode rcode, std::uint16_t extra_flags,
                       std::span<std::uint8_t> out) {
  const std::size_t question_end = asker.query.question_end;
  const bool has_question = question_end > dns::kHeaderOctets;
  ByteWriter writer(out);
  writer.u16(asker.query.header.id);
  const unsigned flags =
      answer_flags(asker.query.header) | extra_flags | (static_cast<unsigned>(rcode) & 0xfU);
  writer.u16(static_cast<std::uint16_t>(flags));
  writer.u16(has_question ? 1 : 0);
  writer.u16(0);
  writer.u16(0);
  writer.u16(0);
  if (has_question) {
    writer.octets(asker.octets.subspan(dns::kHeaderOctets, question_end - dns::kHeaderOctets));
  }
  POSTERN_ASSERT(writer.ok());
  return writer.size();
}

std::size_t write_any(const Asker& asker, std::span<std::uint8_t> out) {
  const std::size_t size = write_bare(asker, dns::Rcode::noerror, 0, out);
  ByteWriter writer(out.subspan(size));
  writer.u16(kQuestionName);
  writer.u16(static_cast<std::uint16_t>(dns::RRType::hinfo));
  writer.u16(static_cast<std::uint16_t>(dns::RRClass::in));
  writer.u32(kAnyTtl);
  constexpr std::string_view kRdata{"\7RFC8482\0", 9};
  writer.u16(static_cast<std::uint16_t>(kRdata.size()));
  writer.octets(octets_of(kRdata));
  POSTERN_ASSERT(writer.ok());
  store_u16(&out[6], 1);
  return size + writer.size();
}

std::string_view block_text(std::span<char> buffer, std::string_view zone, std::uint64_t trace_id) {
  std::size_t size = 0;
  const auto put = [&](std::string_view text) {
    const std::size_t count = std::min(text.size(), buffer.size() - size);
    std::copy_n(text.begin(), count, buffer.begin() + static_cast<std::ptrdiff_t>(size));
    size += count;
  };
  put("Blocked by feed ");
  put(zone);
  put(" (trace ");
  put(event::trace_text(trace_id));  // Eight characters: no allocation.
  put(")");
  return {buffer.data(), size};
}

}  // namespace postern::server
