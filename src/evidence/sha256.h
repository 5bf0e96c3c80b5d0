// SHA-256 of what comes in pieces.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/octets.h"

// OpenSSL's, so that its headers stay in the sources.
struct evp_md_ctx_st;

namespace postern::evidence {

class Sha256 {
 public:
  Sha256();

  void add(OctetView octets);
  /// 64 lower-case hexadecimal digits. Ends it.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string sha256_hex(OctetView octets);
std::string sha256_hex(std::string_view text);

}  // namespace postern::evidence
