// Text to wire: one function a field.
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>

#include "dns/encoding.h"
#include "dns/location.h"
#include "dns/rdata_format.h"
#include "dns/service_params.h"

namespace postern::dns {
namespace {

constexpr std::size_t kMaxRdataOctets = 65535;

Unexpected<Error> bad(std::string_view token, std::string_view what) {
  return fail(Errc::invalid_input, shown(token) + " is not " + std::string(what));
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// YYYYMMDDHHmmSS, or seconds since 1970, which wrap (RFC 4034 §3.1.5, §3.2).
std::optional<std::uint32_t> parse_time(std::string_view text) {
  if (text.size() != 14) return number<std::uint32_t>(text);
  if (!std::all_of(text.begin(), text.end(), is_digit)) return {};
  const auto part = [text](std::size_t at, std::size_t size) {
    return *number<unsigned>(text.substr(at, size));
  };
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(part(0, 4))),
                                         std::chrono::month(part(4, 2)),
                                         std::chrono::day(part(6, 2))};
  if (!date.ok() || part(8, 2) > 23 || part(10, 2) > 59 || part(12, 2) > 60) return {};
  const std::chrono::seconds days = std::chrono::sys_days(date).time_since_epoch();
  const std::int64_t seconds =
      days.count() + part(8, 2) * 3600LL + part(10, 2) * 60LL + part(12, 2);
  if (seconds < 0 || seconds > 0xffffffff) return {};
  return static_cast<std::uint32_t>(seconds);
}

// Reads the fields of one record. Each member reads one field: at least one token, but for
// those that take the rest and may be empty.
class FieldParser {
 public:
  FieldParser(Lexer& lexer, const Name& origin, Octets& out)
      : lexer_(lexer), origin_(origin), out_(out) {}

  Result<void> parse(Field field);
  Result<void> parse_generic(RRType type);
  /// The next token, which stays the next.
  Result<const Token*> peek();
  /// That nothing is left.
  Result<void> expect_end();

 private:
  Result<bool> more();
  Result<Token> take(std::string_view what);
  void u8(unsigned value) { out_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(unsigned value) {
    u8(value >> 8);
    u8(value & 0xff);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value & 0xffff);
  }

  template <class T>
  Result<T> number_field();
  Result<void> parse_number(Field field);
  Result<void> parse_mnemonic(Field field);
  Result<void> parse_string();
  Result<void> parse_strings();
  Result<void> parse_text(Field field);
  Result<void> parse_tag();
  Result<void> parse_data(Field field);
  Result<void> parse_hashed(Field field);
  Result<void> parse_blocks(std::size_t blocks, std::size_t digits, char separator);
  Result<void> parse_bitmap();
  Result<void> parse_location();
  Result<void> parse_prefixes();
  Result<void> parse_services();
  Result<void> parse_gateway();
  Result<void> parse_host_identity();
  Result<void> parse_params();
  Result<void> parse_ip(std::size_t size);
  Result<void> parse_name_field();

