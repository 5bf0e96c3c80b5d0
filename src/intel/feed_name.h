// Domain names as people write them in feeds, and why one is refused.
//
// Stricter than dns::Name::from_text: a list of names is written by hand or by a script, and
// what DNS itself would carry ("http://x/", "x:80") is there a mistake worth naming.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "dns/name.h"

namespace postern::intel {

/// What is wrong with a name in a feed.
enum class NameFault : std::uint8_t {
  empty,
  address,        ///< An IP address or prefix where a name is expected.
  url,            ///< "http://x/", "x/path".
  port,           ///< "x:80".
  mail_address,   ///< "who@x".
  defanged,       ///< "x[.]example".
  wildcard,       ///< A "*" where the format has no place for one.
  quoted,         ///< In quotation marks, where the format has none.
  bad_character,  ///< Anything else that no host name has.
  bad_idn,        ///< Octets over 0x7f that are no internationalised name in UTF-8.
  empty_label,
  label_too_long,
  name_too_long,
  root,           ///< "."; a rule for it would stand for every name.
  reserved,       ///< "localhost", "local", "arpa" …: answered by the resolver itself (RFC 6761).
  public_suffix,  ///< "com", "co.uk": a rule for all below it would hit everybody.
  own_domain,     ///< The organisation's, or all above it.
};

/// What is wrong and what to do, to be read behind the name: "is a URL; write …".
std::string_view advice(NameFault fault);

/// Reads a name: letters, digits, "-", "_" and dots, in any case, a dot at the end allowed.
/// Names with octets over 0x7f are taken as UTF-8 and become A-labels (IDNA 2008, UTS 46
/// non-transitional). Costs about 50 ns, and allocates for internationalised names only.
Result<dns::Name, NameFault> read_domain(std::string_view text);

}  // namespace postern::intel
