// What TSIG (RFC 8945) says of a request, and what it adds to the answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/octets.h"
#include "dns/tsig.h"
#include "feeds/zone_request.h"

namespace postern::feeds {

using SharedKey = std::shared_ptr<const dns::TsigKey>;

/// The proof of one request, and of all messages that answer it. One thread.
class RequestProof {
 public:
  /// `keys` are those that may have signed it; none: it need not be signed, and is not believed if
  /// it is. `message` must outlive this.
  RequestProof(OctetView message, std::span<const SharedKey> keys, std::uint64_t now_s);

  /// Why it must not be answered otherwise; nothing where it may.
  const std::optional<Refusal>& refusal() const { return refusal_; }
  /// The room that `finish` may take.
  std::size_t room() const { return exchange_ ? dns::TsigExchange::kMaxRecordOctets : 0; }
  /// Signs a message of the answer, or the one that refuses; also unsigned, as it has to be.
  void finish(Octets& answer, std::uint64_t now_s);

 private:
  void refuse(dns::TsigError error);

  OctetView query_;
  SharedKey key_;
  std::optional<dns::TsigExchange> exchange_;
  std::optional<dns::TsigError> error_;
  std::optional<Refusal> refusal_;
};

}  // namespace postern::feeds
