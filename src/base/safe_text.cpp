#include "base/safe_text.h"

#include <cstdint>

#include <fmt/format.h>

namespace postern {
namespace {

/// One character of UTF-8.
struct Character {
  std::uint32_t code = 0;
  std::size_t size = 0;  ///< In octets; 0: the first octet begins none.
};

bool is_continuation(char octet) {
  return (static_cast<unsigned char>(octet) & 0xc0U) == 0x80U;
}

// RFC 3629: nothing overlong, no surrogates, nothing above U+10FFFF.
Character character_at(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (size == 0 || first > 0xf4 || text.size() < size) return {};
  std::uint32_t code = first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) return {};
    code = code << 6U | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code < 0xe000;
  if (code < kLeast[size] || code > 0x10ffff || is_surrogate) return {};
  return {code, size};
}

/// Controls, and marks that turn text round, hide in it or end lines.
bool is_deceptive(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
         code == 0x180e || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
         code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb) ||
         (code >= 0xe0000 && code <= 0xe007f);
}

std::string escaped(std::uint32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  return code < 0x100 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{{{:x}}}", code);
}

}  // namespace

std::string shown(std::string_view text, std::size_t most) {
  std::string out;
  while (!text.empty()) {
    const Character character = character_at(text);
    const std::size_t size = character.size == 0 ? 1 : character.size;
    std::string next;
    if (character.size == 0) {
      next = fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (is_deceptive(character.code)) {
      next = escaped(character.code);
    } else {
      next = text.substr(0, size);
    }
    if (out.size() + next.size() > most) return out + "…";
    out += next;
    text.remove_prefix(size);
  }
  return out;
}

std::string html_text(std::string_view text, std::size_t most) {
  std::string out;
  for (const char c : shown(text, most)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string csv_field(std::string_view text) {
  std::string field = shown(text);
  if (!field.empty() && std::string_view("=+-@").find(field.front()) != std::string_view::npos) {
    field.insert(field.begin(), '\'');
  }
  if (field.find_first_of(",\"") == std::string::npos) return field;
  std::string out = "\"";
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace postern
