#include "exchange/row.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "exchange/address.h"
#include "exchange/fold.h"

namespace postern::exchange {
namespace {

constexpr std::array<std::string_view, kSourceCount> kSourceNames = {"iis", "httpproxy", "ecp",
                                                                     "oab", "cmdlet",    "event"};

/// What is common to web logs, and what each of them calls it.
struct CommonName {
  Common what;
  std::string_view name;
  std::string_view iis;
  std::string_view csv;  ///< Of Exchange's own logs.
};

constexpr std::array<CommonName, kCommonCount> kCommonNames = {{
    {Common::date, "date", "date", "DateTime"},
    {Common::time, "time", "time", ""},
    {Common::client, "client", "c-ip", "ClientIpAddress"},
    {Common::forwarded, "forwarded", "X-Forwarded-For", ""},
    {Common::server, "server", "s-ip", "ServerHostName"},
    {Common::method, "method", "cs-method", "Method"},
    {Common::host, "host", "cs-host", "UrlHost"},
    {Common::stem, "stem", "cs-uri-stem", "UrlStem"},
    {Common::query, "raw_query", "cs-uri-query", "UrlQuery"},
    {Common::status, "status", "sc-status", "HttpStatus"},
    {Common::user, "user", "cs-username", "AuthenticatedUser"},
    {Common::agent, "agent", "cs(User-Agent)", "UserAgent"},
    {Common::referer, "referer", "cs(Referer)", ""},
    {Common::bytes_out, "bytes_out", "sc-bytes", "ResponseBytes"},
    {Common::bytes_in, "bytes_in", "cs-bytes", "RequestBytes"},
    {Common::port, "port", "s-port", ""},
    {Common::site, "site", "s-sitename", ""},
    {Common::anchor, "anchor", "", "AnchorMailbox"},
    {Common::event_id, "event_id", "", "EventID"},
}};

/// Other names for the same, as versions of Exchange differ.
std::string_view other_name(Common what, Source source) {
  if (what == Common::date) return source == Source::ecp ? "TimeStamp" : "StartTime";
  if (what == Common::client && source == Source::cmdlet) return "ClientIP";
  if (what == Common::agent && source == Source::cmdlet) return "ClientInfo";
  return "";
}

std::string_view greedy_name(Source source) {
  switch (source) {
    case Source::iis:
      return "cs-username";
    case Source::httpproxy:
      return "AnchorMailbox";
    case Source::ecp:
      return "EventData";
    case Source::cmdlet:
      return "Parameters";
    case Source::oab:
    case Source::event:
      return "";
  }
  return "";
}

/// Takes `digits` digits off `text`.
bool take_number(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  const char* end = text.data() + digits;
  const auto [at, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || at != end || text.front() == '-') return false;
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::chrono::microseconds take_fraction(std::string_view& text) {
  std::int64_t micros = 0;
  std::int64_t unit = 100'000;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; unit /= 10) {
    micros += (text.front() - '0') * unit;
    text.remove_prefix(1);
  }
  return std::chrono::microseconds(micros);
}

std::optional<std::chrono::sys_days> take_day(std::string_view& text) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!take_number(text, 4, year) || !take(text, '-') || !take_number(text, 2, month) ||
      !take(text, '-') || !take_number(text, 2, day)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::optional<std::chrono::microseconds> take_time_of_day(std::string_view& text) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!take_number(text, 2, hour) || !take(text, ':') || !take_number(text, 2, minute) ||
      !take(text, ':') || !take_number(text, 2, second)) {
    return std::nullopt;
  }
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  std::chrono::microseconds time =
      std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  if (take(text, '.')) time += take_fraction(text);
  return time;
}

