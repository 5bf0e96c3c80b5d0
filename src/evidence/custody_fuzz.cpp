// Any octets as a custody log with a signature: never one that is well, for nobody can sign here.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "evidence/custody.h"

namespace {

// Of RFC 8032, section 7.1, test 1.
constexpr std::string_view kKey =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto kPublic = postern::evidence::PublicKey::from_pem(kKey);
  POSTERN_ASSERT(kPublic.has_value());
  const postern::OctetView all(data, size);
  const std::size_t split = std::min(size, postern::evidence::kSignatureOctets);
  const auto check = postern::evidence::check_custody(postern::text_of(all.subspan(split)),
                                                      all.first(split), *kPublic);
  POSTERN_ASSERT(!check.problems.empty());
  return 0;
}
