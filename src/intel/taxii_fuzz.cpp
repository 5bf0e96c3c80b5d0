// Any octets as what a TAXII server says: refused, or values within their bounds; and a page's
// objects as a copy, which reads back as itself.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/octets.h"
#include "intel/stix_objects.h"
#include "intel/taxii.h"

namespace postern::intel {
namespace {

void check_page(std::string_view text, const TaxiiPage& page) {
  POSTERN_ASSERT(page.next.size() <= kMaxTaxiiNextOctets);
  StixObjects objects(2 * text.size());
  for (const std::string_view object : page.objects) {
    POSTERN_ASSERT(object.data() >= text.data() && object.size() <= text.size());
    static_cast<void>(objects.take(object));
  }
  const std::string copy = objects.to_text();
  StixObjects again(4 * text.size() + 1024);
  POSTERN_ASSERT(again.take_lines(copy).has_value());
  POSTERN_ASSERT(again.to_text() == copy);
}

void check_taxii(std::string_view text) {
  if (const auto entry = read_taxii_entry(text)) {
    POSTERN_ASSERT(entry->api_roots.size() <= kMaxTaxiiRoots);
  }
  if (const auto collections = read_taxii_collections(text)) {
    POSTERN_ASSERT(collections->size() <= kMaxTaxiiCollections);
  }
  static_cast<void>(taxii_error_title(text));
  if (const auto page = read_taxii_page(text)) check_page(text, *page);
}

}  // namespace
}  // namespace postern::intel

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::intel::check_taxii(postern::text_of({data, size}));
  return 0;
}