  Lexer& lexer_;
  const Name& origin_;
  Octets& out_;
  Token token_;
  bool has_token_ = false;
  bool has_ended_ = false;
};

// True if there is another token, which is then in `token_`.
Result<bool> FieldParser::more() {
  if (has_token_) return true;
  if (has_ended_) return false;  // What the lexer has next is the next entry's.
  switch (lexer_.next(token_)) {
    case Lexer::Next::token:
      has_token_ = true;
      return true;
    case Lexer::Next::end_of_entry:
      has_ended_ = true;
      return false;
    case Lexer::Next::open_quote:
    case Lexer::Next::open_parenthesis:
    case Lexer::Next::stray_parenthesis:
      break;
  }
  return Unexpected(lexer_.error());
}

Result<const Token*> FieldParser::peek() {
  return POSTERN_TRY(more()) ? &token_ : nullptr;
}

Result<Token> FieldParser::take(std::string_view what) {
  if (!POSTERN_TRY(more())) return fail(Errc::invalid_input, std::string(what) + " is missing");
  has_token_ = false;
  return token_;
}

Result<void> FieldParser::expect_end() {
  if (!POSTERN_TRY(more())) return {};
  return fail(Errc::invalid_input, shown(token_.text) + " stands behind the end of the record");
}

Result<void> FieldParser::parse(Field field) {
  switch (field) {
    case Field::u8:
    case Field::u16:
    case Field::u32:
    case Field::ttl:
    case Field::time:
      return parse_number(field);
    case Field::type:
    case Field::algorithm:
    case Field::cert_type:
      return parse_mnemonic(field);
    case Field::name:
      return parse_name_field();
    case Field::ipv4:
      return parse_ip(4);
    case Field::ipv6:
      return parse_ip(16);
    case Field::string:
      return parse_string();
    case Field::optional_string:
      return POSTERN_TRY(more()) ? parse_string() : Result<void>();
    case Field::strings:
      return parse_strings();
    case Field::tag:
      return parse_tag();
    case Field::text:
    case Field::optional_text:
      return parse_text(field);
    case Field::optional_base64:
      return POSTERN_TRY(more()) ? parse_data(Field::base64) : Result<void>();
    case Field::hex:
    case Field::base64:
      return parse_data(field);
    case Field::salt:
    case Field::base32:
      return parse_hashed(field);
    case Field::bitmap:
      return parse_bitmap();
    case Field::locator:
      return parse_blocks(4, 4, ':');
    case Field::eui48:
      return parse_blocks(6, 2, '-');
    case Field::eui64:
      return parse_blocks(8, 2, '-');
    case Field::location:
      return parse_location();
    case Field::prefixes:
      return parse_prefixes();
    case Field::services:
      return parse_services();
    case Field::gateway:
      return parse_gateway();
    case Field::host_identity:
      return parse_host_identity();
    case Field::service_params:
      return parse_params();
  }
  return {};
}

template <class T>
Result<T> FieldParser::number_field() {
  const Token token = POSTERN_TRY(take("a number"));
  const auto value = number<T>(token.text);
  if (!value) {
    constexpr std::uint64_t kMax = static_cast<T>(~T{0});
    return bad(token.text, "a number from 0 to " + std::to_string(kMax));
  }
  return *value;
}

Result<void> FieldParser::parse_number(Field field) {
  if (field == Field::u8) {
    u8(POSTERN_TRY(number_field<std::uint8_t>()));
  } else if (field == Field::u16) {
    u16(POSTERN_TRY(number_field<std::uint16_t>()));
  } else if (field == Field::u32) {
    u32(POSTERN_TRY(number_field<std::uint32_t>()));
  } else {
    const bool is_time = field == Field::time;
    const Token token = POSTERN_TRY(take(is_time ? "a time" : "a number of seconds"));
    // A SOA's numbers are plain 32 bits, whatever RFC 2181 says of TTLs.
    auto value = is_time ? parse_time(token.text) : number<std::uint32_t>(token.text);
    if (!value && !is_time) value = parse_ttl(token.text);
    if (!value) return bad(token.text, is_time ? "a time (YYYYMMDDHHmmSS)" : "a number of seconds");
    u32(*value);
  }
  return {};
}

Result<void> FieldParser::parse_mnemonic(Field field) {
  if (field == Field::type) {
    const Token token = POSTERN_TRY(take("a record type"));
    const auto type = rr_type_from_text(token.text);
    if (!type) return bad(token.text, "a record type");
    u16(static_cast<unsigned>(*type));
    return {};
  }
  const bool is_algorithm = field == Field::algorithm;
  const Token token = POSTERN_TRY(take(is_algorithm ? "an algorithm" : "a certificate type"));
  auto value = is_algorithm ? algorithm_from_text(token.text) : cert_type_from_text(token.text);
  if (!value) value = number<std::uint16_t>(token.text);
  if (!value || (is_algorithm && *value > 255)) {
    return bad(token.text, is_algorithm ? "a DNSSEC algorithm" : "a certificate type");
  }
  if (is_algorithm) {
    u8(*value);
  } else {
    u16(*value);
  }
  return {};
}

Result<void> FieldParser::parse_name_field() {
  const Token token = POSTERN_TRY(take("a name"));
  Name name;
  POSTERN_CHECK(parse_name(token, origin_, name));
  const OctetView wire = name.wire();
  out_.insert(out_.end(), wire.begin(), wire.end());
  return {};
}

Result<void> FieldParser::parse_ip(std::size_t size) {
  const Token token = POSTERN_TRY(take(size == 4 ? "an IPv4 address" : "an IPv6 address"));
  if (append_from_ip(token.text, size, out_)) return {};
  return bad(token.text, size == 4 ? "an IPv4 address" : "an IPv6 address");
}

Result<void> FieldParser::parse_string() {
  const Token token = POSTERN_TRY(take("a text"));
  const std::size_t size_at = out_.size();
  u8(0);
  if (!append_unescaped(token.text, out_)) return bad(token.text, "a text: it has a bad escape");
  const std::size_t size = out_.size() - size_at - 1;
  if (size > 255) {
    return fail(Errc::limit_exceeded,
                shown(token.text) + " is over 255 octets; split it into several strings");
  }
  out_[size_at] = static_cast<std::uint8_t>(size);
  return {};
}

Result<void> FieldParser::parse_strings() {
  do {
    POSTERN_CHECK(parse_string());
  } while (POSTERN_TRY(more()));
  return {};
}

Result<void> FieldParser::parse_text(Field field) {
  const Token token = POSTERN_TRY(take("a text"));
  if (!append_unescaped(token.text, out_)) return bad(token.text, "a text: it has a bad escape");
  if (token.text.empty() && field == Field::text) return bad(token.text, "a target");
  return {};
}

Result<void> FieldParser::parse_tag() {
  const Token token = POSTERN_TRY(take("a tag"));
  const auto is_alphanumeric = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  const bool fits = !token.text.empty() && token.text.size() <= 255;
  if (!fits || !std::all_of(token.text.begin(), token.text.end(), is_alphanumeric)) {
    return bad(token.text, "a tag (letters and digits)");
  }
  u8(static_cast<unsigned>(token.text.size()));
  out_.insert(out_.end(), token.text.begin(), token.text.end());
  return {};
}

// Hexadecimal or base64 to the end, at least one octet.
Result<void> FieldParser::parse_data(Field field) {
  HexReader hex;
  Base64Reader base64;
  const bool is_hex = field == Field::hex;
  const std::size_t start = out_.size();
  do {
    const Token token = POSTERN_TRY(take(is_hex ? "hexadecimal data" : "base64 data"));
    if (!(is_hex ? hex.add(token.text, out_) : base64.add(token.text, out_))) {
      return bad(token.text, is_hex ? "hexadecimal" : "base64");
    }
  } while (POSTERN_TRY(more()));
  if (is_hex ? !hex.finish() : !base64.finish()) {
    return fail(Errc::invalid_input, is_hex ? "a hexadecimal digit is missing"
                                            : "the base64 is cut off or badly padded");
  }
  if (out_.size() == start) return fail(Errc::invalid_input, "the data is empty");
  return {};
}

Result<void> FieldParser::parse_hashed(Field field) {
  const Token token = POSTERN_TRY(take(field == Field::salt ? "a salt" : "a hash"));
  const std::size_t size_at = out_.size();
  u8(0);
  HexReader hex;
  const bool is_salt = field == Field::salt;
  const bool reads = !is_salt            ? append_from_base32hex(token.text, out_)
                     : token.text == "-" ? true
                                         : hex.add(token.text, out_) && hex.finish();
  const std::size_t size = out_.size() - size_at - 1;
  if (!reads || size > 255 || (size == 0 && token.text != "-")) {
    return bad(token.text, is_salt ? "a salt (hexadecimal, or -)" : "a hash (base32hex)");
  }
  out_[size_at] = static_cast<std::uint8_t>(size);
  return {};
}

// `blocks` groups of hexadecimal; `digits` each, fewer only where the separator is ":".
Result<void> FieldParser::parse_blocks(std::size_t blocks, std::size_t digits, char separator) {
  const std::string_view what = separator == ':' ? "four groups of hexadecimal, as 0:0:0:1"
                                                 : "hexadecimal octets with - between them";
  const Token token = POSTERN_TRY(take(what));
  std::string_view left = token.text;
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::size_t end = std::min(left.find(separator), left.size());
    const bool is_last = i + 1 == blocks;
    const bool sized = end <= digits && end > 0 && (separator == ':' || end == digits);
    if (!sized || is_last != (end == left.size())) return bad(token.text, what);
    unsigned value = 0;
    const auto [stop, error] = std::from_chars(left.data(), left.data() + end, value, 16);
    if (error != std::errc{} || stop != left.data() + end) return bad(token.text, what);
    if (digits == 4) {
      u16(value);
    } else {
      u8(value);
    }
    left.remove_prefix(is_last ? end : end + 1);
  }
  return {};
}

