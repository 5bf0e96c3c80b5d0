#include "exchange/url_text.h"

#include <algorithm>
#include <array>
#include <optional>

#include "exchange/fold.h"

namespace postern::exchange {
namespace {

constexpr int kRounds = 3;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// `count` hex digits at `at`.
std::optional<unsigned> hex_at(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < count || at > text.size() - count) return std::nullopt;
  unsigned value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return value;
}

void append_code(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0U | code >> 6U);
    out += static_cast<char>(0x80U | (code & 0x3fU));
  } else {
    out += static_cast<char>(0xe0U | code >> 12U);
    out += static_cast<char>(0x80U | (code >> 6U & 0x3fU));
    out += static_cast<char>(0x80U | (code & 0x3fU));
  }
}

/// One escape at `at`, which is a '%'; how long it was, or 0.
std::size_t take_escape(std::string_view text, std::size_t at, std::string& out) {
  if (at + 1 < text.size() && (text[at + 1] == 'u' || text[at + 1] == 'U')) {
    const auto code = hex_at(text, at + 2, 4);
    if (!code) return 0;
    append_code(out, *code);
    return 6;
  }
  const auto octet = hex_at(text, at + 1, 2);
  if (!octet) return 0;
  if ((*octet == 0xc0 || *octet == 0xc1) && at + 3 < text.size() && text[at + 3] == '%') {
    const auto next = hex_at(text, at + 4, 2);
    if (next && (*next & 0xc0U) == 0x80U) {
      out += static_cast<char>((*octet & 1U) << 6U | (*next & 0x3fU));
      return 6;
    }
  }
  out += static_cast<char>(*octet);
  return 3;
}

bool decode_once(std::string_view text, std::string& out) {
  out.clear();
  bool changed = false;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t escape = std::min(text.find('%', at), text.size());
    out.append(text.substr(at, escape - at));
    at = escape;
    if (at == text.size()) break;
    const std::size_t length = take_escape(text, at, out);
    if (length == 0) out += '%';
    changed = changed || length != 0;
    at += std::max<std::size_t>(length, 1);
  }
  return changed;
}

}  // namespace

void decode_escapes(std::string_view text, std::string& out) {
  if (!decode_once(text, out)) return;
  std::string again;
  for (int round = 1; round < kRounds && out.find('%') != std::string::npos; ++round) {
    if (!decode_once(out, again)) return;
    out.swap(again);
  }
}

std::string_view sent_query(std::string_view query) {
  if (query.starts_with('?')) query.remove_prefix(1);
  // The first one that is there; it may be all of the query, then without the '&'.
  static constexpr std::array<std::string_view, 3> kAdded = {"CorrelationID=<empty>",
                                                             "cafeReqId=", "ActID="};
  for (const std::string_view added : kAdded) {
    if (starts_folded(query, folded(added, Fold::ascii), Fold::ascii)) return {};
  }
  for (std::size_t at = query.find('&'); at != std::string_view::npos;
       at = query.find('&', at + 1)) {
    const std::string_view rest = query.substr(at + 1);
    for (const std::string_view added : kAdded) {
      if (rest.size() >= added.size() && same_letters(rest.substr(0, added.size()), added)) {
        return query.substr(0, at);
      }
    }
  }
  return query;
}

std::string_view stem_extension(std::string_view stem) {
  const std::size_t slash = stem.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? stem : stem.substr(slash + 1);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
}

}  // namespace postern::exchange
