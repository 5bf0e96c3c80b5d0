// Any octets as findings and as a plan: refused, or a plan that is written as it is read.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "evidence/plan.h"
#include "files/path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::evidence::Findings;
  using postern::evidence::plan_from_json;
  const std::string_view text = postern::text_of({data, size});
  if (const auto findings = postern::evidence::findings_from_json(text)) {
    for (const Findings::Item& item : findings->items) {
      POSTERN_ASSERT(postern::files::check_path(item.path).has_value() && !item.path.empty());
    }
  }
  const auto plan = plan_from_json(text);
  if (!plan) return 0;
  const auto again = plan_from_json(to_json(*plan));
  POSTERN_ASSERT(again && *again == *plan);
  for (const char c : to_text(*plan)) POSTERN_ASSERT(c == '\n' || (c >= 0x20 && c < 0x7F));
  return 0;
}
