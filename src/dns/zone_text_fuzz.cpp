// Zone files: bounded work, lines that exist, records that show and read again.
#include <algorithm>

#include "base/assert.h"
#include "dns/rdata.h"
#include "dns/zone_text.h"

namespace postern::dns {
namespace {

void run(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(OctetView(data, size));
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  ZoneTextReader reader(text, Name(), 60);
  ZoneRecord record;
  std::size_t entries = 0;
  for (;;) {
    const bool found = reader.next(record);
    if (!found && !reader.error()) break;
    const std::size_t line = found ? record.line : reader.error()->line;
    POSTERN_ASSERT(line >= 1 && line <= lines);
    POSTERN_ASSERT(++entries <= lines);
    if (!found) continue;
    const std::string shown = rdata_to_text(record.type, record.rdata);
    const auto again = rdata_from_text(record.type, shown, Name());
    POSTERN_ASSERT(again == record.rdata);
  }
}

}  // namespace
}  // namespace postern::dns

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::dns::run(data, size);
  return 0;
}
