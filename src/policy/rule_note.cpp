#include "policy/rule_note.h"

#include <limits>

namespace postern::policy {

std::string_view to_string(Sharing sharing) {
  switch (sharing) {
    case Sharing::unmarked:
      return "";
    case Sharing::clear:
      return "clear";
    case Sharing::green:
      return "green";
    case Sharing::amber:
      return "amber";
    case Sharing::amber_strict:
      return "amber+strict";
    case Sharing::red:
      return "red";
  }
  return "";
}

std::uint32_t note_seconds(WallTime at) {
  const std::int64_t whole = std::chrono::floor<seconds>(at).time_since_epoch().count();
  if (whole < 1) return 1;
  return whole > std::numeric_limits<std::uint32_t>::max() ? 0 : static_cast<std::uint32_t>(whole);
}

WallTime time_of_note(std::uint32_t at_s) {
  return WallTime(seconds(at_s));
}

}  // namespace postern::policy
