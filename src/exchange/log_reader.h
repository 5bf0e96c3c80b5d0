// Logs to rows: IIS's W3C lines and Exchange's own logs, block by block.
//
// Start at `guess_log`, which says what a file is, and `LogReader`, which reads it. Unpacking is
// the caller's. No line is lost in silence: each is a row, a header, blank, or counted as unread,
// and even an unread one is handed on with what could be told of it, so that nobody hides an attack
// by a line that looks wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "exchange/log_lines.h"
#include "exchange/row.h"

namespace postern::exchange {

enum class LogFormat : std::uint8_t {
  w3c,   ///< `#Fields:`, blanks between values.
  csv,   ///< A header row or `#Fields:`, commas between values, quotation marks doubled.
  text,  ///< Each line is one value.
};

struct LogKind {
  LogFormat format{};
  Source source{};

  bool operator==(const LogKind&) const = default;
};

/// How many octets of a file's beginning `guess_log` wants to see.
inline constexpr std::size_t kGuessOctets = 16'384;

/// What the file is, by what it begins with, or where that says nothing by its path ('/' or '\'
/// between parts). Nothing for what is none of these logs, or is packed.
std::optional<LogKind> guess_log(std::string_view path, OctetView head);

/// Who wants the rows.
class RowSink {
 public:
  RowSink() = default;
  RowSink(const RowSink&) = delete;
  RowSink& operator=(const RowSink&) = delete;
  virtual ~RowSink() = default;

  /// The texts of the rows to come lie in `text`, in order, until the next call: a sink that looks
  /// for words can look through all of it at once.
  virtual void on_text(std::string_view) {}
  /// A row; see Row::whole. Its views live until the call returns.
  virtual void on_row(const Row& row) = 0;
};

/// Hands each row to several sinks, in order.
class RowFan final : public RowSink {
 public:
  /// The sinks must outlive it.
  explicit RowFan(std::vector<RowSink*> sinks) : sinks_(std::move(sinks)) {}

  void on_text(std::string_view text) override;
  void on_row(const Row& row) override;

 private:
  std::vector<RowSink*> sinks_;
};

/// A line that is no row, or not a whole one.
struct UnreadLine {
  std::uint64_t line = 0;
  std::uint64_t offset = 0;
  std::string reason;
  std::string excerpt;  ///< Its first octets, as they are.
};

/// lines == rows + headers + blank + unread.
struct LogStats {
  static constexpr std::size_t kMaxUnreadKept = 100;
  static constexpr std::size_t kExcerptOctets = 120;

  std::uint64_t octets = 0;
  std::uint64_t lines = 0;
  std::uint64_t rows = 0;
  std::uint64_t headers = 0;      ///< `#…`, and header rows.
  std::uint64_t blank = 0;        ///< Without text.
  std::uint64_t unread = 0;       ///< Cut, torn, or not as its header says.
  std::uint64_t cut = 0;          ///< Of them those over kMaxLineOctets.
  std::uint64_t repaired = 0;     ///< Of the rows those with separators inside a value.
  std::uint64_t zero_octets = 0;  ///< Of a hole in the file; in no line.
  std::vector<UnreadLine> first_unread;
};

/// Reads one file. Not for two threads at once. Work is linear in the file; memory is one line of
/// at most kMaxLineOctets and up to kMaxSchemas headers.
class LogReader final : private LineSink {
 public:
  /// A file that changes its columns more often is not read further than that: its rows are unread.
  static constexpr std::size_t kMaxSchemas = 256;

  /// `sink` must outlive it.
  LogReader(LogKind kind, RowSink& sink);

  /// Blocks of any size, in order; some 256 KiB are good.
  void feed(OctetView block);
  /// After the last block.
  void finish();

  /// Whole after `finish`.
  const LogStats& stats() const { return stats_; }

 private:
  void on_text(std::string_view text) override { sink_.on_text(text); }
  void on_line(const Line& line) override;

  bool read_header(std::string_view text);
  void take_schema(Source source, std::vector<std::string> names);
  void split(std::string_view text);
  void read_row(const Line& line);
  bool merge_greedy();
  bool is_plausible() const;
  void give(const Line& line, const char* fault);
  void note_unread(const Line& line, std::string reason);
  Source source_of_columns(const std::vector<std::string>& names) const;

  LogKind kind_;
  RowSink& sink_;
  LineCutter cutter_;
  LogStats stats_;
  std::vector<std::unique_ptr<Schema>> schemas_;
  const Schema* schema_ = nullptr;  ///< Null: no header yet, or one too many.
  bool too_many_schemas_ = false;
  std::unique_ptr<Schema> no_columns_;  ///< Of lines before any header.
  std::vector<std::string_view> values_;
  std::string unquoted_;  ///< Values whose quotation marks were doubled.
  bool open_quote_ = false;
};

}  // namespace postern::exchange
