#include "dns/encoding.h"

#include <algorithm>

#include <arpa/inet.h>

namespace postern::dns {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";
constexpr std::string_view kBase32Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The value of a digit, or -1. `limit` is 16 for hexadecimal, 32 for base32hex.
constexpr int digit_value(char c, int limit) {
  int value = -1;
  if (is_digit(c)) value = c - '0';
  if (c >= 'a' && c <= 'z') value = c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') value = c - 'A' + 10;
  return value < limit ? value : -1;
}

constexpr int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

}  // namespace

bool read_escape(std::string_view text, std::size_t& at, std::uint8_t& out) {
  if (at + 1 >= text.size()) return false;
  if (!is_digit(text[at + 1])) {
    out = static_cast<std::uint8_t>(text[at + 1]);
    at += 2;
    return true;
  }
  if (at + 3 >= text.size() || !is_digit(text[at + 2]) || !is_digit(text[at + 3])) return false;
  const int value = (text[at + 1] - '0') * 100 + (text[at + 2] - '0') * 10 + (text[at + 3] - '0');
  if (value > 255) return false;
  out = static_cast<std::uint8_t>(value);
  at += 4;
  return true;
}

void append_decimal_escape(std::uint8_t octet, std::string& out) {
  out += '\\';
  out += static_cast<char>('0' + octet / 100);
  out += static_cast<char>('0' + octet / 10 % 10);
  out += static_cast<char>('0' + octet % 10);
}

bool append_unescaped(std::string_view text, Octets& out) {
  for (std::size_t at = 0; at < text.size();) {
    std::uint8_t octet = static_cast<std::uint8_t>(text[at]);
    if (octet != '\\') {
      ++at;
    } else if (!read_escape(text, at, octet)) {
      return false;
    }
    out.push_back(octet);
  }
  return true;
}

void append_quoted(OctetView octets, std::string& out) {
  out += '"';
  for (const std::uint8_t octet : octets) {
    if (octet < ' ' || octet >= 0x7f) {
      append_decimal_escape(octet, out);
      continue;
    }
    if (octet == '"' || octet == '\\') out += '\\';
    out += static_cast<char>(octet);
  }
  out += '"';
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMaxShown = 60;
  std::string out;
  append_quoted(octets_of(text.substr(0, kMaxShown)), out);
  if (text.size() > kMaxShown) out += "…";
  return out;
}

void append_hex(OctetView octets, std::string& out) {
  for (const std::uint8_t octet : octets) {
    out += kHexDigits[octet >> 4];
    out += kHexDigits[octet & 0xf];
  }
}

void append_base32hex(OctetView octets, std::string& out) {
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const std::uint8_t octet : octets) {
    bits = (bits << 8) | octet;
    for (count += 8; count >= 5; count -= 5) out += kBase32Digits[(bits >> (count - 5)) & 31];
  }
  if (count > 0) out += kBase32Digits[(bits << (5 - count)) & 31];
}

void append_base64(OctetView octets, std::string& out) {
  const auto digit = [&out](std::uint32_t group, unsigned shift) {
    out += kBase64Digits[(group >> shift) & 63];
  };
  for (; octets.size() >= 3; octets = octets.subspan(3)) {
    const std::uint32_t group = std::uint32_t{load_u16(octets.data())} << 8 | octets[2];
    for (const unsigned shift : {18U, 12U, 6U, 0U}) digit(group, shift);
  }
  if (octets.empty()) return;
  const std::uint32_t second = octets.size() == 2 ? octets[1] : 0U;
  const std::uint32_t group = std::uint32_t{octets[0]} << 16 | second << 8;
  digit(group, 18);
  digit(group, 12);
  if (octets.size() == 2) {
    digit(group, 6);
  } else {
    out += '=';
  }
  out += '=';
}

bool append_from_ip(std::string_view text, std::size_t size, Octets& out) {
  char terminated[INET6_ADDRSTRLEN + 1] = {};
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return false;
  std::copy(text.begin(), text.end(), terminated);
  std::uint8_t octets[16];
  if (inet_pton(size == 4 ? AF_INET : AF_INET6, terminated, octets) != 1) return false;
  out.insert(out.end(), octets, octets + size);
  return true;
}

void append_ip(OctetView octets, std::string& out) {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(octets.size() == 4 ? AF_INET : AF_INET6, octets.data(), text, sizeof text);
  out += text;
}

bool HexReader::add(std::string_view text, Octets& out) {
  for (const char c : text) {
    const int value = digit_value(c, 16);
    if (value < 0) return false;
    const auto digit = static_cast<std::uint8_t>(value);
    if (has_half_) out.push_back(static_cast<std::uint8_t>(half_ << 4 | digit));
    half_ = digit;
    has_half_ = !has_half_;
  }
  return true;
}

bool Base64Reader::add(std::string_view text, Octets& out) {
  for (const char c : text) {
    if (c == '=') {
      ++padding_;
      continue;
    }
    const int value = base64_value(c);
    if (value < 0 || padding_ > 0) return false;
    bits_ = (bits_ << 6) | static_cast<std::uint32_t>(value);
    digits_ = (digits_ + 1) % 4;
    // Six bits, then twelve, eighteen and twenty-four: an octet is whole from the second on.
    if (digits_ == 2) out.push_back(static_cast<std::uint8_t>(bits_ >> 4));
    if (digits_ == 3) out.push_back(static_cast<std::uint8_t>(bits_ >> 2));
    if (digits_ == 0) out.push_back(static_cast<std::uint8_t>(bits_));
  }
  return true;
}

bool Base64Reader::finish() const {
  switch (digits_) {
    case 0:
      return padding_ == 0;
    case 2:
      return padding_ == 2 && (bits_ & 0xf) == 0;
    case 3:
      return padding_ == 1 && (bits_ & 0x3) == 0;
    default:
      return false;
  }
}

bool append_from_base32hex(std::string_view text, Octets& out) {
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const int value = digit_value(c, 32);
    if (value < 0) return false;
    bits = (bits << 5) | static_cast<std::uint32_t>(value);
    count += 5;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<std::uint8_t>(bits >> count));
  }
  // Fewer than five bits may be left, and zero.
  return count < 5 && (bits & ((1U << count) - 1)) == 0;
}

}  // namespace postern::dns
