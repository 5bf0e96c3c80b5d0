// Columns: one of them holds a name a row. RFC 4180 quoting; a quoted field ends with its line,
// so that one stray quotation mark costs one row and not the rest of the file.
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "intel/csv_row.h"
#include "intel/readers.h"
#include "intel/text.h"

namespace postern::intel {
namespace {

// The column as a number from 0, where it was given as one from 1.
std::optional<std::size_t> column_number(std::string_view text) {
  std::size_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number - 1;
}

std::optional<std::size_t> find_column(std::string_view header, std::string_view column,
                                       char separator) {
  CsvRow row(header, separator);
  std::string field;
  for (std::size_t index = 0; row.next(field); ++index) {
    if (same_word(trimmed(field), column)) return index;
  }
  return std::nullopt;
}

class CsvReader {
 public:
  explicit CsvReader(FeedSink& sink)
      : sink_(sink),
        options_(sink.options().csv),
        scope_(sink.options().scope.value_or(policy::Scope::exact)),
        column_(column_number(options_.column)),
        header_due_(options_.has_header) {}

  void read_line(std::string_view line) {
    if (const std::string_view content = trimmed(line); content.front() == '#') {
      if (header_due_) read_comment(content);
      return sink_.ignore();
    }
    if (header_due_) {
      header_due_ = false;
      if (read_header(line)) return sink_.ignore();
    }
    if (column_) return read_row(line);
    fail_without_column(line);
  }

 private:
  // Some publishers have the header in a comment above the rows, among others: the last one that
  // has the column is it.
  void read_comment(std::string_view comment) {
    comment.remove_prefix(std::min(comment.find_first_not_of('#'), comment.size()));
    const auto column = find_column(comment, options_.column, options_.separator);
    if (column) comment_column_ = column;
  }

  // True: the line is the header. False: it is a row, and the header was a comment above it or
  // there is none.
  bool read_header(std::string_view line) {
    if (column_) return !has_name(line);
    column_ = find_column(line, options_.column, options_.separator);
    if (column_) return true;
    column_ = comment_column_;
    return false;
  }

  // True where the column holds a name with a dot, which no title has.
  bool has_name(std::string_view line) {
    CsvRow row(line, options_.separator);
    for (std::size_t index = 0; index <= *column_; ++index) {
      if (!row.next(field_)) return false;
    }
    std::string_view text = trimmed(field_);
    if (text.starts_with("*.")) text.remove_prefix(2);
    const auto name = read_domain(text);
    return name && name->label_count() > 1;
  }

  void read_row(std::string_view line) {
    CsvRow row(line, options_.separator);
    for (std::size_t index = 0; index <= *column_; ++index) {
      if (row.next(field_)) continue;
      if (!row.ok()) {
        return sink_.skip(line, "has a quotation mark without its partner; correct the row");
      }
      return sink_.skip(line,
                        fmt::format("has no column {}; check column and separator", *column_ + 1));
    }
    std::string_view text = trimmed(field_);
    policy::Scope scope = scope_;
    if (text.starts_with("*.")) {
      text.remove_prefix(2);
      scope = policy::Scope::at_and_below;
    }
    if (!sink_.read_name(text, name_)) return;
    sink_.add(name_, {.scope = scope});
  }

  void fail_without_column(std::string_view line) {
    sink_.fail({Errc::invalid_input,
                fmt::format("no column {} in the header {}; name one that is there, or give its "
                            "number as csv.column, and csv.header: false where there is none",
                            shown(options_.column), shown(line))});
  }

  FeedSink& sink_;
  const CsvOptions& options_;
  policy::Scope scope_;
  std::optional<std::size_t> column_;
  bool header_due_;
  std::optional<std::size_t> comment_column_;
  std::string field_;
  dns::Name name_;
};

}  // namespace

void read_csv(std::string_view text, FeedSink& sink) {
  CsvReader reader(sink);
  for_each_whole_line(text, sink, [&](std::string_view line) { reader.read_line(line); });
}

}  // namespace postern::intel
