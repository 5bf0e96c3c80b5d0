// Any octets: refused, or taken in whole and written as they were.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "event/question_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::event::QuestionTable;
  QuestionTable table({.names = 100'000, .days = 14}, 7);
  const postern::OctetView octets(data, size);
  if (!table.decode(octets)) return 0;
  std::size_t names = 0;
  table.for_each([&](const postern::policy::AskedName&) { ++names; });
  POSTERN_ASSERT(names == table.size());
  QuestionTable again({.names = 100'000, .days = 14}, 8);
  POSTERN_ASSERT(again.decode(table.encode()).has_value());
  POSTERN_ASSERT(std::ranges::equal(again.encode(), table.encode()));
  table.begin_day(65'535);
  POSTERN_ASSERT(table.size() <= names);
  return 0;
}