Result<void> FieldParser::parse_bitmap() {
  std::array<std::uint8_t, 8192> bits{};
  while (POSTERN_TRY(more())) {
    const Token token = POSTERN_TRY(take("a record type"));
    const auto type = rr_type_from_text(token.text);
    if (!type) return bad(token.text, "a record type");
    const auto value = static_cast<unsigned>(*type);
    bits[value / 8] = static_cast<std::uint8_t>(bits[value / 8] | (0x80U >> (value % 8)));
  }
  for (std::size_t window = 0; window < 256; ++window) {
    const std::uint8_t* const begin = &bits[window * 32];
    std::size_t size = 32;
    while (size > 0 && begin[size - 1] == 0) --size;
    if (size == 0) continue;
    u8(static_cast<unsigned>(window));
    u8(static_cast<unsigned>(size));
    out_.insert(out_.end(), begin, begin + size);
  }
  return {};
}

Result<void> FieldParser::parse_location() {
  std::array<std::string_view, kMaxLocationTokens> tokens;
  std::size_t count = 0;
  while (POSTERN_TRY(more())) {
    if (count == tokens.size()) return bad(token_.text, "part of a location: it is too much");
    tokens[count++] = POSTERN_TRY(take("a location")).text;
  }
  if (append_location({tokens.data(), count}, out_)) return {};
  return fail(Errc::invalid_input, "not a location, as 52 22 23.0 N 4 53 32.0 E -2m");
}

