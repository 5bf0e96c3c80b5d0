// Any octets as a line of a quarantine's journal: refused, or one that is written as it is read.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "evidence/journal.h"
#include "files/path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::evidence::journal_entry_from_json;
  const std::string_view line = postern::text_of({data, size});
  if (const auto header = postern::evidence::journal_header_from_json(line)) {
    POSTERN_ASSERT(postern::evidence::journal_header_from_json(to_json(*header)) == *header);
  }
  const auto entry = journal_entry_from_json(line);
  if (!entry) return 0;
  POSTERN_ASSERT(postern::files::check_path(entry->record.path).has_value());
  const auto again = journal_entry_from_json(to_json(*entry));
  POSTERN_ASSERT(again && again->record == entry->record && again->step == entry->step);
  return 0;
}
