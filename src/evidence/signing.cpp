#include "evidence/signing.h"

#include <array>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/file_descriptor.h"
#include "evidence/durable.h"
#include "evidence/sha256.h"

namespace postern::evidence {
namespace {

using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;
using Context = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>;

Bio bio_on(std::string_view text) {
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free);
  POSTERN_ASSERT(bio);
  return bio;
}

std::string text_in(const Bio& bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

// Of a private key too: no more than its public part is written.
std::string public_pem_of(evp_pkey_st* key) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  POSTERN_ASSERT(bio && PEM_write_bio_PUBKEY(bio.get(), key) == 1);
  return text_in(bio);
}

// No passphrase is ever asked for on a terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

Result<void> make_key(int folder) {
  const KeyHandle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) return fail(Errc::unavailable, "OpenSSL made no Ed25519 key");
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  POSTERN_ASSERT(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0,
                                                      nullptr, nullptr) == 1);
  POSTERN_CHECK(replace_file(folder, SigningKey::kPublicFileName, public_pem_of(key.get()), 0644));
  return replace_file(folder, SigningKey::kFileName, text_in(bio), 0600);
}

}  // namespace

void FreeKey::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  KeyHandle key;
  if (pem.size() <= kMaxPemOctets) {
    key.reset(PEM_read_bio_PUBKEY(bio_on(pem).get(), nullptr, no_passphrase, nullptr));
  }
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
    return fail(Errc::invalid_input, "not an Ed25519 public key in PEM");
  }
  return PublicKey(std::move(key));
}

bool PublicKey::verifies(OctetView message, OctetView signature) const {
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  POSTERN_ASSERT(context &&
                 EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1);
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

std::string PublicKey::pem() const {
  return public_pem_of(key_.get());
}

std::string PublicKey::fingerprint() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  POSTERN_ASSERT(size > 0);
  const std::string print = sha256_hex(OctetView(der, static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return print;
}

Result<SigningKey> SigningKey::open_or_make(const std::string& folder_path) {
  std::error_code error;
  if (!std::filesystem::exists(folder_path, error)) {
    std::filesystem::create_directories(folder_path, error);
    if (error) return Unexpected<Error>(system_error("make " + folder_path, error.value()));
    if (::chmod(folder_path.c_str(), 0700) != 0) {
      return Unexpected<Error>(system_error("chmod " + folder_path, errno));
    }
  }
  const FileDescriptor folder = POSTERN_TRY(open_folder_at(folder_path));
  struct stat info{};
  const std::string name(kFileName);
  if (::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
    POSTERN_CHECK(make_key(folder.get()));
    if (::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return Unexpected<Error>(system_error(folder_path + "/" + name, errno));
    }
  }
  constexpr mode_t kOfOthers = 077;
  if (!S_ISREG(info.st_mode) || (info.st_mode & kOfOthers) != 0) {
    return fail(Errc::denied, folder_path + "/" + name +
                                  " must be a file that its owner alone may read: chmod 600");
  }
  const std::string pem = POSTERN_TRY(read_file(folder.get(), name, kMaxPemOctets));
  KeyHandle key(PEM_read_bio_PrivateKey(bio_on(pem).get(), nullptr, no_passphrase, nullptr));
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
    return fail(Errc::corrupt, folder_path + "/" + name + " is no Ed25519 key in PEM");
  }
  PublicKey public_key = POSTERN_TRY(PublicKey::from_pem(public_pem_of(key.get())));
  return SigningKey(std::move(key), std::move(public_key));
}

Octets SigningKey::sign(OctetView message) const {
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  Octets signature(kSignatureOctets);
  std::size_t size = signature.size();
  POSTERN_ASSERT(
      context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1 &&
      size == kSignatureOctets);
  return signature;
}

}  // namespace postern::evidence
