#include "api/record_filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "api/duration.h"
#include "api/limits.h"

namespace postern::api {
namespace {

constexpr std::array<std::string_view, 11> kFilterParams = {
    "since", "until", "client", "name",  "below", "disposition",
    "zone",  "group", "type",   "rcode", "trace"};

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The number that is exactly the next `digits` characters of `text`, which are taken off.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<WallTime> ago(std::string_view text, WallTime now) {
  const auto duration = duration_from_text(text);
  return duration ? std::optional(now - *duration) : std::nullopt;
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::optional<microseconds> take_time_of_day(std::string_view& text) {
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *second > 60) return std::nullopt;
  microseconds time = std::chrono::hours(*hour) + std::chrono::minutes(*minute) + seconds(*second);
  if (!take(text, '.')) return time;
  std::size_t digits = 0;
  for (std::int64_t unit = 100'000; digits < text.size(); ++digits, unit /= 10) {
    if (text[digits] < '0' || text[digits] > '9') break;
    time += microseconds(unit * (text[digits] - '0'));  // Past the sixth digit unit is 0.
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return time;
}

std::optional<microseconds> take_offset(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return microseconds(0);
  const bool east = text.starts_with('+');
  // A plus sign that was not escaped in the query string has become a space.
  if (!take(text, '+') && !take(text, '-') && !take(text, ' ')) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  const microseconds offset = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
  return east ? offset : -offset;
}

std::optional<WallTime> rfc3339(std::string_view text) {
  const auto date = take_date(text);
  if (!date) return std::nullopt;
  if (text.empty()) return WallTime(*date);
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return std::nullopt;
  const auto time = take_time_of_day(text);
  if (!time) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  return *date + *time - *offset;
}

Unexpected<Error> bad(std::string_view param, std::string_view value, std::string_view wanted) {
  return fail(Errc::invalid_input, fmt::format("{}: \"{}\" is not {}", param, value, wanted));
}

Result<void> read_times(const Params& params, WallTime now, journal::Filter& filter) {
  if (const auto text = params.get("since")) {
    auto time = time_from_text(*text, now);
    if (!time) return Unexpected<Error>(std::move(time).error().context("since"));
    filter.since = *time;
  }
  if (const auto text = params.get("until")) {
    auto time = time_from_text(*text, now);
    if (!time) return Unexpected<Error>(std::move(time).error().context("until"));
    filter.until = *time;
  }
  return {};
}

Result<void> read_names(const Params& params, journal::Filter& filter) {
  if (const auto text = params.get("name")) {
    filter.name_contains = *text;
    for (char& c : filter.name_contains) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
  }
  if (const auto text = params.get("below")) {
    const auto name = dns::Name::from_text(*text);
    if (!name) return bad("below", *text, fmt::format("a name ({})", to_string(name.error())));
    filter.name_below = name->to_display();
  }
  return {};
}

Result<void> read_numbers(const Params& params, journal::Filter& filter) {
  if (const auto text = params.get("type")) {
    filter.qtype = dns::rr_type_from_text(*text);
    if (!filter.qtype) return bad("type", *text, "a record type like A or TYPE65");
  }
  if (const auto text = params.get("rcode")) {
    filter.rcode = dns::rcode_from_text(*text);
    if (!filter.rcode) return bad("rcode", *text, "a response code like NXDOMAIN");
  }
  if (const auto text = params.get("trace")) {
    filter.trace_id = event::trace_from_text(*text);
    if (!filter.trace_id) return bad("trace", *text, "a trace id of eight characters");
  }
  return {};
}

}  // namespace

Result<WallTime> time_from_text(std::string_view text, WallTime now) {
  if (text == "now") return now;
  // No date ends with a unit's letter, so "1h" can only be "-1h".
  auto time = ago(text.substr(text.starts_with('-') ? 1 : 0), now);
  if (!time) time = rfc3339(text);
  if (time) return *time;
  return fail(Errc::invalid_input,
              fmt::format("\"{}\" is not a time: write how long ago (90s, 30m, 1h, 2d; or -1h), "
                          "a date (2026-03-02), 2026-03-02T08:00:00Z, or now",
                          text));
}

Result<journal::Filter> filter_from(const Params& params, WallTime now) {
  journal::Filter filter;
  POSTERN_CHECK(read_times(params, now, filter));
  POSTERN_CHECK(read_names(params, filter));
  POSTERN_CHECK(read_numbers(params, filter));
  if (const auto text = params.get("client")) {
    const auto prefix = IpPrefix::from_text(*text);
    if (!prefix) return bad("client", *text, "an address or a prefix like 192.0.2.0/24");
    filter.client = *prefix;
  }
  if (const auto text = params.get("disposition")) {
    filter.disposition = event::disposition_from_text(*text);
    if (!filter.disposition) {
      return bad("disposition", *text, "answered, allowed, blocked, observed, refused or failed");
    }
  }
  filter.zone = params.get("zone").value_or("");
  filter.group = params.get("group").value_or("");
  return filter;
}

Result<void> check_known(const Params& params, std::initializer_list<std::string_view> more) {
  for (const auto& [name, value] : params.all()) {
    if (std::ranges::find(kFilterParams, name) != kFilterParams.end()) continue;
    if (std::ranges::find(more, std::string_view(name)) != more.end()) continue;
    return fail(Errc::invalid_input,
                fmt::format("there is no parameter \"{}\" here; there are {}{}{}", name,
                            fmt::join(kFilterParams, ", "), more.size() == 0 ? "" : ", ",
                            fmt::join(more, ", ")));
  }
  return {};
}

Result<void> check_only(const Params& params, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : params.all()) {
    if (std::ranges::find(known, std::string_view(name)) != known.end()) continue;
    return fail(Errc::invalid_input,
                known.size() == 0
                    ? fmt::format("there is no parameter \"{}\" here; none is taken", name)
                    : fmt::format("there is no parameter \"{}\" here; there are {}", name,
                                  fmt::join(known, ", ")));
  }
  return {};
}

Result<std::size_t> number_from(const Params& params, std::string_view name, std::size_t otherwise,
                                std::size_t most) {
  const auto text = params.get(name);
  if (!text) return otherwise;
  const auto number = whole_number<std::size_t>(*text);
  if (!number || *number < 1 || *number > most) {
    return bad(name, *text, fmt::format("a number from 1 to {}", most));
  }
  return *number;
}

bool passes(const journal::Filter& filter, const event::Query& query) {
  if (filter.disposition && *filter.disposition != query.disposition) return false;
  if (filter.client && !filter.client->contains(query.client)) return false;
  if (!filter.zone.empty() && filter.zone != query.zone.view()) return false;
  if (!filter.group.empty() && filter.group != query.group.view()) return false;
  if (filter.qtype && *filter.qtype != query.qtype) return false;
  if (filter.rcode && *filter.rcode != query.rcode) return false;
  if (filter.trace_id && *filter.trace_id != query.trace_id) return false;
  if (filter.name_contains.empty() && filter.name_below.empty()) return true;
  if (!query.qname.to_display().contains(filter.name_contains)) return false;
  if (filter.name_below.empty()) return true;
  const auto below = dns::Name::from_text(filter.name_below);
  return below && query.qname.is_at_or_below(*below);
}

}  // namespace postern::api
