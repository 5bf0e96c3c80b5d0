#include "dns/types.h"

#include <array>
#include <charconv>
#include <cstddef>

namespace postern::dns {
namespace {

struct Mnemonic {
  std::string_view text;
  std::uint16_t value;
};

// Those without an enumerator too: the data of such a type is opaque, its name need not be.
constexpr Mnemonic kTypes[] = {
    {"A", 1},           {"NS", 2},       {"MD", 3},        {"MF", 4},         {"CNAME", 5},
    {"SOA", 6},         {"MB", 7},       {"MG", 8},        {"MR", 9},         {"NULL", 10},
    {"WKS", 11},        {"PTR", 12},     {"HINFO", 13},    {"MINFO", 14},     {"MX", 15},
    {"TXT", 16},        {"RP", 17},      {"AFSDB", 18},    {"X25", 19},       {"ISDN", 20},
    {"RT", 21},         {"NSAP", 22},    {"NSAP-PTR", 23}, {"SIG", 24},       {"KEY", 25},
    {"PX", 26},         {"GPOS", 27},    {"AAAA", 28},     {"LOC", 29},       {"NXT", 30},
    {"EID", 31},        {"NIMLOC", 32},  {"SRV", 33},      {"ATMA", 34},      {"NAPTR", 35},
    {"KX", 36},         {"CERT", 37},    {"A6", 38},       {"DNAME", 39},     {"SINK", 40},
    {"OPT", 41},        {"APL", 42},     {"DS", 43},       {"SSHFP", 44},     {"IPSECKEY", 45},
    {"RRSIG", 46},      {"NSEC", 47},    {"DNSKEY", 48},   {"DHCID", 49},     {"NSEC3", 50},
    {"NSEC3PARAM", 51}, {"TLSA", 52},    {"SMIMEA", 53},   {"HIP", 55},       {"NINFO", 56},
    {"RKEY", 57},       {"TALINK", 58},  {"CDS", 59},      {"CDNSKEY", 60},   {"OPENPGPKEY", 61},
    {"CSYNC", 62},      {"ZONEMD", 63},  {"SVCB", 64},     {"HTTPS", 65},     {"DSYNC", 66},
    {"SPF", 99},        {"UINFO", 100},  {"UID", 101},     {"GID", 102},      {"UNSPEC", 103},
    {"NID", 104},       {"L32", 105},    {"L64", 106},     {"LP", 107},       {"EUI48", 108},
    {"EUI64", 109},     {"NXNAME", 128}, {"TKEY", 249},    {"TSIG", 250},     {"IXFR", 251},
    {"AXFR", 252},      {"MAILB", 253},  {"MAILA", 254},   {"ANY", 255},      {"URI", 256},
    {"CAA", 257},       {"AVC", 258},    {"DOA", 259},     {"AMTRELAY", 260}, {"RESINFO", 261},
    {"WALLET", 262},    {"CLA", 263},    {"IPN", 264},     {"TA", 32768},     {"DLV", 32769},
};

constexpr Mnemonic kClasses[] = {{"IN", 1}, {"CH", 3}, {"HS", 4}, {"NONE", 254}, {"ANY", 255}};

constexpr Mnemonic kRcodes[] = {
    {"NOERROR", 0},  {"FORMERR", 1},  {"SERVFAIL", 2},   {"NXDOMAIN", 3}, {"NOTIMP", 4},
    {"REFUSED", 5},  {"YXDOMAIN", 6}, {"YXRRSET", 7},    {"NXRRSET", 8},  {"NOTAUTH", 9},
    {"NOTZONE", 10}, {"BADVERS", 16}, {"BADCOOKIE", 23},
};

constexpr char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

constexpr bool same(std::string_view text, std::string_view mnemonic) {
  if (text.size() != mnemonic.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (upper(text[i]) != mnemonic[i]) return false;
  }
  return true;
}

// A zone of a million records asks for a type by text a million times: hence a table by hash
// (open addressing, half full at most) rather than a search.
constexpr std::size_t kSlots = 256;

constexpr std::size_t slot_of(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(upper(c))) * 16777619U;
  return (hash ^ (hash >> 16)) % kSlots;
}

constexpr auto kTypeSlots = [] {
  static_assert(std::size(kTypes) * 2 < kSlots);
  std::array<std::uint8_t, kSlots> slots{};  // Index into kTypes, plus one.
  for (std::size_t i = 0; i < std::size(kTypes); ++i) {
    std::size_t slot = slot_of(kTypes[i].text);
    while (slots[slot] != 0) slot = (slot + 1) % kSlots;
    slots[slot] = static_cast<std::uint8_t>(i + 1);
  }
  return slots;
}();

template <std::size_t N>
std::string text_of_value(const Mnemonic (&table)[N], std::uint16_t value, const char* prefix) {
  for (const Mnemonic& entry : table) {
    if (entry.value == value) return std::string(entry.text);
  }
  return prefix + std::to_string(value);
}

// "TYPE731": the prefix in any case, then a number that fits, without leading zeros.
std::optional<std::uint16_t> read_generic(std::string_view text, std::string_view prefix) {
  if (text.size() <= prefix.size() || !same(text.substr(0, prefix.size()), prefix)) return {};
  const std::string_view digits = text.substr(prefix.size());
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return {};
  if (digits.size() > 1 && digits[0] == '0') return {};
  return value;
}

template <std::size_t N>
std::optional<std::uint16_t> value_of_text(const Mnemonic (&table)[N], std::string_view text,
                                           std::string_view prefix) {
  for (const Mnemonic& entry : table) {
    if (same(text, entry.text)) return entry.value;
  }
  return read_generic(text, prefix);
}

}  // namespace

