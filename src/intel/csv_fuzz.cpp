// Any octets as a table, the column by name and by number, and as a pack: refused, or rules
// that hold what feed_fuzz.h says.
#include <cstddef>
#include <cstdint>

#include "base/octets.h"
#include "intel/feed_fuzz.h"
#include "intel/packs.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::intel::FeedOptions options;
  options.format = postern::intel::Format::csv;
  postern::intel::fuzz_feed(options, data, size);
  options.csv = {.column = "2", .separator = '\t', .has_header = false};
  postern::intel::fuzz_feed(options, data, size);
  const auto pack = postern::intel::read_pack(postern::text_of({data, size}));
  if (pack) POSTERN_ASSERT(!pack->indicators.empty());
  return 0;
}
