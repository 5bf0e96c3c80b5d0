#include "resolve/answer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "dns/writer.h"

namespace postern::resolve {
namespace {

constexpr std::uint16_t kResponseFlags = dns::flag::qr | dns::flag::rd | dns::flag::ra;
constexpr std::uint16_t kRcodeMask = 0xf;

/// Where the parts lie that `clean_message` may have to cut.
struct Layout {
  std::size_t additional_begin = 0;
  std::size_t opt_begin = 0;
  bool has_opt = false;
  bool opt_is_last = false;
};

Layout layout_of(const dns::MessageView& view) {
  Layout layout;
  std::size_t at = view.question_end();
  layout.additional_begin = at;
  view.for_each_record([&](dns::Section section, const dns::Record& record) {
    const std::size_t end = record.rdata_offset + record.rdata.size();
    layout.opt_is_last = false;
    if (section != dns::Section::additional) {
      layout.additional_begin = end;
    } else if (record.type == dns::RRType::opt) {
      layout.opt_begin = at;
      layout.has_opt = layout.opt_is_last = true;
    }
    at = end;
    return true;
  });
  return layout;
}

}  // namespace

std::optional<Octets> clean_message(OctetView raw, const dns::Question& question) {
  const auto view = dns::MessageView::parse(raw);
  if (!view) return std::nullopt;
  const dns::Header& header = view->header();
  if (!header.has(dns::flag::qr) || header.has(dns::flag::tc) || header.question_count != 1 ||
      view->question() != question) {
    return std::nullopt;
  }
  const Layout layout = layout_of(*view);
  Octets message(raw.begin(), raw.end());
  if (layout.opt_is_last) {
    message.resize(layout.opt_begin);
    store_u16(&message[10], static_cast<std::uint16_t>(header.additional_count - 1));
  } else if (layout.has_opt) {
    message.resize(layout.additional_begin);
    store_u16(&message[10], 0);
  }
  const auto keep = static_cast<std::uint16_t>(dns::flag::aa | kRcodeMask);
  store_u16(&message[0], 0);
  store_u16(&message[2], static_cast<std::uint16_t>((header.flags & keep) | kResponseFlags));
  return message;
}

Octets empty_message(const dns::Question& question, dns::Rcode rcode) {
  Octets message(dns::kHeaderOctets + dns::Name::kMaxOctets + 4);
  dns::MessageWriter writer(message, message.size());
  writer.header(0, kResponseFlags);
  writer.question(question);
  writer.set_rcode(rcode);
  message.resize(writer.size());
  return message;
}

Reply failure(const Request& request, dns::EdeCode ede, std::string_view text) {
  Reply reply;
  reply.ticket = request.ticket;
  reply.kind = ReplyKind::failed;
  reply.message = empty_message(request.question, dns::Rcode::servfail);
  reply.ede = ede;
  reply.ede_text = client_text(text);
  return reply;
}

Reply not_tried(const Request& request, dns::EdeCode ede, std::string_view text) {
  Reply reply = failure(request, ede, text);
  reply.kind = ReplyKind::not_tried;
  return reply;
}

std::string client_text(std::string_view text) {
  std::string out(text.substr(0, kMaxEdeTextOctets));
  std::replace_if(out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

std::optional<UpstreamEde> extended_error(const dns::Edns& edns) {
  const auto option = dns::find_option(edns, dns::EdnsOption::extended_error);
  if (!option || option->size() < 2) return std::nullopt;
  return UpstreamEde{static_cast<dns::EdeCode>(load_u16(option->data())),
                     client_text(text_of(option->subspan(2)))};
}

dns::EdeCode ede_of_validation_failure(std::string_view why) {
  // Fragments of libunbound 1.17's messages. The first that is found decides, so what is wrong
  // with the signatures stands before what follows from it for the keys.
  using enum dns::EdeCode;
  static constexpr std::array<std::pair<std::string_view, dns::EdeCode>, 13> kFragments{{
      {"signature expired", signature_expired},
      {"signature before inception", signature_not_yet_valid},
      {"signature inception", signature_not_yet_valid},
      {"no signatures", rrsigs_missing},
      {"no DNSKEY", dnskey_missing},
      {"No DNSKEY", dnskey_missing},
      {"missing DNSKEY", dnskey_missing},
      {"DS hash mismatches", dnskey_missing},
      {"no keys have a DS", dnskey_missing},
      {"DNSKEY", dnskey_missing},
      {"NSEC", nsec_missing},
      {"nodata proof failed", nsec_missing},
      {"nameerror proof failed", nsec_missing},
  }};
  for (const auto& [fragment, code] : kFragments) {
    if (why.find(fragment) != std::string_view::npos) return code;
  }
  return dnssec_bogus;
}

}  // namespace postern::resolve
