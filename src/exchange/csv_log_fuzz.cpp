// Any octets as one of Exchange's own logs: each line is counted once, and the blocks it comes in
// do not matter.
#include <cstddef>
#include <cstdint>

#include "exchange/log_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::exchange::LogFormat;
  using postern::exchange::Source;
  postern::exchange::fuzz_log({LogFormat::csv, Source::httpproxy}, data, size);
  return 0;
}
