// Any octets as a STIX pattern: refused, or indicators whose text was in it.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/octets.h"
#include "intel/stix_pattern.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto pattern = postern::intel::read_stix_pattern(postern::text_of({data, size}));
  if (!pattern) return 0;
  std::size_t octets = 0;
  for (const auto& indicator : pattern->indicators) octets += indicator.value.size();
  POSTERN_ASSERT(octets <= size);
  return 0;
}
