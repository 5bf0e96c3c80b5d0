// Ed25519: the key that signs packs, and the one that checks them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/octets.h"
#include "base/result.h"

struct evp_pkey_st;

namespace postern::evidence {

inline constexpr std::size_t kSignatureOctets = 64;
/// In a pack: the key that it is signed with.
inline constexpr std::string_view kPublicKeyFile = "public-key.pem";
inline constexpr std::size_t kMaxPemOctets = 4096;

struct FreeKey {
  void operator()(evp_pkey_st* key) const;
};
using KeyHandle = std::unique_ptr<evp_pkey_st, FreeKey>;

/// Checks signatures. Any thread may use it.
class PublicKey {
 public:
  /// "-----BEGIN PUBLIC KEY-----", of Ed25519; anything else is `invalid_input`.
  static Result<PublicKey> from_pem(std::string_view pem);

  bool verifies(OctetView message, OctetView signature) const;
  /// The SHA-256 of the key as DER (SubjectPublicKeyInfo), in hexadecimal.
  std::string fingerprint() const;
  std::string pem() const;

 private:
  friend class SigningKey;
  explicit PublicKey(KeyHandle key) : key_(std::move(key)) {}
  KeyHandle key_;
};

/// Signs. Its key is a file of its owner alone.
class SigningKey {
 public:
  static constexpr std::string_view kFileName = "evidence-key.pem";
  static constexpr std::string_view kPublicFileName = "evidence-key.public.pem";

  /// The key in the folder; made, with the folder (0700) and the public key beside it, where there
  /// is none. `denied` where others may read it, `corrupt` where it is no such key.
  static Result<SigningKey> open_or_make(const std::string& folder);

  Octets sign(OctetView message) const;
  const PublicKey& public_key() const { return public_; }

 private:
  SigningKey(KeyHandle key, PublicKey public_key)
      : key_(std::move(key)), public_(std::move(public_key)) {}
  KeyHandle key_;
  PublicKey public_;
};

}  // namespace postern::evidence
