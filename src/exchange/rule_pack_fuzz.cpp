// Any octets as a rule pack: refused with a place, or rules that can be compiled and tried.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "exchange/rule_examples.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace exchange = postern::exchange;
  exchange::RuleBook book;
  const auto header = exchange::read_rule_pack(postern::text_of({data, size}), "p", book);
  if (!header) {
    POSTERN_ASSERT(header.error().text.starts_with("p:"));
    return 0;
  }
  const auto rules = exchange::RuleSet::compile(std::move(book));
  if (!rules) return 0;
  for (const exchange::RowRule& rule : rules->book().rules) {
    for (const exchange::Example& example : rule.examples) {
      static_cast<void>(exchange::found_in(*rules, example));
    }
  }
  return 0;
}
