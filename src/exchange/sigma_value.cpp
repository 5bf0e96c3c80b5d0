#include "exchange/sigma_value.h"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::exchange {
namespace {

void add_literal(SigmaText& text, char c) {
  if (text.parts.empty() || text.parts.back().wildcard != 0) text.parts.emplace_back();
  text.parts.back().text += c;
}

void add_wildcard(SigmaText& text, char c) {
  const bool again = c == '*' && !text.parts.empty() && text.parts.back().wildcard == '*';
  if (!again) text.parts.push_back({c, {}});
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string pattern_of(const SigmaText& text) {
  std::string out = "^";
  for (const SigmaText::Part& part : text.parts) {
    if (part.wildcard == 0) {
      out += escaped(part.text);
    } else {
      out += part.wildcard == '*' ? "(.|\\n)*" : "(.|\\n)";
    }
  }
  return out + "$";
}

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

SigmaText sigma_text(std::string_view value) {
  SigmaText out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\\' && i + 1 < value.size() &&
        (value[i + 1] == '*' || value[i + 1] == '?' || value[i + 1] == '\\')) {
      add_literal(out, value[++i]);
    } else if (c == '*' || c == '?') {
      add_wildcard(out, c);
    } else {
      add_literal(out, c);
    }
  }
  return out;
}

SigmaText literal_text(std::string_view value) {
  SigmaText out;
  for (const char c : value) add_literal(out, c);
  return out;
}

SigmaTest test_of(const SigmaText& text) {
  const auto& parts = text.parts;
  if (parts.empty()) return {Op::equals, ""};
  const bool open_start = parts.front().wildcard == '*';
  const bool open_end = parts.back().wildcard == '*';
  const std::size_t literals =
      parts.size() - (open_start ? 1 : 0) - (open_end && parts.size() > 1 ? 1 : 0);
  if (literals == 0) return {Op::is_empty, ""};
  const SigmaText::Part& first = parts[open_start ? 1 : 0];
  if (literals > 1 || first.wildcard != 0) return {Op::matches, pattern_of(text)};
  if (open_start && open_end) return {Op::contains, first.text};
  if (open_start) return {Op::ends, first.text};
  return {open_end ? Op::starts : Op::equals, first.text};
}

std::vector<std::string> with_all_dashes(std::string_view value) {
  static constexpr std::array<std::string_view, 5> kDashes = {"-", "/", "\xe2\x80\x93",
                                                              "\xe2\x80\x94", "\xe2\x80\x95"};
  std::vector<std::string> out{std::string(value)};
  for (const std::string_view dash : kDashes) {
    std::string changed;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const bool begins = i == 0 || value[i - 1] == ' ';
      if (begins && (value[i] == '-' || value[i] == '/')) {
        changed += dash;
      } else {
        changed += value[i];
      }
    }
    if (std::ranges::find(out, changed) == out.end()) out.push_back(std::move(changed));
  }
  return out;
}

std::string base64_of(std::string_view octets) {
  std::string out;
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8U | (i + k < octets.size() ? static_cast<unsigned char>(octets[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      const bool is_pad = i + k > octets.size();
      out += is_pad ? '=' : kAlphabet[bits >> (18 - 6 * k) & 63U];
    }
  }
  return out;
}

std::vector<std::string> base64_anywhere(std::string_view octets) {
  // Of the first group so many letters hold octets before it, of the last so many ones behind it.
  static constexpr std::array<std::size_t, 3> kBefore = {0, 2, 3};
  static constexpr std::array<std::size_t, 3> kBehind = {0, 3, 2};
  std::vector<std::string> out;
  for (std::size_t place = 0; place < 3; ++place) {
    const std::string encoded = base64_of(std::string(place, ' ').append(octets));
    const std::size_t end = encoded.size() - kBehind[(octets.size() + place) % 3];
    if (end > kBefore[place]) out.push_back(encoded.substr(kBefore[place], end - kBefore[place]));
  }
  return out;
}

std::string widened(std::string_view text, bool big) {
  std::string out;
  for (const char c : text) {
    if (big) out += '\0';
    out += c;
    if (!big) out += '\0';
  }
  return out;
}

}  // namespace postern::exchange
