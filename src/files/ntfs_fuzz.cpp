// Any octets as what a mount hands out as NTFS's facts: nothing, or values within their bounds.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "files/ntfs.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const postern::OctetView octets(data, size);
  POSTERN_ASSERT(postern::files::parse_ntfs_attributes(octets).has_value() == (size == 4));
  if (const auto times = postern::files::parse_ntfs_times(octets)) {
    POSTERN_ASSERT(times->created.nanoseconds < 1'000'000'000);
    static_cast<void>(times->modified.wall());
  }
  for (const auto& name : postern::files::parse_stream_names(octets)) {
    POSTERN_ASSERT(!name.empty() && name.find('\0') == std::string::npos);
  }
  return 0;
}
