// Any octets as a web page: judged within bounds, the same twice.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "exchange/page_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const postern::OctetView octets{data, size};
  for (const char* const name : {"a.aspx", "a.asp", "a.ashx", "a.cshtml", "a.php"}) {
    const auto signs = postern::exchange::check_page(name, octets);
    for (const auto& sign : signs) {
      POSTERN_ASSERT(sign.confidence >= 50 && sign.confidence <= 99 && !sign.what.empty());
    }
    POSTERN_ASSERT(signs == postern::exchange::check_page(name, octets));
  }
  static_cast<void>(postern::exchange::has_server_code(octets));
  return 0;
}
