// Any octets as JSON with a field, by one key and by several: refused, or rules that hold what
// feed_fuzz.h says.
#include <cstddef>
#include <cstdint>

#include "intel/feed_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::intel::FeedOptions options;
  options.format = postern::intel::Format::json;
  options.now = postern::WallTime(postern::seconds(1'700'000'000));
  postern::intel::fuzz_feed(options, data, size);
  options.json = {.field = "a.b", .removed = "c"};
  postern::intel::fuzz_feed(options, data, size);
  return 0;
}
