#include "windows/utf16.h"

#include <cstdint>

#include "windows/little_endian.h"

namespace postern::windows {
namespace {

constexpr bool is_high_surrogate(std::uint32_t unit) {
  return (unit & 0xFC00U) == 0xD800U;
}
constexpr bool is_low_surrogate(std::uint32_t unit) {
  return (unit & 0xFC00U) == 0xDC00U;
}

char* put(std::uint32_t code, char* to) {
  if (code < 0x80) {
    *to++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *to++ = static_cast<char>(0xC0U | (code >> 6));
    *to++ = static_cast<char>(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    *to++ = static_cast<char>(0xE0U | (code >> 12));
    *to++ = static_cast<char>(0x80U | ((code >> 6) & 0x3FU));
    *to++ = static_cast<char>(0x80U | (code & 0x3FU));
  } else {
    *to++ = static_cast<char>(0xF0U | (code >> 18));
    *to++ = static_cast<char>(0x80U | ((code >> 12) & 0x3FU));
    *to++ = static_cast<char>(0x80U | ((code >> 6) & 0x3FU));
    *to++ = static_cast<char>(0x80U | (code & 0x3FU));
  }
  return to;
}

}  // namespace

char* write_utf8(OctetView utf16, char* to) {
  const std::uint8_t* at = utf16.data();
  const std::uint8_t* const end = at + (utf16.size() & ~std::size_t{1});
  while (at != end) {
    // Four characters of ASCII at a time: most of what a log holds.
    while (end - at >= 8) {
      std::uint64_t units = little_u64(at);
      if ((units & 0xFF80'FF80'FF80'FF80ULL) != 0) break;
      units = (units | (units >> 8)) & 0x0000'FFFF'0000'FFFFULL;
      units |= units >> 16;
      to[0] = static_cast<char>(units);
      to[1] = static_cast<char>(units >> 8);
      to[2] = static_cast<char>(units >> 16);
      to[3] = static_cast<char>(units >> 24);
      at += 8;
      to += 4;
    }
    if (at == end) break;
    std::uint32_t code = little_u16(at);
    at += 2;
    if (is_high_surrogate(code) && at != end && is_low_surrogate(little_u16(at))) {
      code = 0x10000U + ((code & 0x3FFU) << 10) + (little_u16(at) & 0x3FFU);
      at += 2;
    } else if (is_high_surrogate(code) || is_low_surrogate(code)) {
      code = 0xFFFD;
    }
    to = put(code, to);
  }
  return to;
}

std::string utf8_of(OctetView utf16) {
  std::string text(max_utf8_size(utf16.size()), '\0');
  text.resize(static_cast<std::size_t>(write_utf8(utf16, text.data()) - text.data()));
  return text;
}

char* write_latin1(OctetView latin1, char* to) {
  for (const std::uint8_t octet : latin1) to = put(octet, to);
  return to;
}

}  // namespace postern::windows
