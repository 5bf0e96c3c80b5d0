// What holds for every log, whatever the octets: for the fuzz targets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"
#include "exchange/log_reader.h"

namespace postern::exchange {

/// Everything of the rows as text, and what must hold for each.
class RowTexts final : public RowSink {
 public:
  void on_row(const Row& row) override {
    POSTERN_ASSERT(row.values.size() <= row.schema->width());
    POSTERN_ASSERT(!row.whole || row.values.size() == row.schema->width());
    POSTERN_ASSERT(row.text.size() <= kMaxLineOctets);
    POSTERN_ASSERT(row.line > last_line_ && (last_line_ == 0 || row.offset > last_offset_));
    last_line_ = row.line;
    last_offset_ = row.offset;
    static_cast<void>(row.at());
    static_cast<void>(client_of(row));
    std::string text = std::to_string(row.line) + "@" + std::to_string(row.offset);
    text += row.whole ? "=" : "~";
    for (const std::string_view value : row.values) text.append("[").append(value).append("]");
    texts.push_back(std::move(text));
  }

  std::vector<std::string> texts;

 private:
  std::uint64_t last_line_ = 0;
  std::uint64_t last_offset_ = 0;
};

/// The rows of `octets` fed in blocks of `block` octets.
inline RowTexts& read_in_blocks(LogKind kind, OctetView octets, std::size_t block, RowTexts& rows) {
  LogReader reader(kind, rows);
  for (std::size_t at = 0; at < octets.size(); at += block) {
    reader.feed(octets.subspan(at, std::min(block, octets.size() - at)));
  }
  reader.finish();
  const LogStats& stats = reader.stats();
  POSTERN_ASSERT(stats.octets == octets.size());
  POSTERN_ASSERT(stats.lines == stats.rows + stats.headers + stats.blank + stats.unread);
  POSTERN_ASSERT(rows.texts.size() == stats.rows + stats.unread);
  POSTERN_ASSERT(stats.cut <= stats.unread + stats.headers);
  return rows;
}

/// Reads the octets whole and in pieces: the same rows.
inline void fuzz_log(LogKind kind, const std::uint8_t* data, std::size_t size) {
  const OctetView octets(data, size);
  static_cast<void>(guess_log("a.log", octets));
  RowTexts whole;
  read_in_blocks(kind, octets, std::max<std::size_t>(size, 1), whole);
  for (const std::size_t block : {1, 7, 64}) {
    RowTexts pieces;
    read_in_blocks(kind, octets, block, pieces);
    POSTERN_ASSERT(pieces.texts == whole.texts);
  }
}

}  // namespace postern::exchange