std::string to_string(RRType type) {
  return text_of_value(kTypes, static_cast<std::uint16_t>(type), "TYPE");
}

std::optional<RRType> rr_type_from_text(std::string_view text) {
  for (std::size_t slot = slot_of(text); kTypeSlots[slot] != 0; slot = (slot + 1) % kSlots) {
    const Mnemonic& entry = kTypes[kTypeSlots[slot] - 1U];
    if (same(text, entry.text)) return static_cast<RRType>(entry.value);
  }
  const auto value = read_generic(text, "TYPE");
  if (!value) return {};
  return static_cast<RRType>(*value);
}

bool is_meta(RRType type) {
  const auto value = static_cast<std::uint16_t>(type);
  return value == 0 || type == RRType::opt || (value >= 128 && value <= 255);
}

std::string to_string(RRClass rr_class) {
  return text_of_value(kClasses, static_cast<std::uint16_t>(rr_class), "CLASS");
}

std::optional<RRClass> rr_class_from_text(std::string_view text) {
  const auto value = value_of_text(kClasses, text, "CLASS");
  if (!value) return {};
  return static_cast<RRClass>(*value);
}

std::string to_string(Rcode rcode) {
  return text_of_value(kRcodes, static_cast<std::uint16_t>(rcode), "RCODE");
}

std::optional<Rcode> rcode_from_text(std::string_view text) {
  const auto value = value_of_text(kRcodes, text, "RCODE");
  if (!value || *value > 0xfff) return {};
  return static_cast<Rcode>(*value);
}

std::string_view to_string(EdeCode code) {
  switch (code) {
    case EdeCode::other:
      return "Other";
    case EdeCode::unsupported_dnskey_algorithm:
      return "Unsupported DNSKEY Algorithm";
    case EdeCode::unsupported_ds_digest:
      return "Unsupported DS Digest Type";
    case EdeCode::stale_answer:
      return "Stale Answer";
    case EdeCode::forged_answer:
      return "Forged Answer";
    case EdeCode::dnssec_indeterminate:
      return "DNSSEC Indeterminate";
    case EdeCode::dnssec_bogus:
      return "DNSSEC Bogus";
    case EdeCode::signature_expired:
      return "Signature Expired";
    case EdeCode::signature_not_yet_valid:
      return "Signature Not Yet Valid";
    case EdeCode::dnskey_missing:
      return "DNSKEY Missing";
    case EdeCode::rrsigs_missing:
      return "RRSIGs Missing";
    case EdeCode::no_zone_key_bit:
      return "No Zone Key Bit Set";
    case EdeCode::nsec_missing:
      return "NSEC Missing";
    case EdeCode::cached_error:
      return "Cached Error";
    case EdeCode::not_ready:
      return "Not Ready";
    case EdeCode::blocked:
      return "Blocked";
    case EdeCode::censored:
      return "Censored";
    case EdeCode::filtered:
      return "Filtered";
    case EdeCode::prohibited:
      return "Prohibited";
    case EdeCode::stale_nxdomain:
      return "Stale NXDOMAIN Answer";
    case EdeCode::not_authoritative:
      return "Not Authoritative";
    case EdeCode::not_supported:
      return "Not Supported";
    case EdeCode::no_reachable_authority:
      return "No Reachable Authority";
    case EdeCode::network_error:
      return "Network Error";
    case EdeCode::invalid_data:
      return "Invalid Data";
    case EdeCode::signature_too_early:
      return "Signature Expired before Valid";
    case EdeCode::invalid_query_type:
      return "Invalid Query Type";
  }
  return "Other";
}

}  // namespace postern::dns
