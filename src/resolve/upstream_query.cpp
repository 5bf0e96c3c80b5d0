#include "resolve/upstream_query.h"

#include <sys/random.h>

#include "base/assert.h"
#include "dns/writer.h"

namespace postern::resolve {
namespace {

constexpr std::uint16_t kUdpOctets = 1232;  // What we take over UDP: no fragments (RFC 9715 §3).
constexpr std::size_t kPaddingBlock = 128;  // For queries over TLS, RFC 8467 §4.1.

/// Whether the question section begins with `question`, whatever comes behind it.
bool begins_with(OctetView message, const dns::Question& question) {
  std::size_t at = dns::kHeaderOctets;
  dns::Name qname;
  return qname.assign_from_wire(message, at) && qname == question.qname &&
         message.size() - at >= 4 &&
         load_u16(&message[at]) == static_cast<std::uint16_t>(question.qtype) &&
         load_u16(&message[at + 2]) == static_cast<std::uint16_t>(question.qclass);
}

bool is_bare_error(const dns::MessageView& view) {
  const dns::Header& header = view.header();
  if (header.question_count != 0 || header.answer_count != 0 || header.authority_count != 0) {
    return false;
  }
  using enum dns::Rcode;
  const dns::Rcode rcode = view.rcode();
  return rcode == formerr || rcode == servfail || rcode == notimp || rcode == refused ||
         rcode == badvers;
}

}  // namespace

std::uint16_t RandomIds::next() {
  if (at_ == ids_.size()) {
    // Up to 256 octets are never short and never interrupted (getrandom(2)).
    POSTERN_ASSERT(::getrandom(ids_.data(), sizeof ids_, 0) == static_cast<ssize_t>(sizeof ids_));
    at_ = 0;
  }
  return ids_[at_++];
}

std::size_t write_query(const Request& request, std::uint16_t id, QueryForm form,
                        std::span<std::uint8_t> out) {
  dns::MessageWriter writer(out, out.size());
  const auto flags = static_cast<std::uint16_t>(dns::flag::rd | dns::flag::ad |
                                                (request.checking_disabled ? dns::flag::cd : 0));
  writer.header(id, flags);
  writer.question(request.question);
  if (form == QueryForm::bare) return writer.size();
  static constexpr std::array<std::uint8_t, kPaddingBlock> kZeros{};
  constexpr std::size_t kOptAndPadding = 11 + 4;
  const std::size_t bare = writer.size() + kOptAndPadding;
  const std::array<dns::MessageWriter::Option, 1> options{
      {{dns::EdnsOption::padding,
        OctetView(kZeros).first((kPaddingBlock - bare % kPaddingBlock) % kPaddingBlock)}}};
  // DO is always set: whoever asked may want signatures, and the cache keeps both forms.
  writer.opt(kUdpOctets, dns::Rcode::noerror, true,
             form == QueryForm::padded ? std::span<const dns::MessageWriter::Option>(options)
                                       : std::span<const dns::MessageWriter::Option>());
  return writer.size();
}

Response read_response(OctetView message, const dns::Question& question, std::uint16_t id) {
  const auto header = dns::Header::read(message);
  if (!header || header->id != id || !header->has(dns::flag::qr)) return {};
  Response response;
  if (auto view = dns::MessageView::parse(message)) response.view = *view;
  const bool same_question = header->question_count == 1 && begins_with(message, question);
  if (same_question && header->has(dns::flag::tc)) {
    response.kind = ResponseKind::truncated;
  } else if (response.view && (same_question || is_bare_error(*response.view))) {
    response.kind = ResponseKind::whole;
  } else {
    response.view.reset();
  }
  return response;
}

}  // namespace postern::resolve
