#include "intel/idn.h"

#include <cstdint>
#include <cstdlib>
#include <memory>

#include <idn2.h>

namespace postern::intel {
namespace {

struct Free {
  void operator()(char* memory) const { idn2_free(memory); }
};

// Four UTF-8 octets for each of the 253 characters a name can have. The library's effort grows
// with the length, so that longer texts are not handed to it.
constexpr std::size_t kMaxTextOctets = 1024;

}  // namespace

Result<std::string, NameFault> to_a_labels(std::string_view text) {
  if (text.size() > kMaxTextOctets) return Unexpected(NameFault::name_too_long);
  if (text.find('\0') != std::string_view::npos) return Unexpected(NameFault::bad_character);
  const std::string terminated(text);
  char* raw = nullptr;
  const int code =
      idn2_to_ascii_8z(terminated.c_str(), &raw, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, Free> owned(raw);
  if (code != IDN2_OK || owned == nullptr) return Unexpected(NameFault::bad_idn);
  return std::string(owned.get());
}

}  // namespace postern::intel
