// The TSIG keys of other name servers, as they are in their files at the moment.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "feeds/request_proof.h"
#include "feeds/transfer.h"

namespace postern::feeds {

/// Keys that may sign for one zone. A value.
struct ZoneKeys {
  bool must_sign = false;        ///< There are keys, though perhaps none could be read.
  std::vector<SharedKey> known;  ///< Those that could.

  /// Whether `request` may be answered, and how its answers are signed. `message` must outlive it.
  RequestProof proof_of(OctetView message, std::uint64_t now_s) const {
    return {message, known, now_s};
  }
  bool is_closed() const { return must_sign && known.empty(); }
};

/// Loads them; `log` hears of one that cannot be read when that is news. One thread.
class ZoneKeyLoader {
 public:
  explicit ZoneKeyLoader(Log& log) : log_(log) {}

  ZoneKeys load(const std::vector<TransferKey>& keys);

 private:
  Log& log_;
  std::vector<std::string> told_;  // What was said before, and is still so.
};

}  // namespace postern::feeds
