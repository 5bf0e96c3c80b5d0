#include "exposure/vendor_list.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/ip.h"
#include "base/safe_text.h"
#include "exposure/text_match.h"
#include "intel/idn.h"

namespace postern::exposure {
namespace {

constexpr std::array<std::string_view, 9> kColumnNames = {
    "domain", "domains", "domain name", "domainname", "website", "web site", "url", "host", "fqdn"};
constexpr std::string_view kSeparators = ",;\t|";

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// The separator that the first line has most of, outside quotation marks.
char separator_of(std::string_view text) {
  std::array<std::size_t, kSeparators.size()> counts{};
  bool is_quoted = false;
  for (const char c : text.substr(0, std::min(text.find('\n'), text.size()))) {
    if (c == '"') is_quoted = !is_quoted;
    const std::size_t which = kSeparators.find(c);
    if (!is_quoted && which != std::string_view::npos) ++counts[which];
  }
  const auto most = std::ranges::max_element(counts);
  return kSeparators[static_cast<std::size_t>(most - counts.begin())];
}

/// Rows of a CSV text. What is wrong with one ends at the end of its first line.
class Rows {
 public:
  Rows(std::string_view text, char separator) : text_(text), separator_(separator) {}

  struct Row {
    std::size_t line = 0;
    std::vector<std::string> fields;
    std::string_view wrong;  ///< Why it is none; empty where it is one.
  };
  /// False at the end.
  bool next(Row& row);

 private:
  std::string_view read_row(Row& row);
  std::string_view read_quoted(std::string& field);
  void end_line();

  std::string_view text_;
  char separator_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

bool Rows::next(Row& row) {
  if (at_ >= text_.size()) return false;
  const std::size_t begin = at_;
  row.line = line_;
  row.fields.clear();
  row.wrong = read_row(row);
  if (row.wrong.empty()) return true;
  at_ = begin;
  line_ = row.line;
  at_ = std::min(text_.find('\n', at_), text_.size());
  end_line();
  return true;
}

void Rows::end_line() {
  if (at_ < text_.size() && text_[at_] == '\r') ++at_;
  if (at_ < text_.size() && text_[at_] == '\n') ++at_;
  ++line_;
}

std::string_view Rows::read_row(Row& row) {
  while (true) {
    if (row.fields.size() >= kMaxColumns) return "there are more than 100 columns";
    std::string& field = row.fields.emplace_back();
    if (at_ < text_.size() && text_[at_] == '"') {
      ++at_;
      if (const auto wrong = read_quoted(field); !wrong.empty()) return wrong;
    } else {
      const std::size_t begin = at_;
      while (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') ++at_;
      field = text_.substr(begin, at_ - begin);
      if (field.ends_with('\r')) field.pop_back();
      if (field.size() > kMaxFieldOctets) return "a field has more than 4,096 octets";
    }
    if (at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == '\r') break;
    if (text_[at_] != separator_) return "something stands behind a closing quotation mark";
    ++at_;
  }
  end_line();
  return {};
}

std::string_view Rows::read_quoted(std::string& field) {
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c != '"') {
      if (c == '\n') ++line_;
      field += c;
      if (field.size() > kMaxFieldOctets) return "a quotation mark is not closed";
      continue;
    }
    if (at_ >= text_.size() || text_[at_] != '"') return {};
    field += '"';
    ++at_;
  }
  return "a quotation mark is not closed";
}

std::optional<std::size_t> column_called(const std::vector<std::string>& header,
                                         std::string_view name) {
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (lower_text(trimmed(header[i])) == lower_text(trimmed(name))) return i;
  }
  return std::nullopt;
}

/// Which column has the domains, and whether the first row is a header.
struct Columns {
  std::size_t domain = 0;
  bool has_header = false;
};

Result<Columns> columns_of(const std::vector<std::string>& first,
                           std::optional<std::string_view> column) {
  if (column) {
    if (const auto at = column_called(first, *column)) return Columns{*at, true};
    const auto number = number_of(*column, kMaxColumns);
    if (number && *number >= 1 && *number <= first.size()) {
      // A header is no domain.
      return Columns{*number - 1, !domain_from_text(first[*number - 1])};
    }
    return fail(Errc::invalid_input,
                fmt::format("there is no column {}; there are: {}", shown(*column, 100),
                            shown(fmt::format("{}", fmt::join(first, ", ")), 400)));
  }
  for (const std::string_view name : kColumnNames) {
    if (const auto at = column_called(first, name)) return Columns{*at, true};
  }
  if (domain_from_text(first.front())) return Columns{0, false};
  return fail(Errc::invalid_input,
              fmt::format("no column is called domain; name it with --column (there are: {})",
                          shown(fmt::format("{}", fmt::join(first, ", ")), 400)));
}

bool is_blank(const std::vector<std::string>& fields) {
  return std::ranges::all_of(fields,
                             [](const std::string& field) { return trimmed(field).empty(); });
}

bool is_comment(const std::vector<std::string>& fields) {
  return !fields.empty() && trimmed(fields.front()).starts_with('#');
}

/// Takes rows one by one.
class ListReader {
 public:
  explicit ListReader(std::optional<std::string_view> column) : column_(column) {}

