// Any octets as a table of files of NTFS: read within bounds, or refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "windows/mft.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::windows::MftEntry;
  using postern::windows::MftReader;
  auto reader = MftReader::open(
      [&](std::uint64_t offset, std::span<std::uint8_t> into) -> postern::Result<std::size_t> {
        if (offset >= size) return 0;
        const std::size_t count = std::min<std::size_t>(into.size(), size - offset);
        std::copy_n(data + offset, count, into.begin());
        return count;
      });
  if (!reader) return 0;
  while (const MftEntry* entry = reader->next()) {
    POSTERN_ASSERT(!entry->name.empty());
    POSTERN_ASSERT(entry->streams.size() <= MftReader::kMaxStreams);
  }
  POSTERN_ASSERT(reader->records() * MftReader::kMinRecord <= size);
  return 0;
}
