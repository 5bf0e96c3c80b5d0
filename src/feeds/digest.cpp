#include "feeds/digest.h"

#include <array>

#include <openssl/evp.h>

#include "base/assert.h"

namespace postern::feeds {

std::string sha256_hex(std::string_view octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  POSTERN_ASSERT(
      EVP_Digest(octets.data(), octets.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

}  // namespace postern::feeds