  Result<void> take(Rows::Row& row);
  VendorList end() && { return std::move(list_); }

 private:
  Result<void> bad(std::size_t line, std::string why);
  void note(std::size_t line, std::string why);

  std::optional<std::string_view> column_;
  VendorList list_;
  std::unordered_map<dns::Name, std::size_t, dns::NameHash> seen_;
};

Result<void> ListReader::bad(std::size_t line, std::string why) {
  if (list_.bad.size() >= kMaxBadLines) {
    return fail(Errc::invalid_input, fmt::format("more than {} lines cannot be used, the last: "
                                                 "line {}: {}",
                                                 kMaxBadLines, line, why));
  }
  list_.bad.push_back({line, std::move(why)});
  return {};
}

void ListReader::note(std::size_t line, std::string why) {
  if (list_.notes.size() < kMaxBadLines) list_.notes.push_back({line, std::move(why)});
}

Result<void> ListReader::take(Rows::Row& row) {
  if (!row.wrong.empty()) return bad(row.line, std::string(row.wrong));
  if (is_blank(row.fields) || is_comment(row.fields)) return {};
  if (list_.header.empty()) {
    const Columns columns = POSTERN_TRY(columns_of(row.fields, column_));
    list_.domain_column = columns.domain;
    if (columns.has_header) {
      list_.header = row.fields;
      return {};
    }
    for (std::size_t i = 0; i < row.fields.size(); ++i) {
      list_.header.push_back(i == columns.domain ? "domain" : fmt::format("column {}", i + 1));
    }
  }
  if (row.fields.size() <= list_.domain_column ||
      trimmed(row.fields[list_.domain_column]).empty()) {
    note(row.line, "has no domain");
    return {};
  }
  const auto domain = domain_from_text(row.fields[list_.domain_column]);
  if (!domain) return bad(row.line, domain.error().text);
  const auto [place, is_new] = seen_.emplace(*domain, row.line);
  if (!is_new) {
    note(row.line, fmt::format("{} stands in line {}, too", domain->to_display(), place->second));
    return {};
  }
  if (list_.vendors.size() >= kMaxVendors) {
    return fail(Errc::limit_exceeded, fmt::format("more than {} domains", kMaxVendors));
  }
  row.fields.resize(list_.header.size());
  list_.vendors.push_back({row.line, *domain, row.fields});
  return {};
}

}  // namespace

Result<VendorList> read_vendor_list(std::string_view text, std::optional<std::string_view> column) {
  if (text.size() > kMaxListOctets) {
    return fail(Errc::limit_exceeded, fmt::format("over {} octets", kMaxListOctets));
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return fail(Errc::invalid_input, "this is UTF-16; save it as CSV in UTF-8");
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  Rows rows(text, separator_of(text));
  ListReader reader(column);
  for (Rows::Row row; rows.next(row);) POSTERN_CHECK(reader.take(row));
  return std::move(reader).end();
}

Result<dns::Name> domain_from_text(std::string_view text) {
  const std::string_view whole = trimmed(text);
  std::string_view host = whole;
  const std::size_t scheme = host.find("://");
  const bool is_url = scheme != std::string_view::npos;
  if (is_url) host.remove_prefix(scheme + 3);
  host = host.substr(0, std::min(host.find_first_of("/?#"), host.size()));
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos)
    host.remove_prefix(at + 1);
  if (const std::size_t colon = host.rfind(':'); is_url && colon != std::string_view::npos) {
    host = host.substr(0, colon);
  }
  if (is_url && lower_text(host.substr(0, 4)) == "www.") host.remove_prefix(4);
  const auto wrong = [&](std::string_view why) {
    return fail(Errc::invalid_input, fmt::format("\"{}\" {}", shown(whole, 100), why));
  };
  std::string name(host);
  if (!is_ascii(host)) {
    const auto ascii = intel::to_a_labels(host);
    if (!ascii) return wrong("is no domain by IDNA 2008");
    name = *ascii;
  }
  const bool has_only_name_characters = std::ranges::all_of(lower_text(name), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
  if (!has_only_name_characters) return wrong("has characters that no domain has");
  if (IpAddress::from_text(name)) return wrong("is an address, not a domain");
  const auto domain = dns::Name::from_text(name);
  if (!domain) return wrong(fmt::format("is no domain: {}", dns::to_string(domain.error())));
  if (domain->label_count() < 2) return wrong("is no domain: it has one label");
  return *domain;
}

}  // namespace postern::exposure
