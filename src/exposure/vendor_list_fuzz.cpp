// Any octets as a list of vendors: rows with a domain each, or lines that say why they are none.
#include <cstddef>
#include <cstdint>
#include <set>

#include "base/assert.h"
#include "base/octets.h"
#include "exposure/report.h"
#include "exposure/vendor_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace exposure = postern::exposure;
  const std::string_view text = postern::text_of({data, size});
  const auto list = exposure::read_vendor_list(text, std::nullopt);
  static_cast<void>(exposure::read_vendor_list(text, "2"));
  if (!list) return 0;
  std::set<postern::dns::Name> seen;
  std::size_t line = 0;
  exposure::Report report;
  report.header = list->header;
  report.domain_column = list->domain_column;
  for (const exposure::Vendor& vendor : list->vendors) {
    POSTERN_ASSERT(vendor.line > line);
    POSTERN_ASSERT(vendor.domain.label_count() >= 2);
    POSTERN_ASSERT(vendor.fields.size() == list->header.size());
    POSTERN_ASSERT(seen.insert(vendor.domain).second);
    line = vendor.line;
    exposure::Entry entry;
    entry.domain = vendor.domain.to_display();
    entry.line = vendor.line;
    entry.fields = vendor.fields;
    report.entries.push_back(std::move(entry));
  }
  // What it carries into reports steers no terminal.
  POSTERN_ASSERT(exposure::to_csv(report).find('\x1b') == std::string::npos);
  POSTERN_ASSERT(exposure::to_text(report, {}).find('\x1b') == std::string::npos);
  return 0;
}
