// Any octets as a STIX bundle: refused, or rules that hold what feed_fuzz.h says.
#include <cstddef>
#include <cstdint>

#include "intel/feed_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::intel::FeedOptions options;
  options.format = postern::intel::Format::stix;
  options.now = postern::WallTime(postern::seconds(1'700'000'000));
  postern::intel::fuzz_feed(options, data, size);
  options.url_hosts = true;
  options.min_confidence = 50;
  postern::intel::fuzz_feed(options, data, size);
  return 0;
}