// [!]family:address/length, RFC 3123 §5.
Result<void> FieldParser::parse_prefixes() {
  while (POSTERN_TRY(more())) {
    const Token token = POSTERN_TRY(take("a prefix"));
    constexpr std::string_view kWhat = "a prefix, as 1:192.0.2.0/24 or !2:2001:db8::/32";
    std::string_view text = token.text;
    const bool is_negated = text.starts_with('!');
    if (is_negated) text.remove_prefix(1);
    const std::size_t family_size = text.starts_with("1:") ? 4 : text.starts_with("2:") ? 16 : 0;
    const std::size_t slash = text.find('/');
    if (family_size == 0 || slash == std::string_view::npos) return bad(token.text, kWhat);
    const auto length = number<std::uint8_t>(text.substr(slash + 1));
    Octets address;
    if (!length || *length > family_size * 8 ||
        !append_from_ip(text.substr(2, slash - 2), family_size, address)) {
      return bad(token.text, kWhat);
    }
    while (!address.empty() && address.back() == 0) address.pop_back();
    u16(family_size == 4 ? 1 : 2);
    u8(*length);
    u8((is_negated ? 0x80U : 0U) | static_cast<unsigned>(address.size()));
    out_.insert(out_.end(), address.begin(), address.end());
  }
  return {};
}

Result<void> FieldParser::parse_services() {
  POSTERN_CHECK(parse_ip(4));
  const Token token = POSTERN_TRY(take("a protocol"));
  const bool is_tcp = token.text == "tcp" || token.text == "TCP";
  const bool is_udp = token.text == "udp" || token.text == "UDP";
  const auto protocol = is_tcp   ? std::uint8_t{6}
                        : is_udp ? std::uint8_t{17}
                                 : number<std::uint8_t>(token.text);
  if (!protocol) return bad(token.text, "a protocol: tcp, udp or a number");
  u8(*protocol);
  std::array<std::uint8_t, 8192> bits{};
  std::size_t size = 0;
  while (POSTERN_TRY(more())) {
    const unsigned port = POSTERN_TRY(number_field<std::uint16_t>());
    bits[port / 8] = static_cast<std::uint8_t>(bits[port / 8] | (0x80U >> (port % 8)));
    size = std::max<std::size_t>(size, port / 8 + 1);
  }
  out_.insert(out_.end(), bits.begin(), bits.begin() + static_cast<std::ptrdiff_t>(size));
  return {};
}

Result<void> FieldParser::parse_gateway() {
  POSTERN_CHECK(parse(Field::u8));
  const unsigned kind = POSTERN_TRY(number_field<std::uint8_t>());
  u8(kind);
  POSTERN_CHECK(parse(Field::u8));
  if (kind == 0) {
    const Token token = POSTERN_TRY(take("a gateway"));
    if (token.text != ".") return bad(token.text, "the gateway of type 0, which is .");
  } else if (kind == 1 || kind == 2) {
    POSTERN_CHECK(parse_ip(kind == 1 ? 4 : 16));
  } else if (kind == 3) {
    POSTERN_CHECK(parse_name_field());
  } else {
    return fail(Errc::invalid_input, std::to_string(kind) + " is not a gateway type (0 to 3)");
  }
  return parse(Field::optional_base64);
}

Result<void> FieldParser::parse_host_identity() {
  const std::size_t start = out_.size();
  u8(0);  // The tag's size, once it is known.
  POSTERN_CHECK(parse(Field::u8));
  u16(0);  // The key's size, likewise.
  const Token tag = POSTERN_TRY(take("a host identity tag"));
  HexReader hex;
  if (!hex.add(tag.text, out_) || !hex.finish()) return bad(tag.text, "hexadecimal");
  const std::size_t tag_size = out_.size() - start - 4;
  const Token key = POSTERN_TRY(take("a public key"));
  Base64Reader base64;
  if (!base64.add(key.text, out_) || !base64.finish()) return bad(key.text, "base64");
  const std::size_t key_size = out_.size() - start - 4 - tag_size;
  if (tag_size == 0 || tag_size > 255) return bad(tag.text, "a tag of 1 to 255 octets");
  if (key_size == 0 || key_size > 65535) return bad(key.text, "a key of 1 to 65535 octets");
  out_[start] = static_cast<std::uint8_t>(tag_size);
  store_u16(&out_[start + 2], static_cast<std::uint16_t>(key_size));
  while (POSTERN_TRY(more())) POSTERN_CHECK(parse_name_field());
  return {};
}

