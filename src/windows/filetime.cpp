#include "windows/filetime.h"

#include "windows/little_endian.h"

namespace postern::windows {
namespace {

constexpr std::uint64_t kTicksPerSecond = 10'000'000;
constexpr std::int64_t kSecondsTo1970 = 11'644'473'600;
constexpr std::uint64_t kSecondsPerDay = 86'400;

}  // namespace

WallTime wall_time_of_filetime(std::uint64_t ticks) {
  return WallTime{microseconds{static_cast<std::int64_t>(ticks / 10)}} - seconds{kSecondsTo1970};
}

std::optional<std::uint64_t> filetime_of_systemtime(OctetView systemtime) {
  if (systemtime.size() != 16) return std::nullopt;
  const auto part = [&](std::size_t index) {
    return std::int64_t{little_u16(&systemtime[index * 2])};
  };
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(part(0))},
                                         std::chrono::month{static_cast<unsigned>(part(1))},
                                         std::chrono::day{static_cast<unsigned>(part(3))}};
  if (!date.ok() || part(0) < 1601 || part(0) > 30827) return std::nullopt;
  if (part(4) > 23 || part(5) > 59 || part(6) > 59 || part(7) > 999) return std::nullopt;
  const std::int64_t day = std::chrono::sys_days{date}.time_since_epoch().count();
  const std::int64_t second =
      day * std::int64_t{kSecondsPerDay} + kSecondsTo1970 + part(4) * 3600 + part(5) * 60 + part(6);
  return static_cast<std::uint64_t>(second) * kTicksPerSecond +
         static_cast<std::uint64_t>(part(7) * 10'000);
}

TickTime tick_time_of(std::uint64_t ticks) {
  const std::uint64_t second = ticks / kTicksPerSecond;
  const std::chrono::sys_days first = std::chrono::sys_days{std::chrono::year{1601} / 1 / 1};
  const std::chrono::year_month_day date{
      first + std::chrono::days{static_cast<int>(second / kSecondsPerDay)}};
  const auto of_day = static_cast<unsigned>(second % kSecondsPerDay);
  return {.year = static_cast<int>(date.year()),
          .month = static_cast<unsigned>(date.month()),
          .day = static_cast<unsigned>(date.day()),
          .hour = of_day / 3600,
          .minute = of_day / 60 % 60,
          .second = of_day % 60,
          .ticks = static_cast<std::uint32_t>(ticks % kTicksPerSecond)};
}

}  // namespace postern::windows
