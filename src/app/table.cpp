#include "app/table.h"

#include <algorithm>

#include <fmt/format.h>

namespace postern::app {
namespace {

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
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
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
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
