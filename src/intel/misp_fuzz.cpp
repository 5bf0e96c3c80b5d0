// Any octets as MISP events: refused, or rules that hold what feed_fuzz.h says.
#include <cstddef>
#include <cstdint>

#include "intel/feed_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::intel::FeedOptions options;
  options.format = postern::intel::Format::misp;
  options.url_hosts = true;
  postern::intel::fuzz_feed(options, data, size);
  return 0;
}
