// Any octets as a Sigma rule: refused with a line, or a rule that can be compiled and tried.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "exchange/rule_examples.h"
#include "exchange/sigma.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace exchange = postern::exchange;
  exchange::RuleBook book;
  const auto read = exchange::read_sigma(postern::text_of({data, size}), "s", {}, book);
  if (!read) {
    POSTERN_ASSERT(book.rules.empty() && read.error().text.starts_with("s:"));
    return 0;
  }
  const auto rules = exchange::RuleSet::compile(std::move(book));
  if (!rules) return 0;
  exchange::Example example;
  example.source = exchange::Source::event;
  example.values = {{"Channel", "Security"}, {"event_id", "4688"}, {"Image", "C:\\a b.exe"}};
  static_cast<void>(exchange::found_in(*rules, example));
  example.source = exchange::Source::iis;
  example.values = {{"method", "GET"}, {"stem", "/a/b.aspx"}, {"query", "c=d%2541"}};
  static_cast<void>(exchange::found_in(*rules, example));
  return 0;
}
