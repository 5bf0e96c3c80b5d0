#include "api/duration.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace postern::api {

std::optional<seconds> duration_from_text(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  const char unit = text.back();
  text.remove_suffix(1);
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  switch (unit) {
    case 's':
      return seconds(count);
    case 'm':
      return std::chrono::minutes(count);
    case 'h':
      return std::chrono::hours(count);
    case 'd':
      return std::chrono::days(std::min(count, 3'652'059U));
    default:
      return std::nullopt;
  }
}

}  // namespace postern::api
