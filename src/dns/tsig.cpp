#include "dns/tsig.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/assert.h"
#include "dns/encoding.h"
#include "dns/message.h"

namespace postern::dns {
namespace {

constexpr std::size_t kMinMacOctets = 10;  // RFC 8945 §5.2.2.1.
constexpr std::uint16_t kBadSig = 16, kBadKey = 17, kBadTime = 18;
constexpr std::size_t kTimeOctets = 6;

struct AlgorithmFacts {
  std::string_view name;
  const char* digest;  // OpenSSL's name of it.
  std::size_t mac_octets;
};

constexpr std::array<AlgorithmFacts, 3> kAlgorithms{
    {{"hmac-sha256", "SHA256", 32}, {"hmac-sha384", "SHA384", 48}, {"hmac-sha512", "SHA512", 64}}};

const AlgorithmFacts& facts_of(TsigAlgorithm algorithm) {
  return kAlgorithms[static_cast<std::size_t>(algorithm)];
}

Name algorithm_name(TsigAlgorithm algorithm) {
  const auto name = Name::from_text(facts_of(algorithm).name);
  POSTERN_ASSERT(name.has_value());
  return *name;
}

void append(Octets& to, OctetView octets) {
  to.insert(to.end(), octets.begin(), octets.end());
}
void append_u16(Octets& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}
void append_time(Octets& to, std::uint64_t seconds) {
  for (int shift = 40; shift >= 0; shift -= 8) {
    to.push_back(static_cast<std::uint8_t>(seconds >> shift));
  }
}

std::uint64_t read_time(ByteReader& reader) {
  const std::uint64_t upper = reader.u16();
  return (upper << 32) | reader.u32();
}

std::optional<TsigError> reported_by_peer(std::uint16_t error) {
  switch (error) {
    case 0:
      return std::nullopt;
    case kBadSig:
      return TsigError::peer_bad_signature;
    case kBadKey:
      return TsigError::peer_bad_key;
    case kBadTime:
      return TsigError::peer_bad_time;
    default:
      return TsigError::peer_other;
  }
}

std::uint16_t code_of(TsigError error) {
  switch (error) {
    case TsigError::bad_signature:
      return kBadSig;
    case TsigError::bad_key:
      return kBadKey;
    case TsigError::bad_time:
      return kBadTime;
    default:
      return 0;
  }
}

}  // namespace

// RDATA of RFC 8945 §4.2, and where the record stands.
struct TsigExchange::Record {
  Name key_name;
  Name algorithm;
  std::uint64_t time_s = 0;
  std::uint16_t fudge_s = kFudgeSeconds;
  Octets mac;
  std::uint16_t original_id = 0;
  std::uint16_t error = 0;
  Octets other;
  std::size_t offset = 0;  // Of the record in its message.
};

std::string_view to_string(TsigAlgorithm algorithm) {
  return facts_of(algorithm).name;
}

std::optional<TsigAlgorithm> tsig_algorithm_from_text(std::string_view text) {
  const auto name = Name::from_text(text);
  for (std::size_t i = 0; i < kAlgorithms.size(); ++i) {
    const auto algorithm = static_cast<TsigAlgorithm>(i);
    if (name && *name == algorithm_name(algorithm)) return algorithm;
  }
  return std::nullopt;
}

Result<Octets> tsig_secret_from_text(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  const std::size_t end = text.find_last_not_of(kBlanks) + 1;
  Octets secret;
  Base64Reader reader;
  if (begin >= end || !reader.add(text.substr(begin, end - begin), secret) || !reader.finish() ||
      secret.empty()) {
    return fail(Errc::invalid_input,
                "the TSIG secret is not base64; take the text behind \"secret\" of the primary's "
                "key, without quotation marks");
  }
  if (secret.size() > TsigKey::kMaxSecretOctets) {
    return fail(Errc::limit_exceeded, "the TSIG secret has over 512 octets; make a shorter one");
  }
  return secret;
}

std::string_view to_string(TsigError error) {
  switch (error) {
    case TsigError::missing:
      return "the answer is not signed; give the primary the TSIG key for this zone, or remove it "
             "here";
    case TsigError::malformed:
      return "a TSIG record that does not read or stands in the wrong place";
    case TsigError::bad_key:
      return "signed with another TSIG key or algorithm; use the same name and algorithm on both "
             "sides";
    case TsigError::bad_signature:
      return "the TSIG signature is wrong (BADSIG); compare the secrets on both sides";
    case TsigError::short_mac:
      return "the TSIG signature is cut to less than half";
    case TsigError::bad_time:
      return "the TSIG signature is of another time (BADTIME); set the clocks of both sides";
    case TsigError::too_many_plain:
      return "over 99 messages in a row without a TSIG signature";
    case TsigError::peer_bad_key:
      return "the primary does not know our TSIG key (BADKEY); use the same name and algorithm on "
             "both sides";
    case TsigError::peer_bad_signature:
      return "the primary says that our TSIG signature is wrong (BADSIG); compare the secrets on "
             "both sides";
    case TsigError::peer_bad_time:
      return "the primary says that our clock is wrong (BADTIME); set the clocks of both sides";
    case TsigError::peer_other:
      return "the primary reports an unknown TSIG error";
  }
  return "unknown TSIG error";
}

void TsigExchange::MacFree::operator()(evp_mac_ctx_st* context) const {
  EVP_MAC_CTX_free(context);
}

TsigExchange::TsigExchange(const TsigKey& key) : key_(key) {
  EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  mac_.reset(EVP_MAC_CTX_new(hmac));
  EVP_MAC_free(hmac);
  POSTERN_ASSERT(mac_ != nullptr);
}

TsigExchange::~TsigExchange() = default;

void TsigExchange::start() {
  std::string digest = facts_of(key_.algorithm).digest;
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  const bool is_ready =
      EVP_MAC_init(mac_.get(), key_.secret.data(), key_.secret.size(), parameters) == 1;
  POSTERN_ASSERT(is_ready);
  has_begun_ = true;
}

void TsigExchange::add(OctetView octets) {
  const bool is_added = EVP_MAC_update(mac_.get(), octets.data(), octets.size()) == 1;
  POSTERN_ASSERT(is_added);
}

Octets TsigExchange::take_mac() {
  Octets mac(facts_of(key_.algorithm).mac_octets);
  std::size_t size = 0;
  const bool is_done = EVP_MAC_final(mac_.get(), mac.data(), &size, mac.size()) == 1;
  POSTERN_ASSERT(is_done && size == mac.size());
  has_begun_ = false;
  return mac;
}

// The request's MAC, or the one before in a stream (§4.3.1, §5.3.1). A query has none before it.
void TsigExchange::add_prior() {
  if (prior_.empty()) return;
  Octets size;
  append_u16(size, prior_.size());
  add(size);
  add(prior_);
}

// The message as it was before it was signed (§4.3.2).
void TsigExchange::add_message(OctetView message, const Record& record) {
  std::array<std::uint8_t, kHeaderOctets> header;
  std::copy_n(message.begin(), kHeaderOctets, header.begin());
  store_u16(header.data(), record.original_id);
  store_u16(&header[10], static_cast<std::uint16_t>(load_u16(&header[10]) - 1));
  add(header);
  add(message.subspan(kHeaderOctets, record.offset - kHeaderOctets));
}

// §4.3.3; behind the first message of an answer the timers alone.
void TsigExchange::add_variables(const Record& record) {
  Octets octets;
  if (!has_first_) {
    append(octets, record.key_name.wire());
    append_u16(octets, static_cast<std::uint16_t>(RRClass::any));
    octets.insert(octets.end(), 4, 0);  // The TTL.
    append(octets, record.algorithm.wire());
  }
  append_time(octets, record.time_s);
  append_u16(octets, record.fudge_s);
  if (!has_first_) {
    append_u16(octets, record.error);
    append_u16(octets, record.other.size());
    append(octets, record.other);
  }
  add(octets);
}

// Nothing where the message has no TSIG. With one, the record stands at the end of the message.
Result<std::optional<TsigExchange::Record>, TsigError> TsigExchange::find(OctetView message) {
  const auto header = Header::read(message);
  if (!header) return Unexpected(TsigError::malformed);
  std::size_t at = kHeaderOctets;
  for (unsigned i = 0; i < header->question_count; ++i) {
    if (!skip_name(message, at) || message.size() - at < 4) {
      return Unexpected(TsigError::malformed);
    }
    at += 4;
  }
  const unsigned count =
      header->answer_count + 0U + header->authority_count + header->additional_count;
  dns::Record found;
  for (unsigned i = 0; i < count; ++i) {
    const std::size_t offset = at;
    if (!MessageView::read_record(message, at, found)) return Unexpected(TsigError::malformed);
    if (found.type != RRType::tsig) continue;
    const bool is_last = i + 1 == count && header->additional_count > 0 && at == message.size();
    if (!is_last || found.rr_class != RRClass::any || found.ttl != 0) {
      return Unexpected(TsigError::malformed);
    }
    Record record;
    record.offset = offset;
    record.key_name = found.owner;
    std::size_t algorithm_end = 0;
    if (!record.algorithm.assign_from_wire(found.rdata, algorithm_end)) {
      return Unexpected(TsigError::malformed);
    }
    ByteReader reader(found.rdata, algorithm_end);
    record.time_s = read_time(reader);
    record.fudge_s = reader.u16();
    const OctetView mac = reader.take(reader.u16());
    record.original_id = reader.u16();
    record.error = reader.u16();
    const OctetView other = reader.take(reader.u16());
    if (!reader.ok() || reader.left() != 0) return Unexpected(TsigError::malformed);
    record.mac.assign(mac.begin(), mac.end());
    record.other.assign(other.begin(), other.end());
    return record;
  }
  return std::nullopt;
}

void TsigExchange::sign(Octets& message, Record record) {
  POSTERN_ASSERT(message.size() >= kHeaderOctets);
  record.key_name = key_.name;
  record.algorithm = algorithm_name(key_.algorithm);
  record.offset = message.size();
  record.original_id = load_u16(message.data());
  const std::size_t additional = load_u16(&message[10]) + std::size_t{1};
  POSTERN_ASSERT(additional <= 0xffff);
  store_u16(&message[10], static_cast<std::uint16_t>(additional));
  const bool is_signed = record.error == 0 || record.error == kBadTime;
  if (is_signed) {
    start();
    add_prior();
    add_message(message, record);
    add_variables(record);
    record.mac = take_mac();
    prior_ = record.mac;
  }
  append(message, record.key_name.wire());
  append_u16(message, static_cast<std::uint16_t>(RRType::tsig));
  append_u16(message, static_cast<std::uint16_t>(RRClass::any));
  message.insert(message.end(), 4, 0);
  append_u16(message, record.algorithm.wire().size() + kTimeOctets + 10 + record.mac.size() +
                          record.other.size());
  append(message, record.algorithm.wire());
  append_time(message, record.time_s);
  append_u16(message, record.fudge_s);
  append_u16(message, record.mac.size());
  append(message, record.mac);
  append_u16(message, record.original_id);
  append_u16(message, record.error);
  append_u16(message, record.other.size());
  append(message, record.other);
  POSTERN_ASSERT(message.size() - record.offset <= kMaxRecordOctets);
}

void TsigExchange::sign_query(Octets& message, std::uint64_t now_s) {
  POSTERN_ASSERT(prior_.empty());
  Record record;
  record.time_s = now_s;
  sign(message, std::move(record));
}

void TsigExchange::sign_answer(Octets& message, std::uint64_t now_s) {
  POSTERN_ASSERT(!prior_.empty());
  Record record;
  record.time_s = now_s;
  sign(message, std::move(record));
  has_first_ = true;
}

void TsigExchange::append_error(Octets& message, OctetView query, TsigError error,
                                std::uint64_t now_s) {
  Record record;
  record.error = code_of(error);
  POSTERN_ASSERT(record.error != 0);
  record.time_s = now_s;
  if (const auto asked = find(query); asked && *asked) {
    record.time_s = (*asked)->time_s;  // What the client can tell its query by.
    record.fudge_s = (*asked)->fudge_s;
  }
  if (error == TsigError::bad_time) append_time(record.other, now_s);
  sign(message, std::move(record));
}

// In the order of §5.2: key, MAC, time, so that nothing is told to who has not the key.
Result<void, TsigError> TsigExchange::verify(OctetView message, const Record& record,
                                             std::uint64_t now_s) {
  if (record.key_name != key_.name || record.algorithm != algorithm_name(key_.algorithm)) {
    return Unexpected(TsigError::bad_key);
  }
  const std::size_t whole = facts_of(key_.algorithm).mac_octets;
  if (record.mac.size() > whole) return Unexpected(TsigError::malformed);
  if (record.mac.size() < std::max(kMinMacOctets, whole / 2)) {
    return Unexpected(TsigError::short_mac);
  }
  if (!has_begun_) {
    start();
    add_prior();
  }
  add_message(message, record);
  add_variables(record);
  const Octets mac = take_mac();
  if (CRYPTO_memcmp(mac.data(), record.mac.data(), record.mac.size()) != 0) {
    return Unexpected(TsigError::bad_signature);
  }
  prior_ = record.mac;
  const std::uint64_t apart = std::max(now_s, record.time_s) - std::min(now_s, record.time_s);
  if (apart > record.fudge_s) return Unexpected(TsigError::bad_time);
  return {};
}

Result<void, TsigError> TsigExchange::verify_query(OctetView message, std::uint64_t now_s) {
  const auto record = POSTERN_TRY(find(message));
  if (!record) return Unexpected(TsigError::missing);
  return verify(message, *record, now_s);
}

Result<void, TsigError> TsigExchange::verify_answer(OctetView message, std::uint64_t now_s) {
  POSTERN_ASSERT(!prior_.empty());
  const auto record = POSTERN_TRY(find(message));
  if (!record) {
    if (!has_first_) return Unexpected(TsigError::missing);
    if (++unsigned_ > kMaxUnsigned) return Unexpected(TsigError::too_many_plain);
    if (!has_begun_) {
      start();
      add_prior();
    }
    add(message);
    return {};
  }
  const auto reported = reported_by_peer(record->error);
  // A peer that does not share our key cannot sign that it does not (§5.3.2).
  if (reported && record->mac.empty()) return Unexpected(*reported);
  const auto verified = verify(message, *record, now_s);
  // BADTIME is signed with the time of our query; by our clock that is right.
  if (verified && reported) return Unexpected(*reported);
  if (!verified) return verified;
  has_first_ = true;
  unsigned_ = 0;
  return {};
}

Result<void, TsigError> TsigExchange::finish_answer() const {
  if (!has_first_ || unsigned_ > 0) return Unexpected(TsigError::missing);
  return {};
}

std::optional<Name> tsig_key_name(OctetView message) {
  std::optional<Name> name;
  const auto view = MessageView::parse(message);
  if (!view) return name;
  view->for_each_record([&](Section, const Record& record) {
    if (record.type == RRType::tsig) name = record.owner;
    return !name;
  });
  return name;
}

}  // namespace postern::dns
