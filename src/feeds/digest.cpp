#include "feeds/digest.h"

#include <array>
#include <memory>
#include <span>

#include <openssl/evp.h>

#include "base/assert.h"

namespace postern::feeds {
namespace {

using Context = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>;

Context begin_sha256() {
  Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  POSTERN_ASSERT(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  return context;
}

std::string finish(const Context& context) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  POSTERN_ASSERT(EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1);
  std::string text;
  for (const unsigned char octet : std::span(digest).first(size)) {
    text += kDigits[octet >> 4];
    text += kDigits[octet & 15];
  }
  return text;
}

}  // namespace

std::string sha256_hex(std::string_view octets) {
  const Context context = begin_sha256();
  POSTERN_ASSERT(EVP_DigestUpdate(context.get(), octets.data(), octets.size()) == 1);
  return finish(context);
}

Result<std::string> sha256_hex(const SharedMemory& memory) {
  const Context context = begin_sha256();
  POSTERN_CHECK(memory.for_each_piece([&](OctetView piece) {
    POSTERN_ASSERT(EVP_DigestUpdate(context.get(), piece.data(), piece.size()) == 1);
  }));
  return finish(context);
}

}  // namespace postern::feeds
