// The numbers of the DNS protocol and their mnemonics (IANA "DNS Parameters").
//
// Any 16-bit value is a valid RRType or RRClass, named or not (RFC 3597): a switch
// over them needs a default.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::dns {

enum class RRType : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  null = 10,
  wks = 11,
  ptr = 12,
  hinfo = 13,
  minfo = 14,
  mx = 15,
  txt = 16,
  rp = 17,
  afsdb = 18,
  x25 = 19,
  isdn = 20,
  rt = 21,
  sig = 24,
  key = 25,
  px = 26,
  aaaa = 28,
  loc = 29,
  srv = 33,
  naptr = 35,
  kx = 36,
  cert = 37,
  a6 = 38,
  dname = 39,
  opt = 41,
  apl = 42,
  ds = 43,
  sshfp = 44,
  ipseckey = 45,
  rrsig = 46,
  nsec = 47,
  dnskey = 48,
  dhcid = 49,
  nsec3 = 50,
  nsec3param = 51,
  tlsa = 52,
  smimea = 53,
  hip = 55,
  cds = 59,
  cdnskey = 60,
  openpgpkey = 61,
  csync = 62,
  zonemd = 63,
  svcb = 64,
  https = 65,
  spf = 99,
  nid = 104,
  l32 = 105,
  l64 = 106,
  lp = 107,
  eui48 = 108,
  eui64 = 109,
  nxname = 128,
  tkey = 249,
  tsig = 250,
  ixfr = 251,
  axfr = 252,
  mailb = 253,
  maila = 254,
  any = 255,
  uri = 256,
  caa = 257,
  resinfo = 261,
  ta = 32768,
  dlv = 32769,
};

/// "A", or "TYPE731" for one without a mnemonic (RFC 3597 §5).
std::string to_string(RRType type);
/// Reads either form, in any case.
std::optional<RRType> rr_type_from_text(std::string_view text);
/// QTYPEs and meta types, which no stored record may have: 0, OPT, 128 to 255 (RFC 6895 §3.1).
bool is_meta(RRType type);

enum class RRClass : std::uint16_t { in = 1, ch = 3, hs = 4, none = 254, any = 255 };

/// "IN", or "CLASS32" (RFC 3597 §5).
std::string to_string(RRClass rr_class);
std::optional<RRClass> rr_class_from_text(std::string_view text);

enum class Opcode : std::uint8_t {
  query = 0,
  iquery = 1,
  status = 2,
  notify = 4,
  update = 5,
  dso = 6
};

/// With the upper bits from EDNS (RFC 6891 §6.1.3): up to 12 bits.
enum class Rcode : std::uint16_t {
  noerror = 0,
  formerr = 1,
  servfail = 2,
  nxdomain = 3,
  notimp = 4,
  refused = 5,
  yxdomain = 6,
  yxrrset = 7,
  nxrrset = 8,
  notauth = 9,
  notzone = 10,
  badvers = 16,
  badcookie = 23,
};

/// "NOERROR", or "RCODE42".
std::string to_string(Rcode rcode);
std::optional<Rcode> rcode_from_text(std::string_view text);

/// Extended DNS errors, RFC 8914 §4 (the ones that we send or pass on by name).
enum class EdeCode : std::uint16_t {
  other = 0,
  unsupported_dnskey_algorithm = 1,
  unsupported_ds_digest = 2,
  stale_answer = 3,
  forged_answer = 4,
  dnssec_indeterminate = 5,
  dnssec_bogus = 6,
  signature_expired = 7,
  signature_not_yet_valid = 8,
  dnskey_missing = 9,
  rrsigs_missing = 10,
  no_zone_key_bit = 11,
  nsec_missing = 12,
  cached_error = 13,
  not_ready = 14,
  blocked = 15,
  censored = 16,
  filtered = 17,
  prohibited = 18,
  stale_nxdomain = 19,
  not_authoritative = 20,
  not_supported = 21,
  no_reachable_authority = 22,
  network_error = 23,
  invalid_data = 24,
  signature_too_early = 25,
  invalid_query_type = 30,  // RFC 9824 §6.
};

/// IANA's purpose text: "Blocked", "DNSSEC Bogus"; "Other" for the unknown.
std::string_view to_string(EdeCode code);

}  // namespace postern::dns
