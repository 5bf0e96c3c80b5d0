// verify_pack, of pack.h.
#include <algorithm>
#include <map>
#include <utility>

#include "evidence/durable.h"
#include "evidence/pack.h"
#include "evidence/sha256.h"

namespace postern::evidence {
namespace {

/// Looks at one pack, part by part; each adds to what is wrong.
class Verifier {
 public:
  Verifier(int folder, const PublicKey* expected) : folder_(folder), expected_(expected) {}

  PackCheck verify() {
    const auto key = public_key();
    if (!key) return std::move(check_);
    verify_manifest(*key);
    verify_custody(*key);
    if (check_.manifest) verify_objects();
    return std::move(check_);
  }

 private:
  void problem(std::string_view what, const std::string& text) {
    check_.problems.push_back(std::string(what) + ": " + text);
  }

  Result<PublicKey> public_key() {
    const auto pem = read_file(folder_, kPublicKeyFile, kMaxPemOctets);
    auto key = pem ? PublicKey::from_pem(*pem) : Unexpected<Error>(pem.error());
    if (!key) {
      problem(kPublicKeyFile, key.error().text);
      return key;
    }
    check_.key_fingerprint = key->fingerprint();
    if (expected_ != nullptr && expected_->fingerprint() != check_.key_fingerprint) {
      problem(kPublicKeyFile, "it is not the expected key " + expected_->fingerprint() + " but " +
                                  check_.key_fingerprint);
    }
    return key;
  }

  void verify_manifest(const PublicKey& key) {
    const auto text = read_file(folder_, kManifestFile, kMaxManifestOctets);
    if (!text) {
      const bool is_partial = read_file(folder_, kPartialManifest, kMaxManifestOctets).has_value();
      return problem(kManifestFile, is_partial ? "making the pack was interrupted; run evidence "
                                                 "create again with the same folder"
                                               : text.error().text);
    }
    const auto signature = read_file(folder_, kManifestSignature, kSignatureOctets);
    if (!signature) return problem(kManifestSignature, signature.error().text);
    if (!key.verifies(octets_of(*text), octets_of(*signature))) {
      return problem(kManifestFile,
                     "its signature is not this key's over these octets: it was "
                     "changed, or signed by somebody else");
    }
    check_.manifest_sha256 = sha256_hex(*text);
    auto manifest = manifest_from_text(*text);
    if (!manifest) return problem(kManifestFile, manifest.error().text);
    check_.manifest = *std::move(manifest);
  }

  void verify_custody(const PublicKey& key) {
    const auto log = read_file(folder_, kCustodyFile, kMaxCustodyOctets);
    if (!log) return problem(kCustodyFile, log.error().text);
    const auto signature = read_file(folder_, kCustodySignature, kSignatureOctets);
    CustodyCheck custody = check_custody(*log, octets_of(signature.value_or("")), key);
    for (const std::string& text : custody.problems) problem(kCustodyFile, text);
    const bool is_complete = std::ranges::any_of(custody.entries, [&](const CustodyEntry& entry) {
      return entry.event == "complete" && entry.manifest_sha256 == check_.manifest_sha256;
    });
    if (check_.manifest && !is_complete) {
      problem(kCustodyFile, "it does not say that this manifest was completed");
    }
    check_.custody = std::move(custody.entries);
  }

  void verify_objects() {
    auto objects = ObjectStore::open(folder_);
    if (!objects) return problem("objects", objects.error().text);
    // Each is unpacked once, however many records name it.
    std::map<std::string, std::pair<std::uint64_t, std::string>> wanted;
    const auto want = [&](const Kept& kept, const std::string& where) {
      const auto [at, is_new] = wanted.try_emplace(kept.sha256, kept.octets, where);
      if (!is_new && at->second.first != kept.octets) {
        problem(kManifestFile, "it gives " + kept.sha256 + " two sizes");
      }
    };
    for (const Record& record : check_.manifest->records) {
      if (record.content) want(*record.content, record.path);
      for (const KeptAttribute& attribute : record.attributes) {
        want(attribute.value, record.path + ", " + attribute.name);
      }
    }
    for (const auto& [sha256, what] : wanted) {
      const auto whole = objects->check(sha256, what.first);
      if (whole) ++check_.objects;
      if (whole) check_.octets += what.first;
      if (!whole) problem("object " + sha256, whole.error().text + " (of " + what.second + ")");
    }
    const auto names = objects->names();
    if (!names) return problem("objects", names.error().text);
    for (const std::string& name : *names) {
      if (!wanted.contains(name)) problem("objects", name + " is in no manifest");
    }
  }

  int folder_;
  const PublicKey* expected_;
  PackCheck check_;
};

}  // namespace

Result<PackCheck> verify_pack(const std::string& pack, const PublicKey* expected) {
  const FileDescriptor folder = POSTERN_TRY(open_folder_at(pack));
  return Verifier(folder.get(), expected).verify();
}

}  // namespace postern::evidence
