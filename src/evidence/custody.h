// The custody log: who did what with a pack, each line chained to the one before, the last signed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evidence/signing.h"
#include "evidence/witness.h"

namespace postern::evidence {

inline constexpr std::string_view kCustodyFile = "custody.log";
inline constexpr std::string_view kCustodySignature = "custody.sig";
inline constexpr std::size_t kMaxCustodyOctets = 16U << 20;

struct CustodyEntry {
  std::uint64_t number = 0;  ///< From 1.
  std::string at;            ///< UTC.
  std::string who, host, program;
  std::string event;            ///< "begun", "resumed", "complete", "quarantined", "rolled back".
  std::string what;             ///< A sentence.
  std::string manifest_sha256;  ///< Of "complete": what was signed.
};

struct CustodyCheck {
  std::vector<CustodyEntry> entries;  ///< As far as the chain holds.
  std::vector<std::string> problems;  ///< A sentence each; none where all is well.
  /// Whether they are no more than what a crash leaves: a last line that is torn or not signed.
  bool is_interrupted = false;
};

/// Whether the lines are a chain and `signature` is the key's over the last of them. Any octets.
CustodyCheck check_custody(std::string_view log, OctetView signature, const PublicKey& key);

/// Adds a line to the log of the pack, forces it to disk, and signs it. Where a crash left the last
/// line unsigned, the new one says so.
Result<void> add_to_custody(int pack, CustodyEntry entry, const Witness& witness,
                            const SigningKey& key);

/// Where a crash left the last line torn or unsigned, adds one that says so; else does nothing.
/// `denied` where the key is not the pack's.
Result<void> mend_custody(int pack, const Witness& witness, const SigningKey& key);

}  // namespace postern::evidence
