#include "app/table.h"

#include <algorithm>

#include <fmt/format.h>

namespace postern::app {
namespace {

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

struct Character {
  char32_t code = 0;
  std::size_t octets = 0;  ///< 0: the text does not begin with well-formed UTF-8.
};

/// The first character of a text that is not empty.
Character first_of(std::string_view text) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = octet(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xc2 || lead > 0xf4) return {};
  const std::size_t count = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < count) return {};
  char32_t code = lead & (0xffU >> (count + 1));
  for (std::size_t i = 1; i < count; ++i) {
    if ((octet(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (octet(i) & 0x3fU);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLeast[count] || code > 0x10ffff || is_surrogate) return {};
  return {code, count};
}

bool steers_a_terminal(char32_t code) {
  const bool is_control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
  return is_control || code == 0x061c || code == 0x200e || code == 0x200f ||
         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

void Table::align(std::size_t column, Align how) {
  if (aligns_.size() <= column) aligns_.resize(column + 1, Align::left);
  aligns_[column] = how;
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    if (widths.size() < row.size()) widths.resize(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      const bool is_last = i + 1 == row.size();
      const bool is_right = i < aligns_.size() && aligns_[i] == Align::right;
      if (is_right) out += padding;
      out += row[i];
      if (!is_last) out += (is_right ? "" : padding) + "  ";
    }
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character first = first_of(text);
    if (first.octets == 0 || steers_a_terminal(first.code)) {
      out += '?';
    } else {
      out += text.substr(0, first.octets);
    }
    text.remove_prefix(std::max<std::size_t>(first.octets, 1));
  }
  return out;
}

std::string grouped(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string short_duration(seconds duration) {
  const auto s = duration.count();
  if (s < 0) return "0 s";
  if (s < 120) return fmt::format("{} s", s);
  if (s < 7200) return fmt::format("{} min", s / 60);
  if (s < 172'800) return fmt::format("{} h", s / 3600);
  return fmt::format("{} d", s / 86'400);
}

std::string short_latency(std::uint64_t latency_us) {
  if (latency_us < 1000) return fmt::format("{} us", latency_us);
  const double ms = static_cast<double>(latency_us) / 1000;
  if (ms < 1000) return fmt::format("{:.1f} ms", ms);
  return fmt::format("{:.1f} s", ms / 1000);
}

}  // namespace postern::app
