// Any body is refused with a sentence, or gives a wish that names what it excepts: no more names
// than are taken, each of which its pattern gives back.
#include <cstddef>
#include <cstdint>
#include <string>

#include "api/exception_wish.h"
#include "base/assert.h"
#include "policy/exception.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace policy = postern::policy;
  namespace state = postern::state;
  static const auto kGeneration = policy::Generation::empty();
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto wish = postern::api::wish_from_json(text, *kGeneration);
  if (!wish) {
    POSTERN_ASSERT(!wish.error().text.empty());
    return 0;
  }
  POSTERN_ASSERT(wish->names.size() <= state::kMaxNamesAtOnce + 1);
  for (const auto& [name, scope] : wish->names) {
    POSTERN_ASSERT(scope == policy::Scope::exact || scope == policy::Scope::at_and_below);
    POSTERN_ASSERT(!policy::pattern_text(name, scope).empty());
    POSTERN_ASSERT(scope == policy::Scope::at_and_below || !name.is_root());
  }
  return 0;
}
