// Evidence packs: what files were like, kept so that a third party can check it.
//
// docs/reference/evidence-pack.md is the format. Nothing here writes beneath a swept root.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/custody.h"
#include "evidence/manifest.h"
#include "evidence/object_store.h"
#include "evidence/signing.h"
#include "evidence/witness.h"

namespace postern::evidence {

struct PackOrder {
  std::string root;
  std::string pack;  ///< The folder to be made, or one that a crash left behind.
  std::string case_name;
  std::vector<std::string> places;  ///< See select().
  Witness witness;
};

struct PackReport {
  std::uint64_t records = 0;
  std::uint64_t files = 0;              ///< Whose content is kept.
  std::uint64_t reused = 0;             ///< Of these, kept by a run that was interrupted.
  std::uint64_t octets = 0;             ///< Of their contents.
  std::uint64_t stored_octets = 0;      ///< Written now, compressed; what was there counts as none.
  std::vector<std::string> incomplete;  ///< "PATH: why", of what is not all there.
  std::string manifest_sha256;
  std::string key_fingerprint;
};

/// Makes a pack, or goes on where a run with the same root and case was interrupted, however it
/// was: what that run had kept and is still the same is not read again, but checked. A pack that is
/// whole stays as it is: `denied`. Files that cannot be read do not end it; they are in the report.
/// Errors: `denied` (beneath the root; another pack's folder), `invalid_input`, and what writing
/// says.
Result<PackReport> create_pack(const PackOrder& order, const SigningKey& key);

/// What is true of a pack.
struct PackCheck {
  std::vector<std::string> problems;  ///< A sentence each, each naming what; none: it is whole.
  std::optional<Manifest> manifest;   ///< Where it could be read and its signature is good.
  std::string manifest_sha256;
  std::string key_fingerprint;  ///< Of the public key in the pack; empty where there is none.
  std::vector<CustodyEntry> custody;
  std::uint64_t objects = 0;  ///< Checked and found good.
  std::uint64_t octets = 0;   ///< In these.
};

/// Checks everything: the key (against `expected` where that is given), the manifest's signature,
/// every object, the custody log. An error only where there is no folder to look into.
Result<PackCheck> verify_pack(const std::string& pack, const PublicKey* expected = nullptr);

/// A pack that verify_pack found whole.
struct WholePack {
  FileDescriptor folder;
  ObjectStore objects;
  PackCheck check;  ///< With its manifest.
};

/// `corrupt`, with the first problem, where it is not.
Result<WholePack> open_whole_pack(const std::string& pack, const PublicKey* expected = nullptr);

/// Adds to the custody log of a pack; `denied` where the key is not the one that signed it.
Result<void> note_custody(const WholePack& pack, const std::string& event, const std::string& what,
                          const Witness& witness, const SigningKey& key);

}  // namespace postern::evidence
