#include "intel/timestamp.h"

#include <cstdint>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace postern::intel {
namespace {

TEST(Timestamp, IsReadAsFeedsWriteIt) {
  constexpr std::int64_t kDay = 86'400'000'000;
  constexpr std::int64_t kBegin = 18'688 * kDay;  // 2021-03-02.
  constexpr std::int64_t kHour = 3'600'000'000;
  const struct {
    std::string text;
    std::optional<std::int64_t> want_us;
  } cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2021-03-02", kBegin},
      {"2021-03-02T00:00:00.000Z", kBegin},
      {"2021-03-02t10:00:00z", kBegin + 10 * kHour},
      {"2021-03-02 10:00", kBegin + 10 * kHour},
      {"2021-03-02T10:00:00", kBegin + 10 * kHour},
      {"2021-03-02T10:00:00.5Z", kBegin + 10 * kHour + 500'000},
      {"2021-03-02T10:00:00.123456789Z", kBegin + 10 * kHour + 123'456},
      {"2021-03-02T10:00:00+02:00", kBegin + 8 * kHour},
      {"2021-03-02T10:00:00-0130", kBegin + 11 * kHour + kHour / 2},
      {"2016-12-31T23:59:60Z", 17'167 * kDay},  // A leap second.
      {"2024-02-29", 19'782 * kDay},
      {"9999-12-31T23:59:59Z", 2'932'897 * kDay - 1'000'000},
      {"2023-02-29", {}},
      {"2021-13-01", {}},
      {"2021-00-10", {}},
      {"2021-03-02T24:00:00Z", {}},
      {"2021-03-02T10:60:00Z", {}},
      {"2021-03-02T10", {}},
      {"2021-03-02T10:00:00.Z", {}},
      {"2021-03-02T10:00:00Zx", {}},
      {"2021-03-02T10:00:00+2", {}},
      {"2021-3-2", {}},
      {"02.03.2021", {}},
      {"1614643200", {}},
      {"", {}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto time = read_timestamp(c.text);
    std::optional<std::int64_t> got_us;
    if (time) got_us = time->time_since_epoch().count();
    EXPECT_EQ(got_us, c.want_us);
  }
}

}  // namespace
}  // namespace postern::intel
