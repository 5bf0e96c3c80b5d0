#include "exchange/log_reader.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "base/ip.h"
#include "exchange/fold.h"
#include "exchange/log_split.h"

namespace postern::exchange {
namespace {

constexpr std::string_view kFields = "#fields:";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::vector<std::string> names_of(std::string_view text, char separator) {
  std::vector<std::string> names;
  while (!text.empty() && names.size() < Schema::kMaxColumns) {
    const std::size_t end = std::min(text.find(separator), text.size());
    std::string_view name = trimmed(text.substr(0, end));
    if (name.size() > 1 && name.starts_with('"') && name.ends_with('"')) {
      name = name.substr(1, name.size() - 2);
    }
    if (!name.empty() || separator == ',') names.emplace_back(name);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

/// The first column of each of Exchange's own logs.
bool is_header_row(std::string_view line) {
  for (const std::string_view first : {"datetime,", "timestamp,", "starttime,"}) {
    if (starts_folded(line, first, Fold::ascii)) return true;
  }
  return false;
}

bool is_status(std::string_view text) {
  return text.size() <= 3 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_address(std::string_view text) {
  return text.empty() || IpAddress::from_text(text.substr(0, text.find('%')));
}

}  // namespace

void RowFan::on_text(std::string_view text) {
  for (RowSink* sink : sinks_) sink->on_text(text);
}

void RowFan::on_row(const Row& row) {
  for (RowSink* sink : sinks_) sink->on_row(row);
}

LogReader::LogReader(LogKind kind, RowSink& sink)
    : kind_(kind),
      sink_(sink),
      cutter_(*this),
      no_columns_(std::make_unique<Schema>(kind.source, std::vector<std::string>{})) {
  if (kind.format == LogFormat::text) take_schema(kind.source, {"Message"});
}

void LogReader::feed(OctetView block) {
  cutter_.feed(block);
}

void LogReader::finish() {
  cutter_.finish();
  stats_.octets = cutter_.octets();
  stats_.lines = cutter_.lines();
  stats_.zero_octets = cutter_.zero_octets();
}

void LogReader::on_line(const Line& line) {
  if (line.cut) ++stats_.cut;
  if (line.text.empty()) {
    ++stats_.blank;
  } else if (read_header(line.text)) {
    ++stats_.headers;
  } else {
    read_row(line);
  }
}

bool LogReader::read_header(std::string_view text) {
  const bool comment = text.front() == '#';
  if (!comment && (kind_.format != LogFormat::csv || !is_header_row(text))) return false;
  if (kind_.format == LogFormat::text) return true;
  std::string_view list = text;
  if (comment) {
    if (!starts_folded(text, kFields, Fold::ascii)) return true;
    list.remove_prefix(kFields.size());
  }
  std::vector<std::string> names =
      names_of(trimmed(list), kind_.format == LogFormat::w3c ? ' ' : ',');
  const Source source = source_of_columns(names);
  take_schema(source, std::move(names));
  return true;
}

Source LogReader::source_of_columns(const std::vector<std::string>& names) const {
  if (kind_.format != LogFormat::csv) return kind_.source;
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(names, [&](const std::string& n) { return same_letters(n, name); });
  };
  if (has("AnchorMailbox") && has("UrlStem")) return Source::httpproxy;
  if (has("EventId") && has("EventData")) return Source::ecp;
  return kind_.source;
}

void LogReader::take_schema(Source source, std::vector<std::string> names) {
  const auto known = std::ranges::find_if(schemas_, [&](const auto& schema) {
    return schema->source() == source && schema->names() == names;
  });
  too_many_schemas_ = known == schemas_.end() && schemas_.size() >= kMaxSchemas;
  schema_ = nullptr;
  if (too_many_schemas_ || names.empty()) return;
  if (known != schemas_.end()) {
    schema_ = known->get();
    return;
  }
  schemas_.push_back(std::make_unique<Schema>(source, std::move(names)));
  schema_ = schemas_.back().get();
}

void LogReader::split(std::string_view text) {
  open_quote_ = false;
  switch (kind_.format) {
    case LogFormat::w3c:
      split_w3c(text, values_);
      return;
    case LogFormat::csv:
      open_quote_ = !split_csv(text, values_, unquoted_);
      return;
    case LogFormat::text:
      values_.assign(1, text);
      return;
  }
}

void LogReader::read_row(const Line& line) {
  split(line.text);
  if (schema_ == nullptr) {
    values_.clear();
    give(line, too_many_schemas_ ? "the columns changed too often" : "no header before it");
    return;
  }
  const std::size_t width = schema_->width();
  if (line.cut) {
    give(line, "too long, cut");
  } else if (open_quote_) {
    give(line, "a quotation mark has no partner");
  } else if (values_.size() == width) {
    // A last value that was cut short cannot be told from a short one.
    give(line, nullptr);
  } else if (values_.size() > width) {
    if (values_.size() == width + 1 && values_.back().empty()) {
      values_.pop_back();
      give(line, nullptr);
    } else if (merge_greedy()) {
      ++stats_.repaired;
      give(line, nullptr);
    } else {
      give(line, "more values than columns");
    }
  } else {
    give(line, line.torn ? "torn off" : "fewer values than columns");
  }
}

// Makes one value of those that the greedy column's separators made of it; leaves all as they are
// where the row does not make sense then.
bool LogReader::merge_greedy() {
  const std::size_t surplus = values_.size() - schema_->width();
  const std::size_t at = schema_->greedy();
  if (at == kNoColumn || at + surplus >= values_.size()) return false;
  const std::string_view first = values_[at];
  const std::string_view last = values_[at + surplus];
  // An empty one ("-") has no place in the line, one with doubled quotation marks another.
  if (first.data() == nullptr || last.data() == nullptr || last.data() < first.data()) return false;
  const auto length = static_cast<std::size_t>(last.data() + last.size() - first.data());
  const auto is_copy = [&](std::string_view value) {
    const std::less_equal<const char*> not_after;
    return not_after(unquoted_.data(), value.data()) &&
           not_after(value.data(), unquoted_.data() + unquoted_.size());
  };
  if (is_copy(first) || is_copy(last)) return false;
  std::vector<std::string_view> before = values_;
  values_[at] = {first.data(), length};
  const auto gone = values_.begin() + static_cast<std::ptrdiff_t>(at) + 1;
  values_.erase(gone, gone + static_cast<std::ptrdiff_t>(surplus));
  if (is_plausible()) return true;
  values_ = std::move(before);
  return false;
}

bool LogReader::is_plausible() const {
  const auto value = [&](Common what) {
    const Column column = schema_->column(what);
    return column < values_.size() ? values_[column] : std::string_view{};
  };
  return is_status(value(Common::status)) && is_address(value(Common::client));
}

void LogReader::give(const Line& line, const char* fault) {
  if (fault == nullptr) {
    ++stats_.rows;
  } else {
    note_unread(line, schema_ == nullptr || values_.size() == schema_->width()
                          ? std::string(fault)
                          : fmt::format("{} ({} of {})", fault, values_.size(), schema_->width()));
  }
  Row row;
  row.schema = schema_ == nullptr ? no_columns_.get() : schema_;
  row.values = values_;
  row.text = line.text;
  row.line = line.number;
  row.offset = line.offset;
  row.whole = fault == nullptr;
  if (row.values.size() > row.schema->width()) row.values = row.values.first(row.schema->width());
  sink_.on_row(row);
}

void LogReader::note_unread(const Line& line, std::string reason) {
  ++stats_.unread;
  if (stats_.first_unread.size() >= LogStats::kMaxUnreadKept) return;
  stats_.first_unread.push_back({line.number, line.offset, std::move(reason),
                                 std::string(line.text.substr(0, LogStats::kExcerptOctets))});
}

}  // namespace postern::exchange
