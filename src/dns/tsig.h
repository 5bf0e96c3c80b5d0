// TSIG: proof that a message comes from who shares a key with us, and is as it was sent (RFC 8945).
//
// Start at TsigExchange: one query and its answer, which may be a stream of messages (a zone
// transfer, §5.3.1). Both sides are here, so that each can be tested against the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/octets.h"
#include "base/result.h"
#include "dns/name.h"
#include "dns/types.h"

struct evp_mac_ctx_st;

namespace postern::dns {

/// MD5 and SHA-1 are not among them: neither made nor believed (RFC 8945 §6 lets them go).
enum class TsigAlgorithm : std::uint8_t { hmac_sha256, hmac_sha384, hmac_sha512 };

/// "hmac-sha256", …
std::string_view to_string(TsigAlgorithm algorithm);
/// In any case, with or without a dot at the end.
std::optional<TsigAlgorithm> tsig_algorithm_from_text(std::string_view text);

/// A key that two parties share. Keep it out of logs and error texts.
struct TsigKey {
  static constexpr std::size_t kMaxSecretOctets = 512;  ///< Four blocks of the largest hash.

  Name name;
  TsigAlgorithm algorithm = TsigAlgorithm::hmac_sha256;
  Octets secret;  ///< Not empty.
};

/// Reads a secret: base64, blanks at its ends do no harm. The error never quotes it.
Result<Octets> tsig_secret_from_text(std::string_view text);

/// Why a message is not believed.
enum class TsigError : std::uint8_t {
  missing,             ///< No TSIG where there must be one.
  malformed,           ///< One that does not read, is not the last record, or one of several.
  bad_key,             ///< Signed with another key or algorithm: BADKEY.
  bad_signature,       ///< The MAC is not the message's: BADSIG.
  short_mac,           ///< Cut below half of its length or ten octets (§5.2.2.1).
  bad_time,            ///< Signed too long ago, or by a clock far ahead: BADTIME.
  too_many_plain,      ///< Over kMaxUnsigned messages of a stream in a row without a TSIG.
  peer_bad_key,        ///< The peer says that it does not know our key. Not proven.
  peer_bad_signature,  ///< The peer says that our signature is wrong. Not proven.
  peer_bad_time,       ///< The peer says that our clock and its are too far apart.
  peer_other,          ///< The peer reports an error of TSIG that we do not know.
};

/// What is wrong and what to do.
std::string_view to_string(TsigError error);

/// A query and its answer, signed with one key. One thread.
///
/// Client: `sign_query`, then `verify_answer` for each message as it comes, then
/// `finish_answer`. Server: `verify_query`, then `sign_answer` for each message. Times are
/// seconds since 1970 UTC. After an error the exchange is over.
class TsigExchange {
 public:
  static constexpr std::uint16_t kFudgeSeconds = 300;  ///< As RFC 8945 §10 recommends.
  static constexpr std::size_t kMaxUnsigned = 99;      ///< In a row (§5.3.1).
  /// Room that a signature takes at most: names, the fixed part, the longest MAC, server time.
  static constexpr std::size_t kMaxRecordOctets = 2 * Name::kMaxOctets + 26 + 64 + 6;

  /// `key` must outlive the exchange.
  explicit TsigExchange(const TsigKey& key);
  ~TsigExchange();
  TsigExchange(const TsigExchange&) = delete;
  TsigExchange& operator=(const TsigExchange&) = delete;

  /// Appends the signature to a whole message without one.
  void sign_query(Octets& message, std::uint64_t now_s);
  /// One message of the answer. The first must be signed; of those that follow a stream may
  /// leave up to kMaxUnsigned in a row unsigned, which are proven only by the next signed one.
  Result<void, TsigError> verify_answer(OctetView message, std::uint64_t now_s);
  /// After the last message: an error if that was not signed.
  Result<void, TsigError> finish_answer() const;

  /// For `bad_time` the query is proven all the same, and the answer may be signed.
  Result<void, TsigError> verify_query(OctetView message, std::uint64_t now_s);
  void sign_answer(Octets& message, std::uint64_t now_s);
  /// Appends to an answer why its query was refused: `bad_key` or `bad_signature` without a MAC,
  /// `bad_time` signed and with our time (§5.2.3). The other errors have no TSIG code: their answer
  /// is a bare FORMERR. `query` is the query's octets.
  void append_error(Octets& message, OctetView query, TsigError error, std::uint64_t now_s);

 private:
  struct Record;
  struct MacFree {
    void operator()(evp_mac_ctx_st* context) const;
  };

  static Result<std::optional<Record>, TsigError> find(OctetView message);
  void start();
  void add(OctetView octets);
  void add_prior();
  void add_message(OctetView message, const Record& record);
  void add_variables(const Record& record);
  Octets take_mac();
  void sign(Octets& message, Record record);
  Result<void, TsigError> verify(OctetView message, const Record& record, std::uint64_t now_s);

  const TsigKey& key_;
  std::unique_ptr<evp_mac_ctx_st, MacFree> mac_;
  Octets prior_;              ///< The MAC that the next one builds on, as it was sent.
  bool has_first_ = false;    ///< The answer's first message was signed: timers only from here.
  bool has_begun_ = false;    ///< Octets since the last MAC are in `mac_`.
  std::size_t unsigned_ = 0;  ///< Messages since the last signed one.
};

/// The name of the key that a message says it is signed with, to find that key by; nothing
/// where it has no (readable) TSIG record.
std::optional<Name> tsig_key_name(OctetView message);

}  // namespace postern::dns
