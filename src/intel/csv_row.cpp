#include "intel/csv_row.h"

#include "intel/text.h"

namespace postern::intel {

bool CsvRow::next(std::string& field) {
  if (!more_) return false;
  // Blanks around a quoted field are common, and of no meaning.
  std::string_view ahead = rest_;
  while (!ahead.empty() && is_blank(ahead.front()) && ahead.front() != separator_) {
    ahead.remove_prefix(1);
  }
  if (!ahead.empty() && ahead.front() == '"') {
    rest_ = ahead.substr(1);
    return next_quoted(field);
  }
  const std::size_t end = rest_.find(separator_);
  field.assign(rest_.substr(0, end));
  more_ = end != std::string_view::npos;
  if (more_) rest_.remove_prefix(end + 1);
  return true;
}

bool CsvRow::next_quoted(std::string& field) {
  field.clear();
  while (true) {
    const std::size_t quote = rest_.find('"');
    if (quote == std::string_view::npos) {
      ok_ = more_ = false;
      return false;
    }
    field.append(rest_.substr(0, quote));
    rest_.remove_prefix(quote + 1);
    if (!rest_.starts_with('"')) break;
    field.push_back('"');  // Two of them stand for one.
    rest_.remove_prefix(1);
  }
  const std::size_t end = rest_.find(separator_);
  more_ = end != std::string_view::npos;
  if (more_) rest_.remove_prefix(end + 1);
  return true;
}

}  // namespace postern::intel
