#include "resolve/upstream_query.h"

#include <sys/random.h>

#include "base/assert.h"
#include "dns/writer.h"

namespace postern::resolve {
namespace {

constexpr std::uint16_t kUdpOctets = 1232;  // What we take over UDP: no fragments (RFC 9715 §3).
constexpr std::size_t kPaddingBlock = 128;  // For queries over TLS, RFC 8467 §4.1.

}  // namespace

std::uint16_t RandomIds::next() {
  if (at_ == ids_.size()) {
    // Up to 256 octets are never short and never interrupted (getrandom(2)).
    POSTERN_ASSERT(::getrandom(ids_.data(), sizeof ids_, 0) == static_cast<ssize_t>(sizeof ids_));
    at_ = 0;
  }
  return ids_[at_++];
}

std::size_t write_query(const Request& request, std::uint16_t id, Padding padding,
                        std::span<std::uint8_t> out) {
  dns::MessageWriter writer(out, out.size());
  const auto flags = static_cast<std::uint16_t>(dns::flag::rd | dns::flag::ad |
                                                (request.checking_disabled ? dns::flag::cd : 0));
  writer.header(id, flags);
  writer.question(request.question);
  static constexpr std::array<std::uint8_t, kPaddingBlock> kZeros{};
  constexpr std::size_t kOptAndPadding = 11 + 4;
  const std::size_t bare = writer.size() + kOptAndPadding;
  const std::array<dns::MessageWriter::Option, 1> options{
      {{dns::EdnsOption::padding,
        OctetView(kZeros).first((kPaddingBlock - bare % kPaddingBlock) % kPaddingBlock)}}};
  // DO is always set: whoever asked may want signatures, and the cache keeps both forms.
  writer.opt(kUdpOctets, dns::Rcode::noerror, true,
             padding == Padding::yes ? std::span<const dns::MessageWriter::Option>(options)
                                     : std::span<const dns::MessageWriter::Option>());
  return writer.size();
}

std::optional<dns::MessageView> answer_to(OctetView message, const dns::Question& question,
                                          std::uint16_t id) {
  auto view = dns::MessageView::parse(message);
  if (!view || view->header().id != id || !view->header().has(dns::flag::qr) ||
      view->header().question_count != 1 || view->question() != question) {
    return std::nullopt;
  }
  return *view;
}

}  // namespace postern::resolve
