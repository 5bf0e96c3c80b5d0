// Zone transfers in: the newest copy of a zone from the first of its primaries that has it.
//
// Start at `transfer`. Its parts: transfer_stream (the
// connection), transfer_reader (what an answer says), zone_copy (the records), dns/tsig (the
// proof).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "dns/name.h"
#include "dns/tsig.h"
#include "feeds/zone_copy.h"
#include "net/dns_server.h"

namespace postern::feeds {

/// The key that both sides know (RFC 8945).
struct TransferKey {
  dns::Name name;
  dns::TsigAlgorithm algorithm = dns::TsigAlgorithm::hmac_sha256;
  std::string secret;       ///< In base64; empty where `secret_file` is set.
  std::string secret_file;  ///< Holds it; read at each transfer, so that it can be changed.

  bool operator==(const TransferKey&) const = default;
};

/// Whether a zone that no primary confirms any more stays in force (RFC 1035 §3.3.13 says no).
enum class OnExpire : std::uint8_t { keep, drop };

/// Where and how a zone is transferred.
struct TransferSource {
  dns::Name zone;
  std::vector<std::string>
      primaries;                    ///< As `net::dns_server_from_text` reads them; tried in order.
  std::optional<TransferKey> tsig;  ///< Then every answer must be signed.
  std::string tls_ca_file;          ///< Authorities for tls://; empty: the system's.
  seconds min_refresh{10};          ///< Bounds on the SOA's refresh and retry.
  seconds max_refresh{7 * 86'400};
  OnExpire on_expire = OnExpire::keep;

  bool operator==(const TransferSource&) const = default;
};

struct TransferRequest {
  TransferSource source;
  std::shared_ptr<const ZoneCopy> base;  ///< The copy at hand; null: none.
  ZoneCopyLimits limits;
  /// Take a zone whose serial is behind the copy's, too: somebody asked for it by hand.
  bool may_go_back = false;
  milliseconds connect_timeout{10'000};
  milliseconds silence{30'000};         ///< Of a primary that should say something.
  milliseconds probe_timeout{2'000};    ///< Of one question over UDP; two are sent.
  milliseconds whole_timeout{900'000};  ///< For one primary, so that none holds a thread.
};

struct Transferred {
  std::shared_ptr<const ZoneCopy> zone;  ///< Null: the copy at hand is the newest.
  Soa soa;
  std::string how;  ///< "IXFR from 192.0.2.1:53, serial 7", for the log.
};

/// Asks the primaries in order until one has the newest zone, or confirms that the copy is that.
/// Waits; `cancelled` (from any thread) ends it within a second. An incremental transfer that
/// does not work, whatever the reason, is followed by a whole one. Nothing of a transfer that
/// was cut off is given out. The error names what was wrong with each primary, and no secrets.
Result<Transferred> transfer(const TransferRequest& request, const std::atomic<bool>& cancelled);

/// The key with its secret, from the file if need be.
Result<dns::TsigKey> load_key(const TransferKey& key);

}  // namespace postern::feeds
