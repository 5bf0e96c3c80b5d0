// Any octets as a manifest, as an event and as what is kept of events: refused, or kept so that it
// reads back as it is.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "intel/misp_events.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::intel::MispEvents;
  const std::string_view text = postern::text_of({data, size});
  (void)postern::intel::read_misp_manifest(text);
  const auto check = [](const MispEvents& events) {
    MispEvents again(1U << 20);
    POSTERN_ASSERT(again.take_lines(events.to_text()).has_value());
    POSTERN_ASSERT(again.to_text() == events.to_text());
  };
  MispEvents events(1U << 20);
  if (events.take({"5f-1", 7}, text)) {
    POSTERN_ASSERT(events.has({"5f-1", 7}));
    check(events);
  }
  MispEvents lines(1U << 20);
  if (lines.take_lines(text)) check(lines);
  return 0;
}
