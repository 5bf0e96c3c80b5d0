#include "evidence/time_text.h"

#include <charconv>
#include <chrono>

#include <fmt/format.h>

namespace postern::evidence {
namespace {

constexpr std::uint32_t kPerSecond = 1'000'000'000;
constexpr std::size_t kFractionDigits = 9;

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || at != end || text.empty() || text.front() == '-') return std::nullopt;
  return number;
}

}  // namespace

std::string to_decimal(const files::Time& time) {
  if (time.seconds >= 0 || time.nanoseconds == 0) {
    return fmt::format("{}.{:09}", time.seconds, time.nanoseconds);
  }
  return fmt::format("-{}.{:09}", -(time.seconds + 1), kPerSecond - time.nanoseconds);
}

std::optional<files::Time> from_decimal(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || text.size() != dot + 1 + kFractionDigits) {
    return std::nullopt;
  }
  const auto seconds = number_of<std::int64_t>(text.substr(0, dot));
  const auto fraction = number_of<std::uint32_t>(text.substr(dot + 1));
  if (!seconds || !fraction) return std::nullopt;
  if (!is_negative) return files::Time{*seconds, *fraction};
  if (*fraction == 0) return files::Time{-*seconds, 0};
  return files::Time{-*seconds - 1, kPerSecond - *fraction};
}

std::string to_utc(WallTime at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const auto second = std::chrono::floor<std::chrono::seconds>(at - day);
  const std::chrono::hh_mm_ss time(second);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

}  // namespace postern::evidence
