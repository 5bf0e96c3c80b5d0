#include "net/openssl_error.h"

#include <array>

#include <openssl/err.h>

namespace postern::net {

std::string openssl_error(std::string_view doing) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_peek_last_error(), text.data(), text.size());
  ERR_clear_error();
  return std::string(doing) + ": " + text.data();
}

}  // namespace postern::net
