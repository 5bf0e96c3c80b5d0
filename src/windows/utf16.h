// Text as Windows keeps it: UTF-16, little-endian, and octets of a code page.
#pragma once

#include <cstddef>
#include <string>

#include "base/octets.h"

namespace postern::windows {

/// How many chars `write_utf8` may need for so many octets of UTF-16.
constexpr std::size_t max_utf8_size(std::size_t utf16_octets) {
  return utf16_octets / 2 * 3;
}

/// Writes the text as UTF-8 to `to`, where `max_utf8_size` chars have room, and gives its end. A
/// lone surrogate becomes U+FFFD; an odd last octet is left out. NUL is a character like others.
char* write_utf8(OctetView utf16, char* to);

/// The text as UTF-8.
std::string utf8_of(OctetView utf16);

/// Octets of an unknown code page, as Latin-1: ASCII is right in all of them. Writes at most two
/// chars for each octet.
char* write_latin1(OctetView latin1, char* to);

}  // namespace postern::windows
