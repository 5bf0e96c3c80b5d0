// Aligned columns and short figures for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace postern::app {

/// Rows of cells, written with each column as wide as its widest cell; the last one is not
/// padded. Widths count UTF-8 characters.
class Table {
 public:
  enum class Align : std::uint8_t { left, right };

  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void align(std::size_t column, Align how);
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<Align> aligns_;
};

/// Text from the network or a feed made fit for a terminal: what could steer it becomes "?". That
/// is each control character (C0, DEL, C1), each that turns the direction of writing (Unicode's
/// Bidi_Control) and each octet that is no part of well-formed UTF-8 (RFC 3629 §4).
std::string printable(std::string_view text);

/// "1,234,567".
std::string grouped(std::uint64_t count);
/// "12 s", "5 min", "3 h", "2 d".
std::string short_duration(seconds duration);
/// "512 us", "12.3 ms", "1.2 s".
std::string short_latency(std::uint64_t latency_us);

}  // namespace postern::app
