#include "dns/rdata_format.h"

#include <optional>

namespace postern::dns {
namespace {

struct Mnemonic {
  std::string_view text;
  std::uint16_t value;
};

// RFC 4034 A.1, RFC 5702, 5933, 6605, 8080.
constexpr Mnemonic kAlgorithms[] = {
    {"RSAMD5", 1},
    {"DH", 2},
    {"DSA", 3},
    {"ECC", 4},
    {"RSASHA1", 5},
    {"DSA-NSEC3-SHA1", 6},
    {"RSASHA1-NSEC3-SHA1", 7},
    {"RSASHA256", 8},
    {"RSASHA512", 10},
    {"ECC-GOST", 12},
    {"ECDSAP256SHA256", 13},
    {"ECDSAP384SHA384", 14},
    {"ED25519", 15},
    {"ED448", 16},
    {"INDIRECT", 252},
    {"PRIVATEDNS", 253},
    {"PRIVATEOID", 254},
};

// RFC 4398 §2.1.
constexpr Mnemonic kCertTypes[] = {
    {"PKIX", 1}, {"SPKI", 2},   {"PGP", 3},     {"IPKIX", 4}, {"ISPKI", 5},
    {"IPGP", 6}, {"ACPKIX", 7}, {"IACPKIX", 8}, {"URI", 253}, {"OID", 254},
};

constexpr char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

template <std::size_t N>
std::optional<std::uint16_t> find(const Mnemonic (&table)[N], std::string_view text) {
  for (const Mnemonic& entry : table) {
    if (entry.text.size() != text.size()) continue;
    std::size_t same = 0;
    while (same < text.size() && upper(text[same]) == entry.text[same]) ++same;
    if (same == text.size()) return entry.value;
  }
  return {};
}

}  // namespace

std::string_view rdata_fields(RRType type) {
  switch (static_cast<std::uint16_t>(type)) {
    case 3:  // MD
    case 4:  // MF
    case 7:  // MB
    case 8:  // MG
    case 9:  // MR
      return "n";
    default:
      break;
  }
  switch (type) {
    case RRType::a:
      return "a";
    case RRType::ns:
    case RRType::cname:
    case RRType::ptr:
    case RRType::dname:
      return "n";
    case RRType::soa:
      return "nn4tttt";
    case RRType::wks:
      return "w";
    case RRType::hinfo:
      return "ss";
    case RRType::minfo:
    case RRType::rp:
      return "nn";
    case RRType::mx:
    case RRType::afsdb:
    case RRType::rt:
    case RRType::kx:
    case RRType::lp:
      return "2n";
    case RRType::txt:
    case RRType::spf:
    case RRType::resinfo:
      return "S";
    case RRType::x25:
      return "s";
    case RRType::isdn:
      return "so";
    case RRType::sig:
    case RRType::rrsig:
      return "Rg14TT2nb";
    case RRType::key:
      return "21gz";
    case RRType::dnskey:
    case RRType::cdnskey:
      return "21gb";
    case RRType::px:
      return "2nn";
    case RRType::aaaa:
      return "A";
    case RRType::loc:
      return "l";
    case RRType::srv:
      return "222n";
    case RRType::naptr:
      return "22sssn";
    case RRType::cert:
      return "c2gb";
    case RRType::apl:
      return "p";
    case RRType::ds:
    case RRType::cds:
    case RRType::ta:
    case RRType::dlv:
      return "2g1h";
    case RRType::sshfp:
      return "11h";
    case RRType::ipseckey:
      return "i";
    case RRType::nsec:
      return "nB";
    case RRType::dhcid:
    case RRType::openpgpkey:
      return "b";
    case RRType::nsec3:
      return "112HNB";
    case RRType::nsec3param:
      return "112H";
    case RRType::tlsa:
    case RRType::smimea:
      return "111h";
    case RRType::hip:
      return "I";
    case RRType::csync:
      return "42B";
    case RRType::zonemd:
      return "411h";
    case RRType::svcb:
    case RRType::https:
      return "2nv";
    case RRType::nid:
    case RRType::l64:
      return "2L";
    case RRType::l32:
      return "2a";
    case RRType::eui48:
      return "6";
    case RRType::eui64:
      return "8";
    case RRType::uri:
      return "22q";
    case RRType::caa:
      return "1kQ";
    // Never in a zone file, or without a form of their own.
    case RRType::null:
    case RRType::a6:
    case RRType::opt:
    case RRType::tkey:
    case RRType::tsig:
    case RRType::ixfr:
    case RRType::axfr:
    case RRType::mailb:
    case RRType::maila:
    case RRType::any:
      break;
  }
  return {};
}

std::optional<std::uint16_t> algorithm_from_text(std::string_view text) {
  return find(kAlgorithms, text);
}

std::optional<std::uint16_t> cert_type_from_text(std::string_view text) {
  return find(kCertTypes, text);
}

}  // namespace postern::dns
