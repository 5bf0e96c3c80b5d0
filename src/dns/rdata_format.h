// Which fields the RDATA of each type has: one table for text to wire and wire to text.
//
// Private to dns/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/octets.h"
#include "base/result.h"
#include "dns/lexer.h"
#include "dns/name.h"
#include "dns/types.h"

namespace postern::dns {

/// A field of RDATA. Those marked "rest" take all that is left and come last.
enum class Field : char {
  u8 = '1',
  u16 = '2',
  u32 = '4',
  ttl = 't',        ///< 32 bits of seconds, units allowed: SOA.
  time = 'T',       ///< 32 bits, as YYYYMMDDHHmmSS: RRSIG (RFC 4034 §3.2).
  type = 'R',       ///< 16 bits, a type's mnemonic.
  algorithm = 'g',  ///< 8 bits; a DNSSEC algorithm's mnemonic is read too (RFC 4034 A.1).
  cert_type = 'c',  ///< 16 bits; a certificate type's mnemonic is read too (RFC 4398 §2.1).
  name = 'n',
  ipv4 = 'a',
  ipv6 = 'A',
  string = 's',           ///< A character-string.
  optional_string = 'o',  ///< One, or the end: ISDN.
  strings = 'S',          ///< Rest: one or more character-strings.
  tag = 'k',              ///< Letters and digits behind a length octet: CAA.
  text = 'q',             ///< Rest: a quoted text without a length, not empty for URI.
  optional_text = 'Q',    ///< The same, perhaps empty: CAA.
  hex = 'h',              ///< Rest, not empty.
  base64 = 'b',           ///< Rest, not empty.
  optional_base64 = 'z',  ///< Rest: a KEY may have none.
  salt = 'H',             ///< Hexadecimal behind a length octet, "-" for none: NSEC3.
  base32 = 'N',           ///< base32hex behind a length octet: NSEC3.
  bitmap = 'B',           ///< Rest: the types that exist (RFC 4034 §4.1.2).
  locator = 'L',          ///< 64 bits in four groups: NID, L64 (RFC 6742).
  eui48 = '6',
  eui64 = '8',
  location = 'l',        ///< Rest: LOC (RFC 1876).
  prefixes = 'p',        ///< Rest: APL (RFC 3123).
  services = 'w',        ///< Rest: WKS (RFC 1035 §3.4.2).
  gateway = 'i',         ///< Rest: IPSECKEY (RFC 4025).
  host_identity = 'I',   ///< Rest: HIP (RFC 8005).
  service_params = 'v',  ///< Rest: SVCB (RFC 9460 §2.1).
};

/// The fields of a type as letters of Field; empty for types that only have the form of
/// RFC 3597.
std::string_view rdata_fields(RRType type);

/// The number of a DNSSEC algorithm or certificate type by its mnemonic, in any case.
std::optional<std::uint16_t> algorithm_from_text(std::string_view text);
std::optional<std::uint16_t> cert_type_from_text(std::string_view text);

/// Reads RDATA up to the end of its entry into `out`, uncompressed. Errors quote the token.
Result<void> parse_rdata(RRType type, Lexer& lexer, const Name& origin, Octets& out);

/// Appends the presentation form of the RDATA at `message[at, at + size)`; false if it does
/// not read as its type or the type is unknown, with part of it in `out`.
bool print_rdata(RRType type, OctetView message, std::size_t at, std::size_t size,
                 std::string& out);

/// Reads a name: "@" is `origin`, which also completes one without a dot at its end.
Result<void> parse_name(const Token& token, const Name& origin, Name& out);

/// Seconds, or units as in "1h30m" (w, d, h, m, s); at most 2^31 - 1 (RFC 2181 §8).
std::optional<std::uint32_t> parse_ttl(std::string_view text);

}  // namespace postern::dns
