#include "intel/timestamp.h"

#include <cstddef>
#include <cstdint>

namespace postern::intel {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes pieces off the front of a text; once one is missing, all that follow are.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : rest_(text) {}

  unsigned number(std::size_t digits) {
    unsigned value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (i >= rest_.size() || !is_digit(rest_[i])) return fail();
      value = value * 10 + static_cast<unsigned>(rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  /// True if one of `wanted` comes next; it is then taken.
  bool take(std::string_view wanted) {
    if (rest_.empty() || wanted.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(std::string_view wanted) {
    if (!take(wanted)) fail();
  }
  microseconds fraction() {
    std::int64_t value = 0;
    std::size_t count = 0;
    for (; !rest_.empty() && is_digit(rest_.front()); rest_.remove_prefix(1), ++count) {
      if (count < 6) value = value * 10 + (rest_.front() - '0');
    }
    if (count == 0) fail();
    for (; count < 6; ++count) value *= 10;
    return microseconds(value);
  }
  unsigned fail() {
    ok_ = false;
    return 0;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

microseconds time_of_day(Pieces& pieces) {
  const unsigned hour = pieces.number(2);
  pieces.expect(":");
  const unsigned minute = pieces.number(2);
  unsigned second = 0;
  microseconds fraction{};
  if (pieces.take(":")) {
    second = pieces.number(2);
    if (pieces.take(".,")) fraction = pieces.fraction();
  }
  if (hour > 23 || minute > 59 || second > 60) pieces.fail();
  return std::chrono::hours(hour) + std::chrono::minutes(minute) + seconds(second) + fraction;
}

std::chrono::minutes zone(Pieces& pieces) {
  if (pieces.at_end() || pieces.take("Zz")) return {};
  const bool east = pieces.take("+");
  if (!east) pieces.expect("-");
  const unsigned hour = pieces.number(2);
  static_cast<void>(pieces.take(":"));
  const unsigned minute = pieces.number(2);
  if (hour > 23 || minute > 59) pieces.fail();
  const std::chrono::minutes offset(static_cast<int>(hour * 60 + minute));
  return east ? offset : -offset;
}

}  // namespace

std::optional<WallTime> read_timestamp(std::string_view text) {
  Pieces pieces(text);
  const auto year = static_cast<int>(pieces.number(4));
  pieces.expect("-");
  const unsigned month = pieces.number(2);
  pieces.expect("-");
  const unsigned day = pieces.number(2);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!pieces.ok() || !date.ok()) return std::nullopt;
  WallTime time = std::chrono::sys_days(date);
  if (!pieces.at_end()) {
    pieces.expect("Tt ");
    time += time_of_day(pieces);
    time -= zone(pieces);
  }
  if (!pieces.ok() || !pieces.at_end()) return std::nullopt;
  return time;
}

}  // namespace postern::intel
