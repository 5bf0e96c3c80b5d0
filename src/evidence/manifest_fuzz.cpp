// Any octets as a manifest: refused, or one that is written as it is read.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "evidence/manifest.h"
#include "files/path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::evidence::manifest_from_text;
  using postern::evidence::Record;
  const auto manifest = manifest_from_text(postern::text_of({data, size}));
  if (!manifest) return 0;
  for (const Record& record : manifest->records) {
    POSTERN_ASSERT(postern::files::check_path(record.path).has_value());
  }
  const auto again = manifest_from_text(to_text(*manifest));
  POSTERN_ASSERT(again && again->records == manifest->records);
  return 0;
}
