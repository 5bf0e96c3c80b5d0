// One row of separated values (RFC 4180, but for line breaks inside quotation marks).
#pragma once

#include <string>
#include <string_view>

namespace postern::intel {

/// Hands out the fields of one line, which must outlive it.
class CsvRow {
 public:
  CsvRow(std::string_view line, char separator) : rest_(line), separator_(separator) {}

  /// The next field into `field`, without its quotation marks, reusing its memory. False: there
  /// is none, or `ok()` is false.
  bool next(std::string& field);
  /// False: a quotation mark has no partner.
  bool ok() const { return ok_; }

 private:
  bool next_quoted(std::string& field);

  std::string_view rest_;
  char separator_;
  bool more_ = true;  // A row has one field more than separators, the last may be empty.
  bool ok_ = true;
};

}  // namespace postern::intel
