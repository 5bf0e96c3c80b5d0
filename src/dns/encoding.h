// Octets as characters in zone text: escapes, hexadecimal, base32hex, base64.
//
// Private to dns/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/octets.h"

namespace postern::dns {

/// ASCII only, as names compare (RFC 4343).
constexpr std::uint8_t lower(std::uint8_t octet) {
  return octet >= 'A' && octet <= 'Z' ? static_cast<std::uint8_t>(octet + 32) : octet;
}

/// `\X` or `\DDD` (RFC 1035 §5.1) at `text[at]`, which is the backslash; moves `at` past it.
/// False, with `at` unmoved, if it is neither.
bool read_escape(std::string_view text, std::size_t& at, std::uint8_t& out);

/// Appends `\DDD`.
void append_decimal_escape(std::uint8_t octet, std::string& out);

/// Appends `text` with its escapes undone; false at a bad one.
bool append_unescaped(std::string_view text, Octets& out);

/// Appends `octets` in double quotes, escaped so that `append_unescaped` gives them back.
void append_quoted(OctetView octets, std::string& out);

/// `text` as an error message may show it: in quotes, cut short, printable.
std::string shown(std::string_view text);

/// Upper case.
void append_hex(OctetView octets, std::string& out);
/// RFC 4648 §7 without padding, upper case.
void append_base32hex(OctetView octets, std::string& out);
/// RFC 4648 §4, padded.
void append_base64(OctetView octets, std::string& out);

/// Reads an IPv4 (`size` 4) or IPv6 (16) address and appends its octets. Unlike IpAddress it
/// leaves an IPv4 address mapped into IPv6 what it is.
bool append_from_ip(std::string_view text, std::size_t size, Octets& out);
/// Appends the text of 4 or 16 octets.
void append_ip(OctetView octets, std::string& out);

/// Reads hexadecimal that may come in several pieces. `finish` is false if a digit is missing.
class HexReader {
 public:
  bool add(std::string_view text, Octets& out);
  bool finish() const { return !has_half_; }

 private:
  std::uint8_t half_ = 0;
  bool has_half_ = false;
};

/// Reads base64 that may come in several pieces. `finish` is false unless the padding is right
/// and the bits behind the last octet are zero.
class Base64Reader {
 public:
  bool add(std::string_view text, Octets& out);
  bool finish() const;

 private:
  std::uint32_t bits_ = 0;
  unsigned digits_ = 0;  // In this group of four, padding not counted.
  unsigned padding_ = 0;
};

/// Reads base32hex without padding, either case; false on what is not.
bool append_from_base32hex(std::string_view text, Octets& out);

}  // namespace postern::dns
