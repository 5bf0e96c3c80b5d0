#include "evidence/sha256.h"

#include <array>
#include <span>

#include <openssl/evp.h>

#include "base/assert.h"
#include "evidence/hex.h"

namespace postern::evidence {

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  POSTERN_ASSERT(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::add(OctetView octets) {
  POSTERN_ASSERT(EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) == 1);
}

std::string Sha256::hex() {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  POSTERN_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
  return to_hex(std::span(digest).first(size));
}

std::string sha256_hex(OctetView octets) {
  Sha256 digest;
  digest.add(octets);
  return digest.hex();
}

std::string sha256_hex(std::string_view text) {
  return sha256_hex(octets_of(text));
}

}  // namespace postern::evidence