Result<void> FieldParser::parse_params() {
  if (!POSTERN_TRY(more())) return {};
  ServiceParams params;
  while (POSTERN_TRY(more())) {
    const Token token = POSTERN_TRY(take("a service parameter"));
    POSTERN_CHECK(params.add(token.text));
  }
  return params.finish(out_);
}

// RFC 3597 §5. The data must read as its type, where that is known.
Result<void> FieldParser::parse_generic(RRType type) {
  has_token_ = false;  // The "\#".
  const unsigned size = POSTERN_TRY(number_field<std::uint16_t>());
  if (POSTERN_TRY(more())) POSTERN_CHECK(parse_data(Field::hex));
  if (out_.size() != size) {
    return fail(Errc::invalid_input, "\\# says " + std::to_string(size) +
                                         " octets, but there are " + std::to_string(out_.size()));
  }
  std::string ignored;
  if (!rdata_fields(type).empty() && !print_rdata(type, out_, 0, out_.size(), ignored)) {
    return fail(Errc::invalid_input, "the data of \\# is not that of " + to_string(type));
  }
  return {};
}

}  // namespace

Result<void> parse_rdata(RRType type, Lexer& lexer, const Name& origin, Octets& out) {
  out.clear();
  FieldParser parser(lexer, origin, out);
  const Token* const first = POSTERN_TRY(parser.peek());
  if (first != nullptr && !first->is_quoted && first->text == "\\#") {
    return parser.parse_generic(type);
  }
  const std::string_view fields = rdata_fields(type);
  if (fields.empty()) {
    return fail(Errc::invalid_input,
                to_string(type) + " data must be written as \\# (RFC 3597): \\# 2 abcd");
  }
  for (const char field : fields) POSTERN_CHECK(parser.parse(static_cast<Field>(field)));
  POSTERN_CHECK(parser.expect_end());
  if (out.size() > kMaxRdataOctets) {
    return fail(Errc::limit_exceeded, "the record data is over 65535 octets");
  }
  return {};
}

Result<void> parse_name(const Token& token, const Name& origin, Name& out) {
  if (token.text == "@" && !token.is_quoted) {
    out = origin;
    return {};
  }
  const auto name = Name::from_text(token.text);
  if (!name) {
    return fail(Errc::invalid_input,
                shown(token.text) + " is not a name: " + std::string(to_string(name.error())));
  }
  out = *name;
  // Absolute if it ends in a dot that is not escaped: behind an even number of backslashes.
  std::size_t backslashes = 0;
  while (backslashes + 2 <= token.text.size() &&
         token.text[token.text.size() - 2 - backslashes] == '\\') {
    ++backslashes;
  }
  if ((token.text.ends_with('.') && backslashes % 2 == 0) || origin.is_root()) return {};
  const auto completed = origin.with_prefix(out);
  if (!completed) {
    return fail(Errc::invalid_input,
                shown(token.text) + " is too long a name below " + origin.to_text());
  }
  out = *completed;
  return {};
}

std::optional<std::uint32_t> parse_ttl(std::string_view text) {
  constexpr std::uint64_t kMaxTtl = 0x7fffffff;
  std::uint64_t total = 0;
  std::uint64_t value = 0;
  bool has_digits = false;
  for (const char c : text) {
    if (is_digit(c)) {
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
      has_digits = true;
      if (value > kMaxTtl) return {};
      continue;
    }
    const std::string_view units = "sSmMhHdDwW";
    const std::size_t unit = units.find(c);
    if (!has_digits || unit == std::string_view::npos) return {};
    constexpr std::uint64_t kSeconds[] = {1, 60, 3600, 86400, 604800};
    total += value * kSeconds[unit / 2];
    if (total > kMaxTtl) return {};
    value = 0;
    has_digits = false;
  }
  total += value;
  const bool ends_well = !text.empty() && (has_digits || !is_digit(text.back()));
  if (!ends_well || total > kMaxTtl) return {};
  return static_cast<std::uint32_t>(total);
}

}  // namespace postern::dns