/// "Z", nothing, or what to add to come to UTC.
std::optional<std::chrono::minutes> take_zone(std::string_view& text) {
  if (text.empty() || (take(text, 'Z') && text.empty())) return std::chrono::minutes(0);
  const bool east = take(text, '+');
  if (!east && !take(text, '-')) return std::nullopt;
  int hour = 0;
  int minute = 0;
  if (!take_number(text, 2, hour) || !take(text, ':') || !take_number(text, 2, minute) ||
      !text.empty() || hour > 14 || minute > 59) {
    return std::nullopt;
  }
  const auto offset = std::chrono::hours(hour) + std::chrono::minutes(minute);
  return east ? -offset : offset;
}

/// An address of a list, without the blanks around it, its port and its brackets.
std::string_view bare_address(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '+')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '+')) text.remove_suffix(1);
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    return end == std::string_view::npos ? text : text.substr(1, end - 1);
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    return text.substr(0, colon);
  }
  return text;
}

}  // namespace

std::string_view to_string(Source source) {
  return kSourceNames[static_cast<std::size_t>(source)];
}

std::optional<Source> source_of(std::string_view text) {
  const auto* at = std::ranges::find(kSourceNames, text);
  if (at == kSourceNames.end()) return std::nullopt;
  return static_cast<Source>(at - kSourceNames.begin());
}

std::optional<Common> common_of(std::string_view name) {
  const auto* at = std::ranges::find(kCommonNames, name, &CommonName::name);
  if (at == kCommonNames.end()) return std::nullopt;
  return at->what;
}

std::string_view native_name_of(Common what, Source source) {
  const CommonName& common = kCommonNames[static_cast<std::size_t>(what)];
  if (what == Common::date && source == Source::ecp) return "TimeStamp";
  return source == Source::iis ? common.iis : common.csv;
}

Schema::Schema(Source source, std::vector<std::string> names)
    : source_(source), names_(std::move(names)) {
  if (names_.size() > kMaxColumns) names_.resize(kMaxColumns);
  for (const CommonName& common : kCommonNames) {
    const std::string_view name = source == Source::iis ? common.iis : common.csv;
    Column at = name.empty() ? kNoColumn : column(name);
    if (at == kNoColumn && source != Source::iis) {
      const std::string_view other = other_name(common.what, source);
      if (!other.empty()) at = column(other);
    }
    common_[static_cast<std::size_t>(common.what)] = at;
  }
  const std::string_view greedy = greedy_name(source);
  if (!greedy.empty()) greedy_ = column(greedy);
}

Column Schema::column(std::string_view name) const {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (same_letters(names_[i], name)) return static_cast<Column>(i);
  }
  return kNoColumn;
}

std::optional<WallTime> Row::at() const {
  if (event_time) return event_time;
  if (schema->source() == Source::oab) return time_of(text.substr(0, text.find_first_of(",\t")));
  const std::string_view date = value(Common::date);
  const std::string_view time = value(Common::time);
  if (time.empty()) return time_of(date);
  std::string_view day_text = date;
  std::string_view time_text = time;
  const auto day = take_day(day_text);
  const auto clock = take_time_of_day(time_text);
  if (!day || !clock || !day_text.empty() || !time_text.empty()) return std::nullopt;
  return WallTime(*day) + *clock;
}

std::optional<WallTime> time_of(std::string_view text) {
  const auto day = take_day(text);
  if (!day || (!take(text, 'T') && !take(text, ' '))) return std::nullopt;
  const auto clock = take_time_of_day(text);
  if (!clock) return std::nullopt;
  const auto zone = take_zone(text);
  if (!zone) return std::nullopt;
  return WallTime(*day) + *clock + *zone;
}

std::string_view client_of(const Row& row) {
  const std::string_view client = bare_address(row.value(Common::client));
  const std::string_view list = row.value(Common::forwarded);
  if (list.empty() || !is_internal_address(client)) return client;
  const std::size_t comma = list.rfind(',');
  const std::string_view last =
      bare_address(comma == std::string_view::npos ? list : list.substr(comma + 1));
  return IpAddress::from_text(last) ? last : client;
}

}  // namespace postern::exchange
