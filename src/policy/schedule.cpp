#include "policy/schedule.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

namespace postern::policy {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::uint16_t kMinutesOfDay = 1440;

std::optional<unsigned> day_from_text(std::string_view text) {
  const auto at = std::ranges::find(kDays, text);
  if (at == kDays.end()) return std::nullopt;
  return static_cast<unsigned>(at - kDays.begin());
}

/// "mon", "mon-fri", "fri-mon"; 0 where it is neither.
std::uint8_t days_from_text(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = day_from_text(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : day_from_text(text.substr(dash + 1));
  if (!first || !last) return 0;
  unsigned days = 0;
  for (unsigned day = *first;; day = (day + 1) % 7) {
    days |= 1U << day;
    if (day == *last) break;
  }
  return static_cast<std::uint8_t>(days);
}

/// "07:30", up to "24:00"; its minute of the day.
std::optional<std::uint16_t> minute_from_text(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const std::size_t i : {0U, 1U, 3U, 4U}) {
    if (!is_digit(text[i])) return std::nullopt;
  }
  const int hour = (text[0] - '0') * 10 + (text[1] - '0');
  const int minute = (text[3] - '0') * 10 + (text[4] - '0');
  const int all = hour * 60 + minute;
  if (minute > 59 || all > kMinutesOfDay) return std::nullopt;
  return static_cast<std::uint16_t>(all);
}

}  // namespace

TimeZone::TimeZone(std::vector<Offset> offsets) : offsets_(std::move(offsets)) {}

seconds TimeZone::offset_at(WallTime at) const {
  if (offsets_.empty()) return seconds(0);
  const auto now = std::chrono::floor<seconds>(at).time_since_epoch().count();
  const auto next = std::ranges::upper_bound(offsets_, now, {}, &Offset::from_s);
  return seconds(next == offsets_.begin() ? next->offset_s : std::prev(next)->offset_s);
}

Result<Window> window_from_text(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) {
    return fail(Errc::invalid_input, "has no days and hours: \"mon-fri 21:00-07:00\"");
  }
  Window window;
  std::string_view days = text.substr(0, space);
  if (days == "daily") {
    window.days = 0x7f;
    days = {};
  }
  while (!days.empty()) {
    const std::size_t comma = days.find(',');
    const std::uint8_t some = days_from_text(days.substr(0, comma));
    if (some == 0) {
      return fail(
          Errc::invalid_input,
          "has other days than mon, tue, wed, thu, fri, sat, sun, \"mon-fri\" or \"daily\"");
    }
    window.days |= some;
    days.remove_prefix(comma == std::string_view::npos ? days.size() : comma + 1);
  }
  const std::string_view hours = text.substr(space + 1);
  const std::size_t dash = hours.find('-');
  const auto from = minute_from_text(hours.substr(0, dash));
  const auto to =
      dash == std::string_view::npos ? std::nullopt : minute_from_text(hours.substr(dash + 1));
  if (!from || !to || *from == kMinutesOfDay || window.days == 0) {
    return fail(Errc::invalid_input, "has no hours like \"21:00-07:00\" or \"00:00-24:00\"");
  }
  if (*from == *to) {
    return fail(Errc::invalid_input, "begins when it ends; for a whole day write 00:00-24:00");
  }
  window.from_minute = *from;
  window.to_minute = *to;
  return window;
}

bool Schedule::holds(WallTime at) const {
  const WallTime local = at + zone.offset_at(at);
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const auto minute = std::chrono::floor<std::chrono::minutes>(local - day).count();
  const unsigned today = std::chrono::weekday(day).iso_encoding() - 1;
  const unsigned yesterday = (today + 6) % 7;
  return std::ranges::any_of(windows, [&](const Window& window) {
    const bool begins_today = (window.days >> today & 1U) != 0;
    const bool began_yesterday = (window.days >> yesterday & 1U) != 0;
    if (window.from_minute < window.to_minute) {
      return begins_today && minute >= window.from_minute && minute < window.to_minute;
    }
    return (begins_today && minute >= window.from_minute) ||
           (began_yesterday && minute < window.to_minute);
  });
}

}  // namespace postern::policy
