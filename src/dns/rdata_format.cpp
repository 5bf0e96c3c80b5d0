#include "dns/rdata_format.h"

#include <algorithm>
#include <iterator>

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

struct FieldsOf {
  std::uint16_t type;
  std::string_view fields;
};

// In order of type. Those of RFC 1035 that hold a name are there even where they are obsolete. The
// types that are not here are never in a zone file, or have no form of their own.
constexpr FieldsOf kFields[] = {
    {1, "a"},           // A
    {2, "n"},           // NS
    {3, "n"},           // MD
    {4, "n"},           // MF
    {5, "n"},           // CNAME
    {6, "nn4tttt"},     // SOA
    {7, "n"},           // MB
    {8, "n"},           // MG
    {9, "n"},           // MR
    {11, "w"},          // WKS
    {12, "n"},          // PTR
    {13, "ss"},         // HINFO
    {14, "nn"},         // MINFO
    {15, "2n"},         // MX
    {16, "S"},          // TXT
    {17, "nn"},         // RP
    {18, "2n"},         // AFSDB
    {19, "s"},          // X25
    {20, "so"},         // ISDN
    {21, "2n"},         // RT
    {24, "Rg14TT2nb"},  // SIG
    {25, "21gz"},       // KEY
    {26, "2nn"},        // PX
    {28, "A"},          // AAAA
    {29, "l"},          // LOC
    {33, "222n"},       // SRV
    {35, "22sssn"},     // NAPTR
    {36, "2n"},         // KX
    {37, "c2gb"},       // CERT
    {39, "n"},          // DNAME
    {42, "p"},          // APL
    {43, "2g1h"},       // DS
    {44, "11h"},        // SSHFP
    {45, "i"},          // IPSECKEY
    {46, "Rg14TT2nb"},  // RRSIG
    {47, "nB"},         // NSEC
    {48, "21gb"},       // DNSKEY
    {49, "b"},          // DHCID
    {50, "112HNB"},     // NSEC3
    {51, "112H"},       // NSEC3PARAM
    {52, "111h"},       // TLSA
    {53, "111h"},       // SMIMEA
    {55, "I"},          // HIP
    {59, "2g1h"},       // CDS
    {60, "21gb"},       // CDNSKEY
    {61, "b"},          // OPENPGPKEY
    {62, "42B"},        // CSYNC
    {63, "411h"},       // ZONEMD
    {64, "2nv"},        // SVCB
    {65, "2nv"},        // HTTPS
    {99, "S"},          // SPF
    {104, "2L"},        // NID
    {105, "2a"},        // L32
    {106, "2L"},        // L64
    {107, "2n"},        // LP
    {108, "6"},         // EUI48
    {109, "8"},         // EUI64
    {256, "22q"},       // URI
    {257, "1kQ"},       // CAA
    {261, "S"},         // RESINFO
    {32768, "2g1h"},    // TA
    {32769, "2g1h"},    // DLV
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
  const auto value = static_cast<std::uint16_t>(type);
  static_assert(std::ranges::is_sorted(kFields, {}, &FieldsOf::type));
  const auto* const found = std::ranges::lower_bound(kFields, value, {}, &FieldsOf::type);
  if (found == std::end(kFields) || found->type != value) return {};
  return found->fields;
}

std::optional<std::uint16_t> algorithm_from_text(std::string_view text) {
  return find(kAlgorithms, text);
}

std::optional<std::uint16_t> cert_type_from_text(std::string_view text) {
  return find(kCertTypes, text);
}

}  // namespace postern::dns
