// What both resolvers do to a message before it goes out as a Reply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/octets.h"
#include "dns/message.h"
#include "dns/types.h"
#include "resolve/resolver.h"

namespace postern::resolve {

/// The most octets that Reply::ede_text holds.
inline constexpr std::size_t kMaxEdeTextOctets = 120;

/// `raw` as resolver.h promises it: id 0, QR, RD and RA set, AD and CD clear (security travels
/// beside the message), no OPT. Nothing where it does not parse, is truncated, is not a response,
/// or does not answer `question`. An OPT that is not the last record takes the additional section
/// with it, because names behind it may be compressed against what moves.
std::optional<Octets> clean_message(OctetView raw, const dns::Question& question);

/// A response to `question` without any record: id 0, QR, RD and RA set.
Octets empty_message(const dns::Question& question, dns::Rcode rcode);

/// SERVFAIL for `request`. `text` is made fit by `client_text`.
Reply failure(const Request& request, dns::EdeCode ede, std::string_view text);

/// The same where the question was not even asked: ReplyKind::not_tried.
Reply not_tried(const Request& request, dns::EdeCode ede, std::string_view text);

/// Printable ASCII of `text`, anything else as "?", cut to kMaxEdeTextOctets.
std::string client_text(std::string_view text);

/// The first extended error of a message (RFC 8914), its text made fit for clients.
struct UpstreamEde {
  dns::EdeCode code{};
  std::string text;
};
std::optional<UpstreamEde> extended_error(const dns::Edns& edns);

/// What libunbound says of a validation failure, as the nearest extended error (RFC 8914
/// §4); `dnssec_bogus` where it is none of the special ones.
dns::EdeCode ede_of_validation_failure(std::string_view why);

}  // namespace postern::resolve
