// Any octets as a pack: refused with a place, or rules that can be tried on any name.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/octets.h"
#include "exposure/pack.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace exposure = postern::exposure;
  const std::string_view text = postern::text_of({data, size});
  exposure::Pack pack;
  const auto read = exposure::read_pack(text, "p", pack);
  if (!read) {
    POSTERN_ASSERT(read.error().text.starts_with("p:"));
    POSTERN_ASSERT(pack.rules.empty() && pack.providers.empty());
    return 0;
  }
  const auto name = postern::dns::Name::from_text("a.mail.protection.outlook.com");
  for (const exposure::Rule& rule : pack.rules) {
    POSTERN_ASSERT(rule.provider_index < pack.providers.size());
    POSTERN_ASSERT(pack.provider_of(rule).id == rule.provider);
    static_cast<void>(exposure::fits(rule, *name));
    static_cast<void>(exposure::fits_text(rule, text));
  }
  return 0;
}
